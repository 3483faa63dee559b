"""``dougong rules`` and ``dougong feel`` at a prompt."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli import main

ROOT = Path(__file__).parents[2]


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, input=typed)
    return result.exit_code, result.output


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    text = (ROOT / "docs" / "decision.md").read_text("utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    file = tmp_path / "discount.decision.json"
    file.write_text(found.group(1), "utf-8")
    return file


def test_format_prints_rules_in_the_other_language(tmp_path: Path) -> None:
    file = tmp_path / "a.rules"
    file.write_text("rule r when box is saved then stop end // why", "utf-8")
    code, output = run("rules", "format", "--language", "zh", str(file))
    assert code == 0
    assert "规则 r" in output
    assert "// why" in output
    assert run("rules", "format", "--write", str(file))[0] == 0
    assert file.read_text("utf-8").startswith("rule r\n  when box is saved\n")


def test_check_names_every_problem(tmp_path: Path, decision: Path) -> None:
    assert run("rules", "check", str(decision)) == (0, "1 files, 0 errors, 0 warnings\n")
    data = json.loads(decision.read_text("utf-8"))
    data["tests"][0]["expect"] = "7"
    data["decisions"][0]["table"]["rules"].pop()
    decision.write_text(json.dumps(data), "utf-8")
    broken = tmp_path / "b.rules"
    broken.write_text("rule r wen", "utf-8")
    code, output = run("rules", "check", str(decision), str(broken))
    assert code == 1
    for wanted in ("rules.table_gap", "rules.example_failed", "rules.syntax", "2 files, 2 errors, 1 warnings"):
        assert wanted in output


def test_eval_shows_how_a_decision_came_about(decision: Path) -> None:
    code, output = run("rules", "eval", str(decision), "amount=2000", 'level="gold"')
    assert code == 0
    assert output.splitlines()[-1] == "discount = 200.0"
    assert "rate = 0.1  rows 2" in output


def test_convert_goes_to_dmn_and_back(tmp_path: Path, decision: Path) -> None:
    code, xml = run("rules", "convert", str(decision))
    assert code == 0
    file = tmp_path / "discount.dmn"
    file.write_text(xml, "utf-8")
    code, text = run("rules", "convert", str(file))
    assert code == 0
    assert [d["name"] for d in json.loads(text)["decisions"]] == ["rate", "discount"]
    assert run("rules", "eval", str(file), "amount=2000", 'level="silver"')[1].endswith("discount = 100.00\n")


def test_explain_says_what_would_have_to_change() -> None:
    code, output = run("rules", "explain", 'amount > 100 and level = "gold"', "amount=90", 'level="gold"')
    assert code == 0
    assert output.startswith("false\n")
    assert "would hold with amount = 101 instead of 90" in output


def test_feel_evaluates_lines_and_keeps_names() -> None:
    assert run("feel", "1 + 2")[1] == "3\n"
    code, output = run("feel", typed="x := 20\nx * 2\nx +\n")
    assert code == 0
    assert "40" in output
    assert "feel." in output


def test_feel_completes_functions_keywords_and_kept_names() -> None:
    from builder.cli.feel import completions

    assert "string length(" in completions("string l", {})
    assert completions("amou", {"amount": 1, "other": 2}) == ["amount"]
    assert "satisfies" in completions("sat", {})
    assert completions("", {"amount": 1}) == []


def test_explain_shows_the_rows_of_a_decision_and_what_would_give_another_value(decision: Path) -> None:
    code, output = run("rules", "explain", str(decision), "amount=900", 'level="gold"')
    assert code == 0
    lines = output.splitlines()
    assert lines[0] == "0"
    assert any(line.startswith("  * row 1 small") for line in lines)
    assert any("matches with amount = 1000 instead of 900" in line for line in lines)
    assert lines[-1] == "  would be 100.0 with amount = 1000 instead of 900"

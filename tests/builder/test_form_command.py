"""``dougong form convert``: the definition beside the file, the report on standard output."""

import json
from pathlib import Path

from click.testing import CliRunner

from builder.cli.main import main

SCHEMA = {"title": "Guest", "type": "object", "properties": {"name": {"type": "string", "deprecated": True}}}


def test_the_command_line_writes_the_definition_and_the_report(tmp_path: Path) -> None:
    source = tmp_path / "guest.json"
    source.write_text(json.dumps(SCHEMA), "utf-8")
    result = CliRunner().invoke(main, ["form", "convert", str(source), "--report", "json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) == {"represented", "approximated", "dropped"}
    assert [entry["pointer"] for entry in report["dropped"]] == ["/properties/name/deprecated"]
    assert json.loads((tmp_path / "guest.form.json").read_text("utf-8"))["name"] == "guest"


def test_a_file_of_no_known_kind_is_one_clear_line(tmp_path: Path) -> None:
    source = tmp_path / "guest.json"
    source.write_text("[]", "utf-8")
    result = CliRunner().invoke(main, ["form", "convert", str(source)])
    assert result.exit_code == 1
    assert "json_schema" in result.stderr

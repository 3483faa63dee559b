"""A draft rule over the workspace's own records, against the rule in force."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from builder.cli import main
from builder.runtime.rules.backtesting import backtest
from builder.runtime.rules.running import ruleset_of
from builder.workspace import Workspace
from engines.core import SYSTEM, DefinitionError, DefinitionSource, InputError
from engines.rules import CompiledRule, compile_rules, load_rules
from tests.builder.runtime.seeds import Seeds, open_seeds
from tests.builder.workspaces import fixed_clock, settings_for, sqlite_image, workspace_url
from tests.databases import DATABASES

__all__ = ["sqlite_image"]
DRY = """rule k116 when account has no orders where status = "won" dated by date for {days} days
  if quadrant = "cow" then stop end"""
FIRST = date(2025, 1, 1)


@pytest.fixture(scope="module", params=DATABASES)
def seeds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_image: Path
) -> Iterator[Seeds]:
    folder = tmp_path_factory.mktemp("backtest")
    with workspace_url(request.param, folder, sqlite_image) as url:
        workspace = Workspace.open(settings_for(url, folder), clock=fixed_clock())
        try:
            found = open_seeds(workspace, language="en")
            for name, quadrant in (("cow", "cow"), ("star", "star")):
                account = found.account(name=name, quadrant=quadrant)
                for day in (0, 20, 65, 200):
                    found.create("order", account=account, date=FIRST + timedelta(days=day), amount=1)
            yield found
        finally:
            workspace.close()


def rule(work: Any, text: str) -> CompiledRule:
    loaded = load_rules(DefinitionSource(file="draft.rules", text=text))
    return compile_rules(loaded.definition, work.apps["seeds"].definitions).rules[0]


def days(found: Any) -> list[int]:
    return [(item.on - FIRST).days for item in found]


def test_a_draft_absence_rule_is_held_against_the_one_in_force_account_by_account(seeds: Seeds) -> None:
    """Orders on the days 0, 20, 65 and 200: the rule in force waits for 30 days, the draft for 60."""
    with seeds.workspace.read(SYSTEM) as work:
        around = work.service("around")
        published = ruleset_of(around, work.apps["seeds"]).rule("k116")
        draft = rule(work, DRY.format(days=60))
        found = backtest(around, "seeds", draft, published, FIRST, FIRST + timedelta(days=364))
    assert days(sorted(found.published)) == [50, 95, 230]
    assert days(sorted(found.draft)) == [125, 260]
    assert (days(found.gained), days(found.lost)) == ([125, 260], [50, 95, 230])
    assert len({item.record for item in found.draft}) == 1


def test_a_schedule_is_asked_of_the_records_as_they_were(seeds: Seeds) -> None:
    account = seeds.account(name="moving", level="gold")
    begun = seeds.today
    seeds.jump(days=40)
    seeds.update("account", account, level="platinum")
    seeds.jump(days=70)
    with seeds.workspace.read(SYSTEM) as work:
        around = work.service("around")
        monthly = rule(work, 'rule m every month for each account where level = "platinum" then stop end')
        found = backtest(around, "seeds", monthly, None, begun, seeds.today)
        assert [item.on for item in sorted(found.draft)] == [date(2026, 5, 1), date(2026, 6, 1)]
        with pytest.raises(InputError, match="no_backtest"):
            backtest(around, "seeds", rule(work, "rule e when account is saved then stop end"), None, begun, begun)


def test_the_command_line_shows_what_changes(seeds: Seeds, tmp_path: Path) -> None:
    database = seeds.workspace.settings.database
    file = tmp_path / "draft.rules"
    file.write_text(DRY.format(days=60), "utf-8")
    given = ["rules", "backtest", "seeds", str(file), "--from", "2025-01-01", "--to", "2025-12-31"]
    result = CliRunner().invoke(main, given, env={"DOUGONG_DATABASE": database})
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "draft 2, in force 3"
    assert [line[:17] for line in lines[1:]] == [
        "+ 2025-05-06  cow",
        "+ 2025-09-18  cow",
        "- 2025-02-20  cow",
        "- 2025-04-06  cow",
        "- 2025-08-19  cow",
    ]


def test_a_failed_case_stops_a_publish_unless_its_file_says_otherwise(seeds: Seeds) -> None:
    from builder.definitions import load_folder, source_of
    from builder.releases import plan, publish
    from tests.builder.runtime.seeds import FOLDER

    texts = load_folder(FOLDER).texts()
    wrong = {"refuse": True, "cases": [{"name": "wrong", "record": {"score": 80}, "expect": {"value": "A"}}]}
    given = {**texts, "tier.cases.json": json.dumps(wrong)}
    with seeds.workspace.read(SYSTEM) as work:
        planned = plan(work, "seeds", source_of(given))
    assert (planned.may_publish, [d.code for d in planned.diagnostics]) == (False, ["rules.case_failed"])
    with pytest.raises(DefinitionError, match="case_failed"):
        publish(seeds.workspace, "seeds", source_of(given), SYSTEM)
    given["tier.cases.json"] = json.dumps({**wrong, "refuse": False})
    assert publish(seeds.workspace, "seeds", source_of(given), SYSTEM).number == 2

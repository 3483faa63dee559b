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
from builder.runtime.rules.asking import askers
from builder.runtime.rules.backtesting import Backtest, backtest, titles
from builder.runtime.rules.backtesting_decisions import backtest_decision
from builder.runtime.rules.running import ruleset_of
from builder.workspace import Workspace
from engines.core import SYSTEM, DefinitionError, DefinitionSource, InputError
from engines.rules import CompiledRule, compile_decision, compile_rules, load_decision, load_rules
from tests.builder.runtime.seeds import FOLDER, Seeds, open_seeds
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
            backtest(around, "seeds", rule(work, "rule e when message x arrives then stop end"), None, begun, begun)


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


def looked_back(seeds: Seeds, begun: date, text: str, published: str = "", of: Any = None) -> Any:
    """A backtest from a day until today, of one record where one is given."""
    with seeds.workspace.read(SYSTEM) as work:
        theirs = rule(work, published) if published else None
        found = backtest(work.service("around"), "seeds", rule(work, text), theirs, begun, seeds.today)
    sides = (frozenset(one for one in side if of in (None, one.record)) for side in (found.draft, found.published))
    return Backtest(**dict(zip(("draft", "published"), sides, strict=True)))


def test_rules_of_events_are_replayed_on_the_changes_as_they_were(seeds: Seeds) -> None:
    """Scores of 40, 60, 85, 30 and 90, one a day: what crossed which value when, by the values before and after."""
    begun = seeds.today
    account = seeds.account(name="rising", score=40)
    for score in (60, 85, 30, 90):
        seeds.move(days=1)
        seeds.update("account", account, score=score)
    text = "rule r when account.score rises above {} then stop end"
    found = looked_back(seeds, begun, text.format(80), text.format(50))
    assert [(one.on - begun).days for one in sorted(found.draft)] == [2, 4]
    assert [(one.on - begun).days for one in sorted(found.published)] == [1, 4]
    assert [(one.on - begun).days for one in found.gained] == [2]
    assert [(one.on - begun).days for one in found.lost] == [1]
    becoming = "rule r only when becoming true when account is saved if score > 50 then stop end"
    assert [(one.on - begun).days for one in sorted(looked_back(seeds, begun, becoming).draft)] == [1, 4]
    falling = "rule r when account is updated if score < previous.score - 20 then stop end"
    assert [(one.on - begun).days for one in sorted(looked_back(seeds, begun, falling).draft)] == [3]
    created = 'rule r when account is created if name = "rising" and count(orders) = 0 then stop end'
    assert len(looked_back(seeds, begun, created).draft) == 1


def test_what_a_rule_reads_of_other_records_and_at_the_end_of_a_delay_is_of_that_time(seeds: Seeds) -> None:
    begun = seeds.today
    account = seeds.account(name="moving", tier="S", level="gold")
    seeds.create("ticket", account=account, title="first", urgency="urgent")
    seeds.move(days=1)
    seeds.update("account", account, tier="B")
    seeds.create("ticket", account=account, title="second", urgency="urgent")
    seeds.move(days=1)
    seeds.update("account", account, level="platinum")
    urgent = 'rule r when ticket is created if account.tier = "S" then stop end'
    assert [(one.on - begun).days for one in looked_back(seeds, begun, urgent).draft] == [0]
    delayed = 'rule r when account is created after {} days unless level = "platinum" if name = "moving" then stop end'
    assert [(one.on - begun).days for one in looked_back(seeds, begun, delayed.format(1)).draft] == [1]
    assert looked_back(seeds, begun, delayed.format(2)).draft == frozenset()
    # What is not due yet by the end has not fired.
    assert looked_back(seeds, begun, delayed.format(9)).draft == frozenset()


def test_an_absence_is_asked_of_the_record_as_it_was_on_the_day(seeds: Seeds) -> None:
    """Each is silent after its order of day 0 for 30 days; it counts whether it was a cow then, or became one later."""
    begun = seeds.today
    made = {name: seeds.account(name=name, quadrant=quadrant) for name, quadrant in
            (("was", "cow"), ("became", "star"), ("never", "star"), ("ends", "star"), ("silent", "cow"))}  # fmt: skip
    for name in ("was", "became", "never", "ends"):
        seeds.create("order", account=made[name], date=begun, amount=1)
    seeds.jump(days=35)
    seeds.update("account", made["was"], quadrant="star")
    seeds.jump(days=5)
    seeds.update("account", made["became"], quadrant="cow")
    seeds.create("order", account=made["ends"], date=seeds.today, amount=1)
    seeds.update("account", made["ends"], quadrant="cow")
    seeds.jump(days=10)
    found = looked_back(seeds, begun, DRY.format(days=30))
    with seeds.workspace.read(SYSTEM) as work:
        names = titles(work.service("around"), "seeds", "account", list(made.values()))
    fired = sorted((names[one.record], (one.on - begun).days) for one in found.draft if one.record in names)
    # "silent" never had an order: it is silent since it was made. As records are now, "was" would be missing.
    assert fired == [("became", 40), ("silent", 30), ("was", 30)]
    # Months have no single statement: the same is found day by day.
    months = looked_back(seeds, begun, DRY.format(days=1).replace("1 days", "1 month"))
    assert {names[one.record] for one in months.draft if one.record in names} == {"became", "silent", "was"}


def test_a_draft_decision_is_held_against_the_one_in_force_record_by_record(seeds: Seeds) -> None:
    begun = seeds.today
    seeds.account(name="early", score=60)
    seeds.move(days=10)
    middle = seeds.today
    seeds.account(name="steady", score=20)
    late = seeds.account(name="late", score=10)
    seeds.move(days=1)
    seeds.update("account", late, score=55)
    seeds.move(days=1)
    seeds.update("account", late, score=90)
    with seeds.workspace.read(SYSTEM) as work:
        around, app = work.service("around"), work.apps["seeds"]
        (asker,) = (found for found in askers(app, "tier") if found.kind == "rule")
        data = json.loads((FOLDER / "tier.decision.json").read_text("utf-8"))
        rows = data["decisions"][0]["table"]["rules"]
        rows[1]["when"], rows[2]["when"] = ["[58..80)"], ["< 58"]
        draft = compile_decision(
            load_decision(DefinitionSource(file="tier.decision.json", text=json.dumps(data))).definition
        )
        given = (around, "seeds", asker.form, asker.inputs, draft, app.decisions["tier"])
        found = backtest_decision(*given, middle, seeds.today)
        assert [(one.record, (one.on - begun).days, one.draft, one.published) for one in found.differences] == [
            (late, 11, "B", "A")
        ]
        assert sum(found.outcomes.values()) == found.records
        assert [found.outcomes[(same, same)] > 0 for same in "SAB"] == [True, True, True]
        first = backtest_decision(*given, begun, begun)
        # Of that day only what was there: one of the three.
        assert first.records == found.records - 2
        assert backtest_decision(*given, begun, seeds.today, most=2).is_cut


def test_the_command_line_explains_and_looks_back_on_decisions(seeds: Seeds, tmp_path: Path) -> None:
    environment = {"DOUGONG_DATABASE": seeds.workspace.settings.database}

    def told(*given: str) -> list[str]:
        result = CliRunner().invoke(main, ["rules", *given], env=environment)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    begun = seeds.today
    account = seeds.account(name="Told", score=60, quadrant="star")
    seeds.create("order", account=account, date=begun, amount=1)
    why = told("explain", "k116", "--app", "seeds", "--record", str(account))
    assert why[0].startswith("k116: condition")
    assert why[1] == f"  silent since {begun}, due on {begun + timedelta(days=30)}"
    assert '  would hold with quadrant = "cow" instead of "star"' in why
    tier = told("explain", "tier", "--app", "seeds", "--record", "Told")
    assert tier[1] == '"A"'
    assert any(line.strip() == "matches with score = 80 instead of 60" for line in tier)
    data = json.loads((FOLDER / "tier.decision.json").read_text("utf-8"))
    rows = data["decisions"][0]["table"]["rules"]
    rows[0]["when"], rows[1]["when"] = [">= 60"], ["[50..60)"]
    file = tmp_path / "tier.decision.json"
    file.write_text(json.dumps(data), "utf-8")
    found = told("backtest", "seeds", str(file), "--from", str(begun), "--to", str(begun))
    assert any(line.startswith(f"{begun}  Told  A -> S") for line in found)
    refused = CliRunner().invoke(main, ["rules", "explain", "nothing", "--app", "seeds"], env=environment)
    assert (refused.exit_code, "neither a rule nor a decision" in refused.output) == (1, True)

"""Score models: a full run moves cut points and everybody; a change moves only its own record against them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.jobs.embedded import EmbeddedRunner
from builder.runtime import install
from builder.storage.runtime_tables import job, rule_firing, score_run
from builder.workspace import Workspace
from engines.core import AccessDenied
from tests.builder.runtime.desk import Desk, open_desk
from tests.builder.runtime.items import BOX, ITEM, WITH_RECORDS, all_values, create
from tests.builder.runtime.test_embedded import QUICK, until

SCORED = (
    "box.form.json",
    {
        **BOX[1],
        "fields": [
            *BOX[1]["fields"],
            {"name": "total", "type": "number", "scale": 2, "label": "Total"},
            {"name": "rank", "type": "number", "scale": 0, "label": "Rank"},
            {"name": "level", "type": "text", "label": "Level"},
        ],
    },
)
ITEM_WITH_LINES = (
    "item.form.json",
    {
        **ITEM[1],
        "fields": [
            *ITEM[1]["fields"],
            {
                "name": "lines",
                "type": "subtable",
                "label": "L",
                "fields": [{"name": "code", "type": "text", "label": "C"}],
            },
        ],
    },
)
LEVEL = (
    "level.decision.json",
    {
        "name": "level",
        "label": "Level",
        "inputs": [{"name": "rank", "type": "number"}],
        "decisions": [
            {
                "name": "level",
                "type": "text",
                "table": {
                    "hit_policy": "UNIQUE",
                    "inputs": [{"name": "rank", "expression": "rank", "type": "number"}],
                    "outputs": [{"name": "level", "type": "text"}],
                    "rules": [
                        {"name": "high", "when": [">= 3"], "then": ['"high"']},
                        {"name": "low", "when": ["< 3"], "then": ['"low"']},
                    ],
                },
            }
        ],
    },
)
MODEL = (
    "worth.scores.json",
    {
        "name": "worth",
        "label": "Worth",
        "form": "box",
        "population": "count(items) > 0",
        "measures": [
            {
                "name": "total",
                "value": "sum(items.size)",
                "better": "higher",
                "method": "ntile",
                "buckets": 4,
                "tie_break": "name",
            },
            {"name": "kinds", "value": "count(distinct values(flatten(items.lines).code))", "method": "none"},
        ],
        "decisions": [{"name": "level", "decision": "level", "inputs": {"rank": "total.score"}}],
        "writes": [
            {"field": "total", "value": "total.value"},
            {"field": "rank", "value": "total.score"},
            {"field": "level", "value": "level"},
            {"field": "items_count", "value": "kinds.value"},
        ],
    },
)
RULES = """
rule follow
  when item is saved
  if box != null
  then
    recompute worth on box
end
rule left
  when item.box changes
  if previous.box != null
  then
    recompute worth on previous.box
end
rule raised
  when box.level changes to "high"
  then
    set kind: "top"
end
"""
FILES = (*WITH_RECORDS, ITEM_WITH_LINES, SCORED, LEVEL, MODEL, ("items.rules", RULES))


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return open_desk(workspace, FILES)  # type: ignore[arg-type]


def boxes(desk: Desk) -> Mapping[str, tuple[Any, Any, Any]]:
    return {b["name"]: (b["total"], b["rank"], b["level"]) for b in all_values(desk, "box")}


def filled(desk: Desk, count: int = 8) -> list[UUID]:
    """Boxes b1, b2 … with one item of size 1, 2 …, and an empty one; loaded as a demo is, without rules."""
    made = []
    with desk.work() as work:
        records = work.records.of("desk.box")
        for number in range(1, count + 1):
            box = records.create("desk.box", {"name": f"b{number}"}).record.id
            records.create("desk.item", {"name": f"i{number}", "size": number, "box": box})
            made.append(box)
        records.create("desk.box", {"name": "empty"})
    return made


def runs(desk: Desk) -> list[Any]:
    with desk.workspace.database.read() as connection:
        return list(connection.execute(sa.select(score_run).order_by(score_run.c.version)).all())


def test_a_full_run_scores_everybody_of_the_population(desk: Desk) -> None:
    filled(desk)
    assert desk.workspace.score_all("desk.worth", desk.as_("root")) == 8
    found = boxes(desk)
    assert found["empty"] == (None, None, None)
    assert {name: rank for name, (_, rank, _) in found.items() if rank} == {
        f"b{number}": (number + 1) // 2 for number in range(1, 9)
    }
    assert {level for _, (_, rank, level) in found.items() if rank and rank >= 3} == {"high"}
    assert [(r.version, r.state, r.population, r.done) for r in runs(desk)] == [(1, "done", 8, 8)]


def test_a_second_run_without_changes_writes_nothing(desk: Desk) -> None:
    filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    assert desk.workspace.score_all("desk.worth", desk.as_("root")) == 0
    assert [(r.version, r.state) for r in runs(desk)] == [(1, "done"), (2, "done")]


def test_rules_see_what_a_full_run_changes(desk: Desk) -> None:
    filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    kinds = {b["name"]: b["kind"] for b in all_values(desk, "box")}
    assert kinds["b8"] == "top"
    assert kinds["b1"] in (None, "")


def test_a_change_scores_its_own_record_against_frozen_cut_points(desk: Desk) -> None:
    first, *_ = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    before = boxes(desk)
    create(desk, name="more", size=100, box=first)
    after = boxes(desk)
    assert after["b1"] == (101, 4, "high")
    assert {n: v for n, v in after.items() if n != "b1"} == {n: v for n, v in before.items() if n != "b1"}
    assert len(runs(desk)) == 1


def test_a_record_that_moves_on_leaves_the_old_one_recomputed(desk: Desk) -> None:
    made = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    extra = create(desk, name="extra", size=50, box=made[0])
    with desk.work() as work:
        work.records.update("desk.item", extra, {"box": made[1]})
    found = boxes(desk)
    assert (found["b1"][0], found["b2"][0]) == (1, 52)


def test_scores_do_not_raise_the_version_that_people_edit_against(desk: Desk) -> None:
    made = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    with desk.work() as work:
        (record,) = work.records.get_many("desk.box", [made[0]])
        assert record.version == 1


def test_why_names_the_model_its_measures_and_the_cut_points(desk: Desk) -> None:
    made = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    with desk.work() as work:
        reason = work.service("why")("desk.box", made[7], "rank")
    assert (reason.kind, reason.name, reason.detail["cut_points"]) == ("score", "worth", 1)
    assert reason.detail["measures"]["total"] == {"value": 8, "score": 4}
    (asked,) = reason.detail["decisions"]
    (row,) = asked["steps"][0]["rows"]
    assert (asked["inputs"], asked["value"]) == ({"rank": 4}, row["then"][0].strip('"'))


def test_why_holds_for_values_that_a_later_run_confirmed(desk: Desk) -> None:
    made = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    create(desk, name="more", size=1, box=made[7])
    with desk.work() as work:
        total, level = (work.service("why")("desk.box", made[7], name) for name in ("total", "level"))
    assert (total.kind, total.value, level.kind, level.name) == ("score", 9, "score", "worth")


def test_a_run_in_the_background_does_the_same_in_portions(desk: Desk) -> None:
    filled(desk, count=12)
    with desk.work() as work:
        work.service("scoring").request_run("desk", "worth", cause="test")
        work.service("scoring").request_run("desk", "worth", cause="test")
    runner = EmbeddedRunner(install.host(desk.workspace), {}, patience=QUICK)
    runner.start()
    try:
        until(lambda: bool(runs(desk)) and runs(desk)[-1].state == "done")
    finally:
        runner.stop()
    assert boxes(desk)["b12"] == (12, 4, "high")
    with desk.workspace.database.read() as connection:
        assert connection.execute(sa.select(job)).all() == []


def test_who_may_not_import_or_build_may_not_recalculate(desk: Desk) -> None:
    filled(desk, count=1)
    with pytest.raises(AccessDenied):
        desk.workspace.score_all("desk.worth", desk.as_("ann"))
    assert runs(desk) == []


def test_a_batch_scores_each_affected_record_once(desk: Desk) -> None:
    made = filled(desk)
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    rows = [{"name": f"n{number}", "size": 1, "box": made[number % 2]} for number in range(10)]
    with desk.work() as work:
        work.records.create_many("desk.item", rows)
    found = boxes(desk)
    assert (found["b1"][0], found["b2"][0]) == (6, 7)
    with desk.workspace.database.read() as connection:
        fired = connection.execute(sa.select(rule_firing.c.rule)).scalars().all()
    assert fired.count("follow") == 10


def test_a_measure_counts_what_stands_in_the_rows_of_related_records(desk: Desk) -> None:
    box, *_ = filled(desk)
    create(desk, name="x", size=1, box=box, lines=[{"code": "a"}, {"code": "b"}])
    create(desk, name="y", size=1, box=box, lines=[{"code": "a"}])
    desk.workspace.score_all("desk.worth", desk.as_("root"))
    counts = {found["name"]: found["items_count"] for found in all_values(desk, "box")}
    assert (counts["b1"], counts["b2"], counts["empty"]) == (2, 0, None)


def test_a_work_offers_what_the_runtime_has_under_short_names(desk: Desk) -> None:
    with desk.work("ann") as work:
        assert work.decide("desk.level", {"rank": 3}) == "high"
        assert work.inbox.page().items == []
        assert work.notifications.unread() == 0

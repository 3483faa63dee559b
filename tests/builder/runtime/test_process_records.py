"""Processes and records: services write as the app, steps open their own fields, failures stand as incidents."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.runtime.history.why import Reason
from builder.storage.runtime_tables import notification, process_instance
from builder.workspace import Workspace
from engines.core import AccessDenied, InputError, StateConflict
from tests.builder.runtime.desk import Desk, open_desk, put_app
from tests.builder.runtime.items import WITH_RECORDS, all_values, create, values


@pytest.fixture
def items(workspace: Workspace) -> Desk:
    return open_desk(workspace, WITH_RECORDS)


def grade(desk: Desk, item: UUID) -> UUID:
    with desk.work() as work:
        return work.service("processes").start("desk.grading", subject=("desk.item", item), variables={"proposed": "A"})


def test_an_approved_step_writes_as_the_app_and_its_field_by_the_person(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    ((_, task_id),) = items.todo("ann")
    items.complete("ann", task_id, "approve", values={"size": Decimal("2.5")})
    found = values(items, item)
    assert (found["grade"], found["size"], found["double"]) == ("A", Decimal("2.5"), Decimal("5"))
    assert found["keeper"] == items.people["ann"]
    assert [box["name"] for box in all_values(items, "box")] == ["lamp box"]
    with items.work() as work:
        (latest, *_) = [v for v in work.records.history("desk.item", item) if any(c.field == "size" for c in v.changes)]
    assert latest.by == items.people["ann"]


def test_a_refused_step_leaves_the_record_as_it_was(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    items.complete("ann", items.todo("ann")[0][1], "reject", comment="too small")
    assert values(items, item)["grade"] in (None, "")
    assert all_values(items, "box") == []


REFUSED = [{"name": "other"}, {"grade": "S"}, {"note": "x"}, {"size": Decimal("2"), "grade": "S"}, {"size": "many"}]


@pytest.mark.parametrize("sent", REFUSED)
def test_a_step_takes_only_the_fields_that_it_opens_and_checks_them(items: Desk, sent: Mapping[str, Any]) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    ((_, task_id),) = items.todo("ann")
    with pytest.raises(InputError):
        items.complete("ann", task_id, "approve", values=sent)
    assert values(items, item)["size"] == 1
    assert len(items.todo("ann")) == 1


def test_who_may_not_act_saves_nothing_through_the_step(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    ((_, task_id),) = items.todo("ann")
    with pytest.raises(AccessDenied):
        items.complete("bob", task_id, "approve", values={"size": Decimal(9)})
    assert values(items, item)["size"] == 1


def test_of_two_who_complete_with_values_only_the_winners_are_saved(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    ((_, task_id),) = items.todo("ann")
    items.complete("cleo", task_id, "approve", values={"size": Decimal(3)})
    with pytest.raises(StateConflict):
        items.complete("ann", task_id, "approve", values={"size": Decimal(4)})
    assert values(items, item)["size"] == 3


def test_a_failing_service_rolls_back_alone_tells_the_admins_and_can_be_tried_again(items: Desk) -> None:
    item = create(items, name="lamp")
    with items.work() as work:
        instance = work.service("processes").start("desk.broken", subject=("desk.item", item))
    assert values(items, item)["grade"] == "half"
    assert all_values(items, "box") == []
    with items.read("root") as work:
        row = work.connection.execute(sa.select(process_instance).where(process_instance.c.id == instance)).one()
        told = work.connection.execute(sa.select(notification.c.person)).scalars().all()
    assert (row.status, row.incidents) == ("running", 1)
    assert told == [items.people["root"]]
    with pytest.raises(AccessDenied), items.work("ann") as work:
        work.service("processes").retry(instance, 1)


def test_a_running_instance_keeps_its_graph_when_another_is_published(items: Desk) -> None:
    item = create(items, name="lamp")
    instance = grade(items, item)
    files = dict(WITH_RECORDS)
    changed = dict(files["grading.process.json"])
    changed["nodes"] = [dict(n) for n in changed["nodes"]]
    changed["nodes"][3] = {**changed["nodes"][3], "input": {"values": {"grade": '"new"'}}}
    put_app(items.workspace, {**files, "grading.process.json": changed})
    items.complete("ann", items.todo("ann")[0][1], "approve")
    assert values(items, item)["grade"] == "A"
    fresh = create(items, name="second")
    assert grade(items, fresh) != instance
    items.complete("ann", items.todo("ann")[0][1], "approve")
    assert values(items, fresh)["grade"] == "new"


def why(desk: Desk, login: str, record_id: UUID, field: str) -> Reason:
    with desk.read(login) as work:
        return work.service("why")("desk.item", record_id, field)  # type: ignore[no-any-return]


def test_why_names_the_process_the_step_the_formula_and_the_person(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    items.complete("ann", items.todo("ann")[0][1], "approve", values={"size": Decimal(2)})
    by_process = why(items, "ann", item, "grade")
    assert (by_process.kind, by_process.name, by_process.detail["node"]) == ("process", "grading", "apply")
    by_step = why(items, "ann", item, "size")
    assert (by_step.kind, by_step.name, by_step.actor) == ("task", "check", items.people["ann"])
    by_formula = why(items, "ann", item, "double")
    assert (by_formula.kind, by_formula.detail["inputs"]) == ("formula", {"size": Decimal(2)})
    with items.work("root") as work:
        assert work.principal.id is not None


def test_why_and_timeline_tell_nothing_to_who_may_not_see(items: Desk) -> None:
    item = create(items, name="lamp", note="secret")
    with pytest.raises(AccessDenied):
        why(items, "ann", item, "note")
    with pytest.raises(AccessDenied):
        why(items, "dan", item, "name")
    with pytest.raises(AccessDenied), items.read("dan") as work:
        work.service("timeline")("desk.item", item)


def test_the_timeline_tells_changes_tasks_processes_and_comments_newest_first(items: Desk) -> None:
    item = create(items, name="lamp", size=1)
    grade(items, item)
    items.advance(minutes=1)
    items.complete("ann", items.todo("ann")[0][1], "approve", comment="fine", values={"size": Decimal(2)})
    items.advance(minutes=1)
    with items.work("ann") as work:
        work.service("timeline").comment("desk.item", item, "look @Bob", mentions=[items.people["bob"]])
    with items.read("ann") as work:
        lines = work.service("timeline")("desk.item", item)
    assert lines[0].kind == "comment"
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    assert {line.kind for line in lines} == {"comment", "change", "task", "process"}
    done = next(line for line in lines if line.kind == "task" and line.data["verb"] == "completed")
    assert (done.actor, done.data["outcome"], done.data["comment"]) == (items.people["ann"], "approve", "fine")
    with items.read("bob") as work:
        assert [n.kind for n in work.service("notifications").page()] == ["mention"]

"""What was approved is what takes effect: a record under approval is locked on every path, and a change asks again."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.storage.runtime_tables import process_history
from builder.workspace import Work, Workspace
from engines.core import StateConflict
from tests.builder.runtime.desk import ANSWERS, FILES, Desk, node, open_desk, process
from tests.builder.runtime.items import BOX, ITEM, create, values

SEALED = process(
    "sealed",
    [
        node("start", "startEvent"),
        node(
            "check",
            "userTask",
            assignment={"role": "reviewer"},
            approval={"mode": "all"},
            outcomes=ANSWERS,
            fields=[{"name": "size", "access": "write"}],
        ),
        node("again", "userTask", assignment={"role": "editor"}, outcomes=ANSWERS, approval={"repeated": "approve"}),
        node("apply", "serviceTask", service="record.update", input={"values": {"grade": '"A"'}}),
        node("end", "endEvent"),
    ],
    ["start > check > again > apply > end"],
    subject="item",
    locks_subject=True,
)
SEALED_FILES = (*FILES, ITEM, BOX, SEALED)


@pytest.fixture
def sealed(workspace: Workspace) -> Desk:
    return open_desk(workspace, SEALED_FILES)


def begin(desk: Desk) -> tuple[UUID, UUID]:
    item = create(desk, name="lamp", size=1)
    with desk.work() as work:
        return item, work.processes.start("desk.sealed", subject=("desk.item", item))


def note(work: Work, item: UUID) -> Any:
    return work.records.update("desk.item", item, {"note": "x"})


def as_app(work: Work, item: UUID) -> Any:
    """As a rule writes."""
    source = {"kind": "rule", "name": "stamp"}
    return work.service("around").write("desk").update("desk.item", item, {"note": "x"}, source=source)


def imported(work: Work, item: UUID) -> Any:
    work.records.of("desk.item").keys.add("desk.item", "erp", {"7": item})
    return work.records.upsert("desk.item", "erp", "7", {"note": "x"})


def merged(work: Work, item: UUID) -> Any:
    other = work.records.create("desk.item", {"name": "other"}).record.id
    return work.records.merge("desk.item", other, [item])


def merged_into(work: Work, item: UUID) -> Any:
    other = work.records.create("desk.item", {"name": "other"}).record.id
    return work.records.merge("desk.item", item, [other], {"note": "x"})


def erased(work: Work, item: UUID) -> Any:
    return work.records.of("desk.item").erase("desk.item", item)


def deleted(work: Work, item: UUID) -> Any:
    return work.records.delete("desk.item", item)


WAYS = [note, as_app, imported, merged, merged_into, erased, deleted]


@pytest.mark.parametrize("write", WAYS)
def test_a_record_under_approval_is_locked_whichever_way_it_is_written(
    sealed: Desk, write: Callable[[Work, UUID], Any]
) -> None:
    item, _ = begin(sealed)
    with sealed.work() as work, pytest.raises(StateConflict) as refused:
        write(work, item)
    assert refused.value.code == "record.under_approval"
    assert refused.value.params["process"] == "desk.sealed"


def test_the_step_opens_its_fields_and_the_process_writes_what_was_approved(sealed: Desk) -> None:
    item, instance = begin(sealed)
    ((_, ann),) = sealed.todo("ann")
    sealed.complete("ann", ann, "approve")
    ((_, cleo), *_rest) = sealed.todo("cleo")
    sealed.complete("cleo", cleo, "approve")
    # Cleo has approved this very version, so the next step need not ask her.
    ((_, bob),) = sealed.todo("bob")
    sealed.complete("bob", bob, "approve")
    assert values(sealed, item)["grade"] == "A"
    with sealed.work() as work:
        note(work, item)
        seen = work.connection.execute(
            sa.select(process_history.c.data).where(
                process_history.c.instance_id == instance, process_history.c.kind == "task.completed"
            )
        ).scalars()
        assert [data["seen"] for data in seen] == [1, 1, 1]


def test_a_change_that_a_step_makes_asks_those_again_who_have_approved_before(sealed: Desk) -> None:
    begin(sealed)
    ((_, ann),) = sealed.todo("ann")
    sealed.complete("ann", ann, "approve")
    assert sealed.todo("ann") == []
    ((_, cleo),) = sealed.todo("cleo")
    sealed.complete("cleo", cleo, "approve", values={"size": Decimal(3)})
    # The size is another one by now: Ann decides about it anew.
    ((node_, again),) = sealed.todo("ann")
    assert (node_, again != ann) == ("check", True)
    sealed.complete("ann", again, "approve")
    assert [found for found, _ in sealed.todo("bob")] == ["again"]


def test_who_saw_another_version_is_told_and_decides_anew(sealed: Desk) -> None:
    begin(sealed)
    ((_, ann),) = sealed.todo("ann")
    ((_, cleo),) = sealed.todo("cleo")
    sealed.complete("cleo", cleo, "approve", values={"size": Decimal(3)})
    with pytest.raises(StateConflict) as refused:
        sealed.complete("ann", ann, "approve", seen_version=1)
    assert (refused.value.code, refused.value.params["current"]) == ("task.subject_changed", 2)
    sealed.complete("ann", ann, "approve", seen_version=2)


def test_a_record_is_under_one_approval_at_a_time_and_free_after_it(sealed: Desk) -> None:
    item, instance = begin(sealed)
    with sealed.work() as work, pytest.raises(StateConflict):
        work.processes.start("desk.sealed", subject=("desk.item", item))
    with sealed.work("root") as work:
        work.processes.cancel(instance)
    with sealed.work() as work:
        note(work, item)
        work.processes.start("desk.sealed", subject=("desk.item", item))


def test_what_the_system_computes_goes_on(sealed: Desk) -> None:
    item, _ = begin(sealed)
    with sealed.work() as work:
        work.records.recompute("desk.item", [item])
        source = {"kind": "score", "name": "x"}
        writer = work.service("around").write("desk")
        writer.update("desk.item", item, {"note": "S"}, source=source, computed=True)
    assert values(sealed, item)["note"] == "S"

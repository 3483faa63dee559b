"""The delivery standard of a step: what is missing is refused on every path, and a rejection is free of it (K-119)."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.storage.runtime_tables import task as task_table
from builder.workspace import Workspace
from engines.core import InputError
from tests.builder.runtime.desk import ANSWERS, APP, ROLES, Desk, node, open_desk, process, put_app
from tests.builder.runtime.items import BOX, ITEM, create

FIELDS = [{"name": "note", "access": "write", "required": True}, {"name": "grade", "access": "write", "required": True}]
DELIVERY = process(
    "delivery",
    [
        node("start", "startEvent"),
        node(
            "deliver",
            "userTask",
            assignment={"role": "reviewer"},
            outcomes=ANSWERS,
            fields=FIELDS,
            checklist=["photographed"],
        ),
        node("end", "endEvent"),
    ],
    ["start > deliver > end"],
    subject="item",
)
OWN = process(
    "own",
    [
        node("start", "startEvent"),
        node(
            "deliver",
            "userTask",
            assignment={"initiator": True},
            outcomes=ANSWERS,
            approval={"own": "approve"},
            checklist=["photographed"],
        ),
        node("end", "endEvent"),
    ],
    ["start > deliver > end"],
)
FILES = (APP, ROLES, ITEM, BOX, DELIVERY, OWN)


@pytest.fixture
def depot(workspace: Workspace) -> Desk:
    return open_desk(workspace, FILES)


def waiting(desk: Desk, **values: Any) -> UUID:
    item = create(desk, name="lamp", **values)
    with desk.work() as work:
        work.processes.start("desk.delivery", subject=("desk.item", item))
    return desk.todo("ann")[0][1]


UNMET: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    ({}, {"checked": ["photographed"]}, {"/note", "/grade"}),
    ({"grade": "A"}, {"checked": ["photographed"]}, {"/note"}),
    ({"grade": "A"}, {"checked": ["photographed"], "values": {"note": ""}}, {"/note"}),
    ({"grade": "A", "note": "x"}, {}, {"/checked"}),
    ({"grade": "A", "note": "x"}, {"checked": ["packed"]}, {"/checked"}),
]


@pytest.mark.parametrize(("there", "sent", "missing"), UNMET)
def test_what_is_missing_is_named_and_nothing_is_done(
    depot: Desk, there: dict[str, Any], sent: dict[str, Any], missing: set[str]
) -> None:
    task = waiting(depot, **there)
    with pytest.raises(InputError) as refused:
        depot.complete("ann", task, "approve", **sent)
    assert {problem.pointer for problem in refused.value.problems} == missing
    assert depot.todo("ann") == [("deliver", task)]


def test_what_stands_already_or_is_sent_along_meets_it(depot: Desk) -> None:
    depot.complete("ann", waiting(depot, grade="A", note="x"), "approve", checked=["photographed"])
    task = waiting(depot, grade="A")
    depot.complete("ann", task, "approve", checked=["photographed"], values={"note": "delivered"})
    assert depot.todo("ann") == []


def test_a_rejection_is_free_of_it(depot: Desk) -> None:
    depot.complete("ann", waiting(depot), "reject", comment="broken")
    assert depot.todo("ann") == []


def test_no_step_with_a_standard_is_approved_by_itself(depot: Desk) -> None:
    with depot.work("ann") as work:
        work.processes.shell.begin("desk.own")
    assert [found for found, _ in depot.todo("ann")] == ["deliver"]


def test_a_step_is_shown_in_the_layout_of_the_release_that_it_was_started_with(depot: Desk) -> None:
    def with_layout(items: list[dict[str, Any]]) -> dict[str, Any]:
        name, form = ITEM
        step = {**DELIVERY[1], "nodes": [{**n, "layout": "step"} if n["name"] == "deliver" else n for n in NODES]}
        layouts = [{"name": "step", "purpose": "review", "items": items}]
        return {**dict(FILES), name: {**form, "layouts": layouts}, DELIVERY[0]: step}

    put_app(depot.workspace, with_layout([{"field": "name"}]))
    old = waiting(depot)
    put_app(depot.workspace, with_layout([{"field": "size"}]))
    with depot.read("ann") as work:
        row = work.connection.execute(sa.select(task_table).where(task_table.c.id == old)).one()
        assert work.service("around").step_layout(row).field_names() == ("name",)


NODES: Any = DELIVERY[1]["nodes"]

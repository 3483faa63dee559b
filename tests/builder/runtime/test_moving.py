"""When somebody moves or leaves, the admin chooses what moves with them; a journalled job moves it."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity import create_department, find_person, get_person, update_person
from builder.runtime import moving
from builder.runtime.install import host
from builder.storage.identity_tables import department
from builder.storage.runtime_tables import process_instance
from builder.workspace import Workspace
from engines.core import AccessDenied, InputError
from engines.form import ListQuery
from tests.builder.runtime.desk import Desk, node, open_desk, process
from tests.builder.runtime.items import create
from tests.builder.runtime.test_record_locks import SEALED_FILES

IN_TURN = process(
    "in_turn",
    [
        node("start", "startEvent"),
        node("each", "userTask", assignment={"candidates": "people"}, approval={"mode": "sequential"}),
        node("end", "endEvent"),
    ],
    ["start > each > end"],
    variables=[{"name": "people", "type": "list"}],
)
OFFERED = process(
    "offered",
    [
        node("start", "startEvent"),
        node("any", "userTask", assignment={"candidates": "people"}),
        node("end", "endEvent"),
    ],
    ["start > any > end"],
    variables=[{"name": "people", "type": "list"}],
)


@pytest.fixture
def firm(workspace: Workspace) -> Desk:
    """Ann has work of every kind; Dan is to get it."""
    desk = open_desk(workspace, (*SEALED_FILES, IN_TURN, OFFERED))
    ann, bob, cleo = (desk.people[login] for login in ("ann", "bob", "cleo"))
    with desk.work("root") as work:
        update_person(work, bob, manager=ann, substitute=ann)
        create_department(work, code="unit", name={"en": "Unit"}, head=ann)
    desk.start("chain", who=ann)
    desk.start("in_turn", people=[bob, ann])
    desk.start("offered", people=[ann, cleo])
    with desk.work("root") as work:
        # Begun by Ann: what is returned to the initiator comes to her.
        found = work.processes.start("desk.escalation")
        work.processes.change_initiator(found, desk.people["root"], ann)
    for name in ("lamp", "chair"):
        create(desk, name=name, owner=ann)
    return desk


def drain(desk: Desk) -> None:
    """Lets the runner do what is due, one claim after the other."""
    from builder.jobs import queue
    from builder.jobs.ports import Patience

    found = host(desk.workspace)
    for _ in range(50):
        with found.begin() as connection:
            jobs = queue.claim(connection, now=found.now(), holder="test", patience=Patience(), limit=5)
        if not jobs:
            return
        for job in jobs:
            found.perform(job)
    raise AssertionError("the jobs do not end")


def move(desk: Desk, *parts: str, leaves: bool = False) -> UUID:
    with desk.work("root") as work:
        id = moving.begin_move(work, desk.people["ann"], parts, to=desk.people["dan"], leaves=leaves)
    drain(desk)
    return id


def parts(desk: Desk) -> dict[str, int]:
    with desk.read("root") as work:
        return {one.part: one.count for one in moving.having(work, desk.people["ann"])}


def test_what_somebody_has_is_counted(firm: Desk) -> None:
    assert parts(firm) == {
        "work": 3, "instances": 1, "substitutions": 1, "reports": 1, "heads": 1, "roles": 1, "records:desk.item": 2,
    }  # fmt: skip


def test_only_what_was_chosen_moves(firm: Desk) -> None:
    id = move(firm, "records:desk.item", "reports")
    assert set(parts(firm)) == {"work", "instances", "substitutions", "heads", "roles"}
    with firm.read("root") as work:
        done = moving.get_move(work, id)
        assert (done.state, done.done["records:desk.item"]["count"], done.done["reports"]["count"]) == ("done", 2, 1)
        assert get_person(work.connection, firm.people["bob"]).manager == firm.people["dan"]
        assert [notice.kind for notice in work.notifications.page()][:1] == ["system"]
    assert "chain" not in firm.todo("dan")


def test_everything_moves_when_somebody_leaves(firm: Desk) -> None:
    move(firm, *parts(firm), leaves=True)
    assert parts(firm) == {}
    assert sorted(name for name, _ in firm.todo("dan")) == ["any", "one"]
    # The turn that Ann would have had is Dan's.
    firm.complete("bob", next(id for name, id in firm.todo("bob") if name == "each"))
    assert sorted(name for name, _ in firm.todo("dan")) == ["any", "each", "one"]
    with firm.read("root") as work:
        ann = find_person(work.connection, "ann")
        assert ann is not None
        assert (ann.active, ann.roles) == (False, frozenset())
        dan = get_person(work.connection, firm.people["dan"])
        assert dan.roles == {"desk.reviewer"}
        assert work.connection.execute(sa.select(department.c.head)).scalars().all() == [dan.id]
        escalation = sa.select(process_instance.c.started_by).where(process_instance.c.process == "escalation")
        assert work.connection.execute(escalation).scalar_one() == dan.id
    with firm.work("dan") as work:
        running = sa.select(process_instance.c.id).where(process_instance.c.process == "escalation")
        work.processes.withdraw(work.connection.execute(running).scalar_one())


def test_a_record_under_approval_stays_and_is_counted(firm: Desk) -> None:
    with firm.work() as work:
        (item, _other) = [record.id for record in work.records.page("desk.item", ListQuery()).records]
        work.processes.start("desk.sealed", subject=("desk.item", item))
    id = move(firm, "records:desk.item")
    with firm.read("root") as work:
        done = moving.get_move(work, id).done["records:desk.item"]
    assert (done["count"], done["left"]) == (1, 1)
    assert parts(firm)["records:desk.item"] == 1


def test_many_records_move_in_short_commands(firm: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.runtime.moving import parts as module

    monkeypatch.setattr(module, "RECORDS", 3)
    for number in range(7):
        create(firm, name=f"item {number}", owner=firm.people["ann"])
    with firm.work("root") as work:
        id = moving.begin_move(work, firm.people["ann"], ["records:desk.item"], to=firm.people["dan"])
    with firm.work() as work:
        assert moving.advance(work, id)
    # Killed here: what was done is done, the job goes on with the rest.
    assert parts(firm)["records:desk.item"] == 6
    drain(firm)
    assert "records:desk.item" not in parts(firm)
    with firm.read("root") as work:
        assert moving.get_move(work, id).done["records:desk.item"]["count"] == 9


WRONG = [
    (["work"], None, "move.no_successor"),
    (["work"], "ann", "move.no_successor"),
    (["nothing"], "dan", "move.unknown_part"),
    (["records:desk.none"], "dan", "move.unknown_part"),
]


@pytest.mark.parametrize(("wanted", "to", "code"), WRONG)
def test_a_plan_that_makes_no_sense_is_refused(firm: Desk, wanted: list[str], to: str | None, code: str) -> None:
    with firm.work("root") as work, pytest.raises(InputError) as refused:
        moving.begin_move(work, firm.people["ann"], wanted, to=firm.people[to] if to else None)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_only_admins_move_what_others_have(firm: Desk) -> None:
    with pytest.raises(AccessDenied), firm.work("bob") as work:
        moving.begin_move(work, firm.people["ann"], ["work"], to=firm.people["bob"])
    with pytest.raises(AccessDenied), firm.read("bob") as work:
        moving.moves_of(work, firm.people["ann"])
    with firm.read("root") as work:
        running = work.connection.execute(sa.select(process_instance.c.id).limit(1)).scalar_one()
    with pytest.raises(AccessDenied), firm.work("bob") as work:
        work.processes.change_initiator(running, firm.people["ann"], firm.people["bob"])

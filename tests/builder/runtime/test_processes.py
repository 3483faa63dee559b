"""Processes in the database: tasks reach the right people, two people meet, what is refused leaves no trace."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.storage.runtime_tables import process_history, process_instance, process_live, task
from engines.core import AccessDenied, InputError, StateConflict
from tests.builder.runtime.desk import Desk


def status(desk: Desk, instance: UUID) -> str:
    with desk.read("root") as work:
        query = sa.select(process_instance.c.status).where(process_instance.c.id == instance)
        return work.connection.execute(query).scalar_one()  # type: ignore[no-any-return]


def test_tasks_reach_those_with_the_role_and_nobody_else(desk: Desk) -> None:
    desk.start("review")
    assert [name for name, _ in desk.todo("ann")] == ["left"]
    assert [name for name, _ in desk.todo("bob")] == ["right"]
    assert sorted(name for name, _ in desk.todo("cleo")) == ["left", "right"]
    assert desk.todo("dan") == []


def test_an_instance_ends_when_all_have_answered(desk: Desk) -> None:
    instance = desk.start("review")
    desk.complete("ann", desk.todo("ann")[0][1], "approve")
    assert status(desk, instance) == "running"
    desk.complete("bob", desk.todo("bob")[0][1], "reject", comment="no")
    assert status(desk, instance) == "completed"
    with desk.read("root") as work:
        live = sa.select(sa.func.count()).select_from(process_live).where(process_live.c.kind != "variables")
        assert work.connection.execute(live).scalar_one() <= 2
        rows = work.connection.execute(sa.select(task.c.node, task.c.outcome, task.c.comment)).all()
    assert {tuple(row) for row in rows} == {("left", "approve", None), ("right", "reject", "no")}


def test_of_two_people_one_completes_and_the_other_learns_who_did(desk: Desk) -> None:
    desk.start("review")
    task_id = dict(desk.todo("ann"))["left"]
    desk.complete("cleo", task_id, "approve")
    with pytest.raises(StateConflict) as caught:
        desk.complete("ann", task_id, "approve")
    assert caught.value.code == "task.closed"
    assert caught.value.params["by_name"] == "Cleo"
    assert caught.value.params["outcome"] == "approve"


def test_a_claimed_task_leaves_the_others_inboxes_until_it_is_released(desk: Desk) -> None:
    desk.start("review")
    task_id = dict(desk.todo("ann"))["left"]
    with desk.work("ann") as work:
        work.service("processes").claim(task_id)
    assert "left" not in dict(desk.todo("cleo"))
    with pytest.raises(StateConflict), desk.work("cleo") as work:
        work.service("processes").claim(task_id)
    with desk.work("ann") as work:
        work.service("processes").release(task_id)
    assert "left" in dict(desk.todo("cleo"))


WRONG = [
    ("dan", "approve", "", AccessDenied),
    ("bob", "approve", "", AccessDenied),
    ("ann", "maybe", "", InputError),
    ("ann", "reject", " ", InputError),
]


@pytest.mark.parametrize(("login", "outcome", "comment", "error"), WRONG)
def test_who_may_not_and_what_is_incomplete_changes_nothing(
    desk: Desk, login: str, outcome: str, comment: str, error: type[Exception]
) -> None:
    desk.start("review")
    task_id = dict(desk.todo("ann"))["left"]
    with pytest.raises(error):
        desk.complete(login, task_id, outcome, comment=comment)
    assert dict(desk.todo("ann")) == {"left": task_id}


def test_only_who_may_see_the_subject_or_administers_starts_a_process(desk: Desk) -> None:
    with pytest.raises(AccessDenied), desk.work("ann") as work:
        work.service("processes").start("desk.review")
    with desk.work("root") as work:
        work.service("processes").start("desk.review")


ADMIN_VERBS = ["suspend", "resume", "cancel"]


@pytest.mark.parametrize("verb", ADMIN_VERBS)
def test_only_admins_administer_instances(desk: Desk, verb: str) -> None:
    instance = desk.start("review")
    with pytest.raises(AccessDenied), desk.work("ann") as work:
        getattr(work.service("processes"), verb)(instance)


def test_a_suspended_instance_stands_still_and_a_cancelled_one_leaves_no_task(desk: Desk) -> None:
    instance = desk.start("review")
    task_id = dict(desk.todo("ann"))["left"]
    with desk.work("root") as work:
        work.service("processes").suspend(instance)
    with pytest.raises(StateConflict):
        desk.complete("ann", task_id, "approve")
    with desk.work("root") as work:
        work.service("processes").resume(instance)
        work.service("processes").cancel(instance, "mistake")
    assert desk.todo("ann") == []
    assert status(desk, instance) == "cancelled"


def test_a_message_finds_its_instance_by_the_key(desk: Desk) -> None:
    first, second = desk.start("waiting", number="a"), desk.start("waiting", number="b")
    with desk.work() as work:
        taken = work.service("processes").message("desk", "paid", key="b", variables={"amount": 5})
    assert taken == [second]
    assert (status(desk, first), status(desk, second)) == ("running", "completed")


def test_history_is_numbered_without_gaps_and_tells_who(desk: Desk) -> None:
    instance = desk.start("chain", who=desk.people["ann"])
    for _ in range(3):
        desk.complete("ann", desk.todo("ann")[0][1])
    with desk.read("root") as work:
        query = sa.select(process_history).where(process_history.c.instance_id == instance)
        rows = work.connection.execute(query.order_by(process_history.c.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.actor for row in rows if row.kind.startswith("task") and row.actor} == {desk.people["ann"]}


def test_leaving_hands_all_open_tasks_over(desk: Desk) -> None:
    desk.start("chain", who=desk.people["ann"])
    desk.start("chain", who=desk.people["ann"])
    with pytest.raises(AccessDenied), desk.work("bob") as work:
        work.service("processes").hand_over(desk.people["ann"], desk.people["bob"])
    with desk.work("root") as work:
        assert work.service("processes").hand_over(desk.people["ann"], desk.people["dan"]) == 2
    assert desk.todo("ann") == []
    assert [name for name, _ in desk.todo("dan")] == ["one", "one"]

"""Messages find their instances, also where two workers send at once; a service that fails leaves nothing in memory."""

import threading
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.runtime.install import install
from builder.runtime.process.services import Service, built_in
from builder.storage.runtime_tables import process_instance
from builder.workspace import Workspace
from engines.core import InputError, InputProblem
from tests.builder.runtime.desk import FILES, Desk, node, open_desk, process

THROWING = process(
    "throwing",
    [
        node("start", "startEvent"),
        node("pay", "intermediateThrowEvent", event={"message": "paid", "correlation": "number"}),
        node("pay_again", "intermediateThrowEvent", event={"message": "paid", "correlation": "number"}),
        node("end", "endEvent"),
    ],
    ["start > pay > pay_again > end"],
    variables=[{"name": "number", "type": "text"}],
)
SPOILT = process(
    "spoilt",
    [
        node("start", "startEvent"),
        node("spoil", "serviceTask", service="spoil", input={"who": "who"}),
        node("end", "endEvent"),
    ],
    ["start > spoil > end"],
    variables=[{"name": "who", "type": "any"}],
)


def statuses(desk: Desk, *instances: UUID) -> list[str]:
    with desk.read("root") as work:
        rows = work.connection.execute(sa.select(process_instance.c.id, process_instance.c.status)).all()
    known = {row.id: row.status for row in rows}
    return [known[instance] for instance in instances]


def test_two_messages_sent_at_once_reach_two_instances(desk: Desk) -> None:
    """The second sender sees the instance that the first one takes still waiting, until it has its lock."""
    both = [desk.start("waiting", number="a"), desk.start("waiting", number="a")]
    sent, may_commit = threading.Event(), threading.Event()
    taken: list[UUID] = []

    def send(hold: bool) -> None:
        with desk.work() as work:
            taken.extend(work.processes.message("desk", "paid", key="a"))
            sent.set()
            assert not hold or may_commit.wait(20)

    first = threading.Thread(target=send, args=(True,))
    first.start()
    assert sent.wait(20)
    second = threading.Thread(target=send, args=(False,))
    second.start()
    # Long enough for the second to have looked who waits, and to stand at the lock of the first one's instance.
    second.join(0.5)
    may_commit.set()
    first.join(20)
    second.join(20)
    assert sorted(taken) == sorted(both)
    assert statuses(desk, *both) == ["completed", "completed"]


def test_a_process_that_throws_twice_in_one_step_reaches_two_instances(workspace: Workspace) -> None:
    desk = open_desk(workspace, (*FILES, THROWING))
    both = [desk.start("waiting", number="a"), desk.start("waiting", number="a")]
    thrower = desk.start("throwing", number="a")
    assert statuses(desk, *both, thrower) == ["completed"] * 3


def test_one_message_more_than_instances_wait_harms_nobody(workspace: Workspace) -> None:
    desk = open_desk(workspace, (*FILES, THROWING))
    only = desk.start("waiting", number="a")
    thrower = desk.start("throwing", number="a")
    assert statuses(desk, only, thrower) == ["completed", "completed"]


@pytest.fixture
def spoilt(workspace: Workspace) -> Desk:
    """A desk with a service that starts an instance, completes a waiting one, and then fails."""
    services = built_in()

    def spoil(around: Any, given: Any) -> None:
        around.processes.start("desk.chain", variables={"who": given.input["who"]})
        around.processes.message("desk", "paid", key="a")
        raise InputError([InputProblem(pointer="", code="required")])

    services.register("spoil", Service(inside=spoil))
    desk = open_desk(workspace, (*FILES, SPOILT))
    install(workspace, services=services)
    return desk


def test_what_a_failed_service_started_and_moved_is_as_it_was_also_in_memory(spoilt: Desk) -> None:
    waiting = spoilt.start("waiting", number="a")
    with spoilt.work() as work:
        processes = work.processes
        failed = processes.start("desk.spoilt", variables={"who": spoilt.people["ann"]})
        assert set(processes.shell._held) <= {failed, waiting}
        # The same command goes on with an instance that the failed service had moved to its end.
        assert processes.message("desk", "paid", key="a") == [waiting]
    assert statuses(spoilt, waiting, failed) == ["completed", "running"]
    assert spoilt.todo("ann") == []
    with spoilt.read("root") as work:
        count = sa.select(sa.func.count()).where(process_instance.c.process == "chain")
        assert work.connection.execute(count).scalar_one() == 0


def test_an_instance_moved_before_the_failure_keeps_what_was_done_before(spoilt: Desk) -> None:
    waiting = spoilt.start("waiting", number="a")
    with spoilt.work("root") as work:
        work.processes.suspend(waiting)
        work.processes.resume(waiting)
        work.processes.start("desk.spoilt", variables={"who": spoilt.people["ann"]})
        assert work.processes.message("desk", "paid", key="a") == [waiting]
    assert statuses(spoilt, waiting) == ["completed"]

"""Calls outside of the database that fail: tried again with growing waits, then an incident; nothing vanishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.jobs import queue
from builder.jobs.embedded import attempt
from builder.jobs.ports import Job, Patience
from builder.runtime import install
from builder.runtime.process.services import Service, ServiceCall, built_in
from builder.storage.runtime_tables import job, notification, process_instance
from builder.workspace import Workspace
from engines.core import ExternalError
from tests.builder.runtime.desk import APP, ROLES, Desk, node, open_desk, process

HASTY = Patience(lease_s=0, backoff_s=(0, 0))
CALLING = process(
    "calling",
    [
        node("start", "startEvent"),
        node("call", "serviceTask", service="shaky", input={}, result="answer", retry={"times": 2, "wait_s": 10}),
        node("end", "endEvent"),
    ],
    ["start > call > end"],
)


class Away(ExternalError):
    """The other side does not answer."""

    code = "test.away"


@dataclass
class Shaky:
    """A service that first raises what it is told to, one after the other, and then answers."""

    desk: Desk | None = None
    raises: list[Exception] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def call(self, workspace: Workspace, given: ServiceCall) -> Any:
        self.keys.append(given.key)
        if self.raises:
            raise self.raises.pop(0)
        return {"said": "yes"}


@dataclass
class Calls:
    """A desk with the service, and a runner that is told when to look."""

    desk: Desk
    shaky: Shaky
    host: Any

    def due(self) -> list[Job]:
        """Jobs that are due now, claimed."""
        with self.desk.workspace.database.write() as connection:
            return queue.claim(connection, now=self.host.now(), holder="test", patience=HASTY)

    def work(self) -> int:
        """How many jobs were due and done."""
        found = self.due()
        for one in found:
            attempt(self.host, one, HASTY)
        return len(found)

    def row(self, instance: UUID) -> Any:
        with self.desk.workspace.database.read() as connection:
            return connection.execute(sa.select(process_instance).where(process_instance.c.id == instance)).one()

    def count(self, table: sa.Table) -> int:
        with self.desk.workspace.database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    shaky, services = Shaky(), built_in()
    services.register("shaky", Service(outside=shaky.call))
    desk = open_desk(workspace, (APP, ROLES, CALLING))
    install.install(workspace, services=services)
    return Calls(desk, shaky, install.host(workspace, services))


def test_a_call_is_tried_again_with_growing_waits_and_one_key(calls: Calls) -> None:
    calls.shaky.raises = [Away("away"), Away("away")]
    instance = calls.desk.start("calling")
    assert calls.work() == 1
    for seconds in (10, 20):
        calls.desk.advance(seconds=seconds - 1)
        assert calls.work() == 0
        calls.desk.advance(seconds=1)
        # The timer of the retry, then the call.
        assert (calls.work(), calls.work()) == (1, 1)
    assert calls.row(instance).status == "completed"
    assert len(calls.shaky.keys) == 3
    assert len(set(calls.shaky.keys)) == 1


@pytest.mark.parametrize("foreseen", [True, False])
def test_what_keeps_failing_is_an_incident_that_is_mended_and_retried(calls: Calls, foreseen: bool) -> None:
    fault = Away("away") if foreseen else ZeroDivisionError("a fault of the service")
    calls.shaky.raises = [fault] * 3
    instance = calls.desk.start("calling")
    for _ in range(6):
        calls.work()
        calls.desk.advance(seconds=60)
    row = calls.row(instance)
    assert (row.status, row.incidents, calls.count(job), calls.count(notification)) == ("running", 1, 0, 1)
    with calls.desk.work("root") as work:
        (incident,) = work.processes.shell.hold(instance).state.incidents.values()
        assert str(fault) in incident.message
        work.processes.retry(instance, incident.id)
    assert calls.work() == 1
    row = calls.row(instance)
    assert (row.status, row.incidents, calls.count(job)) == ("completed", 0, 0)


def test_a_suspended_instance_calls_nobody_until_it_goes_on(calls: Calls) -> None:
    instance = calls.desk.start("calling")
    with calls.desk.work("root") as work:
        work.processes.suspend(instance)
    assert (calls.work(), calls.shaky.keys) == (0, [])
    with calls.desk.work("root") as work:
        work.processes.resume(instance)
    assert calls.work() == 1
    assert calls.row(instance).status == "completed"


def test_an_answer_that_comes_while_the_instance_is_suspended_is_asked_for_again(calls: Calls) -> None:
    instance = calls.desk.start("calling")
    (claimed,) = calls.due()
    with calls.desk.work("root") as work:
        work.processes.suspend(instance)
    attempt(calls.host, claimed, HASTY)
    assert (calls.row(instance).status, calls.count(job)) == ("running", 1)
    with calls.desk.work("root") as work:
        work.processes.resume(instance)
    assert calls.work() == 1
    assert calls.row(instance).status == "completed"
    assert len(set(calls.shaky.keys)) == 1

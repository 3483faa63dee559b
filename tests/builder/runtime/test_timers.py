"""Timers of processes fire once and in time, whatever happens around them: one test for each thing that happens.

On SQLite by the embedded runner, on PostgreSQL by workers. ``kill -9`` and two runners: ``test_faults``,
``test_distributed``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from builder.jobs.ports import JobRunner
from builder.runtime import install
from builder.storage.runtime_tables import job, notification, process_history
from builder.workspace import Workspace
from engines.core import SystemClock
from tests.builder.runtime.desk import APP, FILES, ROLES, Desk, node, open_desk, process, put_app
from tests.builder.runtime.test_embedded import QUICK, until

SHORT = process(
    "short",
    [
        node("start", "startEvent"),
        node("wait", "intermediateCatchEvent", event={"timer": {"date": "at"}}),
        node("end", "endEvent"),
    ],
    ["start > wait > end"],
    variables=[{"name": "at", "type": "any"}],
)
WORKER = """
import sys, time
from datetime import datetime
from pathlib import Path
from builder.runtime import install
from builder.workspace import Workspace
from engines.core import FixedClock
from tests.builder.runtime.test_timers import SLOW, runner_of
from tests.builder.workspaces import settings_for
clock = FixedClock(instant=datetime.fromisoformat(sys.argv[2]))
workspace = Workspace.open(settings_for(sys.argv[1], Path(sys.argv[3])), clock=clock)
install.install(workspace)
host = install.host(workspace)
perform = type(host).perform
def late(self, job):
    print("claimed", flush=True)
    time.sleep(1.5)
    perform(self, job)
    print("over", flush=True)
type(host).perform = late
runner_of(workspace, SLOW).start()
time.sleep(120)
"""
# A claim that is soon anybody's again.
SLOW = type(QUICK)(poll_s=0.05, runner_lease_s=1.0, lease_s=1.0, backoff_s=(0.01, 0.01))


def runner_of(workspace: Workspace, patience: object = QUICK) -> JobRunner:
    """The runner that belongs to the database."""
    made = install.embedded_runner if workspace.database.dialect == "sqlite" else install.worker_runner
    return made(workspace, patience=patience)  # type: ignore[arg-type]


@contextmanager
def at_work(*runners: JobRunner) -> Iterator[None]:
    """The runners work for the block."""
    for runner in runners:
        runner.start()
    try:
        yield
    finally:
        for runner in runners:
            runner.stop()


def fired(desk: Desk) -> int:
    """How often the escalation was told to the two editors."""
    with desk.workspace.database.read() as connection:
        told = sa.select(sa.func.count()).where(notification.c.kind == "process")
        count: int = connection.execute(told).scalar_one()
    assert count % 2 == 0
    return count // 2


def idle(desk: Desk) -> bool:
    """Whether no job is left."""
    with desk.workspace.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(job)).scalar_one() == 0


def test_a_jump_of_the_clock_back_and_forth_fires_nothing_twice(desk: Desk) -> None:
    desk.start("escalation")
    with at_work(runner := runner_of(desk.workspace)):
        for minutes in (10, -30, 40, -60, 120):
            desk.advance(minutes=minutes)
            runner.wake()
            if minutes == 40:
                until(lambda: fired(desk) == 1)
        until(lambda: idle(desk))
    assert fired(desk) == 1


def test_what_came_due_while_no_runner_was_at_work_fires_once_when_one_is(desk: Desk) -> None:
    for _ in range(3):
        desk.start("escalation")
    with at_work(runner_of(desk.workspace)):
        pass
    desk.advance(days=3)
    with at_work(runner_of(desk.workspace)):
        until(lambda: fired(desk) == 3)
    with at_work(runner_of(desk.workspace)):
        assert idle(desk)
    assert fired(desk) == 3


def test_a_suspended_instance_fires_once_when_it_goes_on(desk: Desk) -> None:
    instance, marker = desk.start("escalation"), desk.start("escalation")
    with desk.work("root") as work:
        work.processes.suspend(instance)
    desk.advance(minutes=20)
    with at_work(runner := runner_of(desk.workspace)):
        until(lambda: fired(desk) == 1)
        with desk.work("root") as work:
            work.processes.resume(instance)
        desk.advance(minutes=20)
        runner.wake()
        until(lambda: fired(desk) == 2)
        until(lambda: idle(desk))
    assert (fired(desk), marker != instance) == (2, True)


def test_publishing_while_timers_come_due_fires_each_once_by_its_own_graph(desk: Desk) -> None:
    total = 8
    for _ in range(total):
        desk.start("escalation")
    desk.advance(minutes=15)
    changed = dict(FILES)
    changed["escalation.process.json"] = {
        **changed["escalation.process.json"],
        "nodes": [node("start", "startEvent"), node("end", "endEvent")],
        "flows": [{"name": "f1", "from": "start", "to": "end"}],
    }
    with at_work(runner_of(desk.workspace)):
        put_app(desk.workspace, changed)
        until(lambda: idle(desk))
    assert fired(desk) == total


def test_two_runners_fire_each_timer_once(desk: Desk) -> None:
    total = 12
    for _ in range(total):
        desk.start("escalation")
    desk.advance(minutes=15)
    with at_work(runner_of(desk.workspace), runner_of(desk.workspace)):
        until(lambda: fired(desk) == total)
        until(lambda: idle(desk))
    assert fired(desk) == total


def test_a_runner_that_was_stopped_past_its_lease_fires_nothing_again(desk: Desk) -> None:
    desk.start("escalation")
    desk.advance(minutes=15)
    now, settings = desk.workspace.clock.now().isoformat(), desk.workspace.settings
    arguments = [sys.executable, "-c", WORKER, settings.database, now, str(settings.files)]
    stopped = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert stopped.stdout is not None
    try:
        assert stopped.stdout.readline() == "claimed\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        with at_work(runner_of(desk.workspace, SLOW)):
            until(lambda: fired(desk) == 1)
        os.kill(stopped.pid, signal.SIGCONT)
        assert stopped.stdout.readline() == "over\n"
    finally:
        stopped.kill()
        stopped.wait()
        stopped.stdout.close()
    assert fired(desk) == 1
    assert idle(desk)


# A measurement of time: it belongs to the soak, where nothing else runs beside it.
@pytest.mark.soak
def test_ninety_nine_of_a_hundred_fire_within_a_second(workspace: Workspace) -> None:
    """By the real clock: twelve timers a second, which a busy machine can follow."""
    desk, total = open_desk(workspace, (APP, ROLES, SHORT)), 100
    clock = workspace.clock.base = SystemClock(zone_name="Asia/Shanghai")
    with at_work(runner_of(workspace)):
        begin = clock.now() + timedelta(seconds=3)
        dues: list[datetime] = []
        with desk.work() as work:
            for number in range(total):
                dues.append(begin + timedelta(milliseconds=80 * number))
                work.service("processes").start("desk.short", variables={"at": dues[-1]})
        assert clock.now() < begin, "the machine is too busy to measure anything"
        until(lambda: idle(desk), 30)
    with workspace.database.read() as connection:
        ended = sa.select(process_history.c.at).where(process_history.c.kind == "instance.completed")
        fired_at = sorted(connection.execute(ended.order_by(process_history.c.at)).scalars())
    late = sorted((at - due).total_seconds() for at, due in zip(fired_at, dues, strict=True))
    assert late[0] >= 0
    assert late[98] <= 1.0, late[-5:]

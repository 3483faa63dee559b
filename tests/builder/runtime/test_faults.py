"""Faults: kill -9 between commits, two runners, many people at once. Nothing is lost, nothing happens twice."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.jobs.embedded import EmbeddedRunner
from builder.runtime import install
from builder.storage.runtime_tables import job, notification, process_history, process_instance
from builder.workspace import Workspace
from engines.core import DougongError
from tests.builder.runtime.desk import Desk
from tests.builder.runtime.test_embedded import QUICK, until

WORKER = """
import sys, time
from datetime import datetime
from pathlib import Path
from builder.jobs.embedded import EmbeddedRunner
from builder.runtime import install
from builder.workspace import Workspace
from engines.core import FixedClock
from tests.builder.runtime.test_embedded import QUICK
from tests.builder.workspaces import settings_for
clock = FixedClock(instant=datetime.fromisoformat(sys.argv[2]))
workspace = Workspace.open(settings_for(sys.argv[1], Path(sys.argv[3])), clock=clock)
install.install(workspace)
EmbeddedRunner(install.host(workspace), {}, patience=QUICK).start()
print("ready", flush=True)
time.sleep(120)
"""


def escalations(desk: Desk) -> int:
    """How often the escalation of tasks was told to the editors' people (there are two of them)."""
    with desk.workspace.database.read() as connection:
        told = sa.select(sa.func.count()).where(notification.c.kind == "process")
        count: int = connection.execute(told).scalar_one()
    assert count % 2 == 0
    return count // 2


def waiting_jobs(desk: Desk) -> int:
    with desk.workspace.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(job)).scalar_one()


@pytest.fixture
def runner(desk: Desk) -> Iterator[EmbeddedRunner]:
    runner = EmbeddedRunner(install.host(desk.workspace), {}, patience=QUICK)
    yield runner
    runner.stop()


def test_an_escalation_fires_at_fifteen_minutes_and_not_a_second_before(desk: Desk, runner: EmbeddedRunner) -> None:
    desk.start("escalation")
    runner.start()
    desk.advance(minutes=14, seconds=59)
    runner.wake()
    marker = desk.start("review")
    until(lambda: running(desk, marker))
    assert escalations(desk) == 0
    desk.advance(seconds=1)
    runner.wake()
    until(lambda: escalations(desk) == 1)
    desk.advance(minutes=30)
    runner.wake()
    until(lambda: waiting_jobs(desk) == 0)
    assert escalations(desk) == 1


def running(desk: Desk, instance: UUID) -> bool:
    with desk.workspace.database.read() as connection:
        query = sa.select(process_instance.c.status).where(process_instance.c.id == instance)
        return connection.execute(query).scalar_one() == "running"


def test_a_task_done_in_time_is_never_escalated(desk: Desk, runner: EmbeddedRunner) -> None:
    desk.start("escalation")
    desk.advance(minutes=14, seconds=59)
    desk.complete("ann", desk.todo("ann")[0][1])
    assert waiting_jobs(desk) == 0
    desk.advance(hours=1)
    runner.start()
    desk.start("escalation")
    desk.advance(minutes=15)
    runner.wake()
    until(lambda: escalations(desk) == 1)


def test_a_moved_clock_of_a_sandbox_wakes_the_timers(desk: Desk, runner: EmbeddedRunner) -> None:
    from builder.storage.workspace_tables import workspace as table

    desk.start("escalation")
    runner.start()
    with desk.workspace.database.write() as connection:
        connection.execute(sa.update(table).values(clock_offset=15 * 60 * 1_000_000))
    until(lambda: escalations(desk) == 1)


def address(workspace: Workspace) -> str:
    return workspace.settings.database


def test_two_runners_and_kill_9_fire_every_timer_once(desk: Desk) -> None:
    total = 40
    for _ in range(total):
        desk.start("escalation")
    desk.advance(minutes=15)
    now = desk.workspace.clock.now().isoformat()
    arguments = [sys.executable, "-c", WORKER, address(desk.workspace), now, str(desk.workspace.settings.files)]

    def spawn() -> subprocess.Popen[str]:
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    for goal in (total // 3, total):
        workers = [spawn(), spawn()]
        try:
            until(lambda goal=goal: escalations(desk) >= goal, 90)  # type: ignore[misc]
        finally:
            for worker in workers:
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()
                worker.stdout.close()  # type: ignore[union-attr]
    assert escalations(desk) == total
    assert waiting_jobs(desk) == 0


def race(count: int, act: Callable[[int], None]) -> Counter[str]:
    """What came of ``count`` calls made at the same moment: "ok" or the code of the error."""
    barrier = threading.Barrier(count)

    def one(number: int) -> str:
        barrier.wait(60)
        try:
            act(number)
        except DougongError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(one, range(count)))


def test_of_twenty_clients_on_one_task_one_wins_and_nineteen_are_told(desk: Desk) -> None:
    instance = desk.start("review")
    task_id = dict(desk.todo("ann"))["left"]
    outcome = race(20, lambda n: desk.complete(("ann", "cleo")[n % 2], task_id, "approve"))
    assert outcome == {"ok": 1, "task.closed": 19}
    with desk.read("root") as work:
        of_task = (process_history.c.instance_id == instance, process_history.c.node == "left")
        kinds = work.connection.execute(sa.select(process_history.c.kind).where(*of_task)).scalars().all()
        assert [kind for kind in kinds if kind.startswith("task.")] == ["task.opened", "task.completed"]


def test_eight_workers_bring_a_join_of_fifty_together(desk: Desk) -> None:
    instance = desk.start("fifty", who=desk.people["ann"])
    tasks = [task_id for _, task_id in desk.todo("ann")]
    assert len(tasks) == 50

    def work(number: int) -> None:
        for task_id in tasks[number::8]:
            desk.workspace.run(
                lambda work, task_id=task_id: work.service("processes").complete(task_id),
                desk.as_("ann"),
                command="test",
            )

    assert race(8, work) == {"ok": 8}
    with desk.read("root") as work_:
        status = sa.select(process_instance.c.status).where(process_instance.c.id == instance)
        assert work_.connection.execute(status).scalar_one() == "completed"
        numbers = sa.select(process_history.c.number).where(process_history.c.instance_id == instance)
        found = sorted(work_.connection.execute(numbers).scalars())
    assert found == list(range(1, len(found) + 1))


def test_a_job_that_is_given_up_is_told_to_the_admins_once(desk: Desk) -> None:
    from builder.jobs.ports import Job
    from engines.core import new_id

    given_up = Job(id=new_id(), kind="rule.timer", due_at=desk.workspace.clock.now(), app="desk", payload={})
    host = install.host(desk.workspace)
    host.exhausted(given_up, ValueError("broken"))
    host.exhausted(given_up, ValueError("broken"))
    with desk.read("root") as work:
        (notice,) = work.service("notifications").page()
    assert (notice.severity, notice.body) == ("critical", {"": "rule.timer: broken"})
    with desk.read("ann") as work:
        assert work.service("notifications").page() == []

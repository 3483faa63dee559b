"""The embedded runner: acts when due, catches up, survives kill -9 and a runner that comes back too late."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from builder.jobs.embedded import EmbeddedRunner
from builder.jobs.ports import Patience
from builder.storage.errors import DatabaseBusy
from tests.builder.runtime.hosts import Host, done, fresh_database

QUICK = Patience(poll_s=0.05, runner_lease_s=1.0, lease_s=5.0, backoff_s=(0.01, 0.01))


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with fresh_database(request.param, tmp_path) as database:
        yield Host(database)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits for work of other threads and processes; fails when it does not come."""
    deadline = time.monotonic() + seconds
    waiting = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        waiting.wait(0.02)


@pytest.fixture
def runner(host: Host) -> Iterator[EmbeddedRunner]:
    runner = EmbeddedRunner(host, {}, patience=QUICK)
    yield runner
    runner.stop()


def test_due_rows_act_once_and_rows_of_the_past_are_caught_up(host: Host, runner: EmbeddedRunner) -> None:
    for number in range(30):
        host.put(f"past {number:02}", after_s=-3600)
    host.put("future", after_s=900)
    runner.start()
    until(lambda: len(host.done()) == 30)
    assert host.done() == [f"past {number:02}" for number in range(30)]


def test_a_moved_clock_wakes_the_runner(host: Host, runner: EmbeddedRunner) -> None:
    host.put("escalate", after_s=900)
    runner.start()
    host.instant += timedelta(seconds=899, milliseconds=999)
    runner.wake()
    host.put("now")
    until(lambda: host.done() == ["now"])
    host.instant += timedelta(milliseconds=1)
    runner.wake()
    until(lambda: host.done() == ["escalate", "now"])


def test_a_job_that_always_fails_is_handed_to_the_host_and_stays_visible(host: Host, runner: EmbeddedRunner) -> None:
    host.put("fail")
    runner.start()
    until(lambda: bool(host.given_up))
    assert host.given_up == ["note: this job cannot be done"]
    assert host.done() == []
    assert [row.state for row in host.waiting()] == ["dead"]


def test_two_runners_do_each_row_once(host: Host) -> None:
    runners = [EmbeddedRunner(host, {}, patience=QUICK, leased=False) for _ in range(2)]
    for number in range(60):
        host.put(f"{number:02}")
    for runner in runners:
        runner.start()
    until(lambda: len(host.waiting()) == 0)
    for runner in runners:
        runner.stop()
    assert host.done() == [f"{number:02}" for number in range(60)]


def test_a_runner_that_wakes_after_its_lease_comes_too_late(host: Host, runner: EmbeddedRunner) -> None:
    """What SIGSTOP past the lease does: the first holder goes on with a claim that somebody else has taken over."""
    host.put("slow")
    stopped = EmbeddedRunner(host, {}, patience=Patience(poll_s=0.05, lease_s=0.2), leased=False)
    stopped.start()
    assert host.begun.wait(10)
    other = Host(host.database)
    other.proceed.set()
    second = EmbeddedRunner(other, {}, patience=QUICK, leased=False)
    second.start()
    until(lambda: host.done() == ["slow"])
    host.proceed.set()
    stopped.stop()
    second.stop()
    assert host.done() == ["slow"]


def test_a_database_that_is_away_for_a_while_stops_no_runner(
    host: Host, runner: EmbeddedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([DatabaseBusy("busy"), ValueError("a fault"), *[None] * 1000])
    read = host.read

    def sometimes() -> AbstractContextManager[Connection]:
        problem = next(looks)
        if problem is not None:
            raise problem
        return read()

    monkeypatch.setattr(host, "read", sometimes)
    host.put("x")
    runner.start()
    until(lambda: done_in(host) == 1)


def done_in(host: Host) -> int:
    with host.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(done)).scalar_one()


WORKER = """
import sys, time
from builder.jobs.embedded import EmbeddedRunner
from builder.storage import open_database
from tests.builder.runtime.hosts import Host
from tests.builder.runtime.test_embedded import QUICK
runner = EmbeddedRunner(Host(open_database(sys.argv[1])), {}, patience=QUICK)
runner.start()
print("ready", flush=True)
time.sleep(60)
"""


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(host: Host) -> None:
    total, kills = 90, 2
    for number in range(total):
        host.put(f"{number:03}")
    url = host.database.url
    address = url.render_as_string(hide_password=False)
    if host.database.dialect == "postgresql":
        address = url.update_query_dict({"schema": host.database.schema}).render_as_string(hide_password=False)
    for round_number in range(kills + 1):
        worker = subprocess.Popen([sys.executable, "-c", WORKER, address], stdout=subprocess.PIPE, text=True)
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            goal = total * (round_number + 1) // (kills + 1)
            until(lambda goal=goal: len(host.done()) >= goal, 60)  # type: ignore[misc]
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker.stdout.close()  # type: ignore[union-attr]
    assert Counter(host.done()) == Counter(f"{number:03}" for number in range(total))

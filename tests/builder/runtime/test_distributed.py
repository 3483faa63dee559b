"""The distributed runner on PostgreSQL passes the same faults as the embedded one."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from builder.jobs.distributed import DistributedRunner
from builder.storage.database import PostgresDatabase
from tests.builder.runtime.hosts import Host, fresh_database
from tests.builder.runtime.test_embedded import QUICK, until


def runner_of(host: Host) -> DistributedRunner:
    database = host.database
    assert isinstance(database, PostgresDatabase)
    return DistributedRunner(host, {}, url=database.url, workspace=database.schema, patience=QUICK, workers=2)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with fresh_database("postgresql", tmp_path) as database:
        yield Host(database)


def test_due_rows_act_once_and_others_wait_for_the_clock(host: Host) -> None:
    for number in range(20):
        host.put(f"{number:02}", after_s=-60)
    host.put("later", after_s=900)
    first, second = runner_of(host), runner_of(host)
    first.start()
    second.start()
    try:
        until(lambda: len(host.done()) >= 20)
        assert host.done() == [f"{number:02}" for number in range(20)]
        host.instant += timedelta(seconds=900)
        first.wake()
        until(lambda: "later" in host.done())
    finally:
        first.stop()
        second.stop()
    assert host.done() == [*(f"{number:02}" for number in range(20)), "later"]


def test_a_job_that_always_fails_stays_visible(host: Host) -> None:
    host.put("fail")
    runner = runner_of(host)
    runner.start()
    try:
        until(lambda: bool(host.given_up))
    finally:
        runner.stop()
    assert [row.state for row in host.waiting()] == ["dead"]


def test_a_worker_that_loses_its_connections_goes_on(host: Host) -> None:
    """What a restart of PostgreSQL does to a worker."""
    runner = runner_of(host)
    runner.start()
    try:
        host.put("before")
        until(lambda: host.done() == ["before"])
        with host.database.write() as connection:
            mine = sa.text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :name"
            )
            assert connection.execute(mine, {"name": f"dougong:{host.database.schema}"}).scalar_one() > 0
        host.put("after")
        until(lambda: host.done() == ["after", "before"], 60)
    finally:
        runner.stop()


@pytest.mark.parametrize("pause", [0, 0.01, 0.05, 0.1])
def test_a_worker_can_be_stopped_while_it_begins(host: Host, pause: float) -> None:
    runner = runner_of(host)
    runner.start()
    threading.Event().wait(pause)
    runner.stop()
    host.put("late")
    assert host.done() == []


WORKER = """
import sys, time
from builder.storage import open_database
from tests.builder.runtime.hosts import Host
from tests.builder.runtime.test_distributed import runner_of
runner_of(Host(open_database(sys.argv[1]))).start()
print("ready", flush=True)
time.sleep(60)
"""


def test_kill_9_of_workers_loses_nothing_and_doubles_nothing(host: Host) -> None:
    total = 60
    for number in range(total):
        host.put(f"{number:03}")
    database = host.database
    assert isinstance(database, PostgresDatabase)
    address = database.url.update_query_dict({"schema": database.schema}).render_as_string(hide_password=False)
    for goal in (total // 2, total):
        worker = subprocess.Popen([sys.executable, "-c", WORKER, address], stdout=subprocess.PIPE, text=True)
        try:
            until(lambda goal=goal: len(host.done()) >= goal, 60)  # type: ignore[misc]
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker.stdout.close()  # type: ignore[union-attr]
    assert Counter(host.done()) == Counter(f"{number:03}" for number in range(total))

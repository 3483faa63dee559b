"""The distributed runner on PostgreSQL passes the same faults as the embedded one."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

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

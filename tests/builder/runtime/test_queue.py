"""Due rows: claiming, fencing, cancelling, failing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from builder.jobs import queue
from builder.jobs.lease import Holder, acquire, give_up
from builder.jobs.ports import Job, Patience
from tests.builder.runtime.hosts import Host, fresh_database

PATIENCE = Patience(lease_s=30, backoff_s=(1, 1))


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with fresh_database(request.param, tmp_path) as database:
        yield Host(database)


def claim(host: Host, holder: str = "a", patience: Patience = PATIENCE) -> list[Job]:
    with host.begin() as connection:
        return queue.claim(connection, now=host.now(), holder=holder, patience=patience)


def test_a_row_is_claimed_when_it_is_due_and_not_before(host: Host) -> None:
    host.put("later", after_s=900)
    host.instant += timedelta(seconds=899)
    assert claim(host) == []
    host.instant += timedelta(seconds=1)
    assert [job.payload["name"] for job in claim(host)] == ["later"]


def test_a_leased_row_is_nobody_elses_until_the_lease_runs_out(host: Host) -> None:
    host.put("x")
    first = claim(host, "a", Patience(lease_s=0))
    second = claim(host, "b")
    assert claim(host, "c") == []
    host.perform(first[0])
    assert host.done() == []
    host.perform(second[0])
    assert host.done() == ["x"]


def test_a_cancelled_or_replaced_row_does_not_act_though_it_was_claimed(host: Host) -> None:
    host.put("cancelled", key="one")
    host.put("replaced", key="two")
    claimed = claim(host)
    with host.begin() as connection:
        queue.cancel(connection, "one")
    host.put("new", key="two", after_s=60)
    for job in claimed:
        host.perform(job)
    assert host.done() == []
    assert [row.payload for row in host.waiting()] == [{"name": "new"}]


def test_a_failing_row_waits_longer_each_time_and_ends_dead_and_visible(host: Host) -> None:
    host.put("fail")
    for again in (True, True, False):
        (job,) = claim(host)
        assert claim(host) == []
        with host.begin() as connection:
            assert queue.fail(connection, job, ValueError("no"), PATIENCE) is again
            connection.execute(sa.update(queue.table).values(lease_until=None))
    assert claim(host) == []
    (row,) = host.waiting()
    assert (row.state, row.last_error, row.attempts) == ("dead", "ValueError: no", 3)
    with host.begin() as connection:
        assert queue.revive(connection, row.id)
    assert len(claim(host)) == 1


def test_rows_of_a_holder_that_lost_the_runner_lease_are_free_at_once(host: Host) -> None:
    gone, here = Holder("elsewhere/1/0000"), Holder("elsewhere/2/0000")
    host.put("x")
    with host.begin() as connection:
        assert acquire(connection, gone, 0)
    claim(host, gone.name)
    assert claim(host, here.name) == []
    with host.begin() as connection:
        assert acquire(connection, here, 60)
        assert not acquire(connection, gone, 60)
    assert len(claim(host, here.name)) == 1


def test_the_runner_lease_passes_on_when_it_is_given_up(host: Host) -> None:
    first, second = Holder("elsewhere/1/0000"), Holder("elsewhere/2/0000")
    with host.begin() as connection:
        assert acquire(connection, first, 60)
        assert not acquire(connection, second, 60)
        give_up(connection, first)
        assert acquire(connection, second, 60)

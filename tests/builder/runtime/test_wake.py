"""What a command leaves to be done is done at once: its commit wakes the runner, which need not look by itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from builder.jobs.embedded import EmbeddedRunner
from builder.jobs.ports import Patience
from builder.runtime.install import embedded_runner
from builder.storage.runtime_tables import effect
from builder.workspace.moving_clock import advance_clock
from tests.builder.runtime.desk import Desk
from tests.builder.runtime.test_embedded import until
from tests.builder.runtime.test_faults import escalations, waiting_jobs

# Looks by itself once an hour: whatever happens in a test, a wake-up has brought about.
ASLEEP = Patience(poll_s=3600)


@pytest.fixture
def runner(desk: Desk) -> Iterator[EmbeddedRunner]:
    """The runner of a server, asleep after its first look."""
    runner = embedded_runner(desk.workspace, patience=ASLEEP)
    runner.start()
    until(lambda: runner.has_lease)
    yield runner
    runner.stop()


def state_of(desk: Desk, key: str) -> str:
    """The state of an effect; empty where there is none."""
    with desk.workspace.database.read() as connection:
        return connection.execute(sa.select(effect.c.state).where(effect.c.key == key)).scalar_one_or_none() or ""


@pytest.mark.usefixtures("runner")
def test_an_effect_leaves_after_the_commit_of_its_command(desk: Desk) -> None:
    with desk.work("ann") as work:
        work.service("around").messenger.queue("mail", {"to": ["a@example.com"]}, app="desk", key="1")
    # No mail server is set: the runner has looked at it once it is held.
    until(lambda: state_of(desk, "mail:1") == "held")


@pytest.mark.usefixtures("runner")
def test_moving_the_clock_sets_timers_off(desk: Desk) -> None:
    desk.start("escalation")
    with desk.work(command="clock.advance") as work:
        advance_clock(work, timedelta(minutes=14, seconds=59))
    with desk.work(command="clock.advance") as work:
        advance_clock(work, timedelta(seconds=1))
    until(lambda: waiting_jobs(desk) == 0)
    assert escalations(desk) == 1


def test_what_is_rolled_back_wakes_nobody_and_what_is_due_later_does_no_harm(desk: Desk) -> None:
    woken: list[int] = []
    desk.workspace.when_due(lambda: woken.append(1))

    def fail() -> None:
        with desk.work() as work:
            work.processes.start("desk.escalation")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert woken == []
    desk.start("escalation")
    assert woken == [1]
    with desk.work("ann") as work:
        work.audit("looked")
    assert woken == [1]


def test_a_second_runner_waits_for_the_lease_and_takes_it_when_the_first_stops(
    desk: Desk, runner: EmbeddedRunner
) -> None:
    second = embedded_runner(desk.workspace, patience=Patience(poll_s=0.02, runner_lease_s=0.06))
    second.start()
    try:
        desk.start("escalation")
        with desk.work(command="clock.advance") as work:
            advance_clock(work, timedelta(minutes=15))
        until(lambda: waiting_jobs(desk) == 0)
        assert (runner.has_lease, second.has_lease) == (True, False)
        runner.stop()
        until(lambda: second.has_lease)
    finally:
        second.stop()
    assert escalations(desk) == 1

"""Random sound processes, random events, kills between any two commits: the end is that of the unbroken run.

The unbroken run is the pure core's, in memory. The durable one is killed before a commit, after it before anybody has
learnt of it, and between the claim of a timer and its firing; whoever comes after repeats what was not answered.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from builder.jobs import queue
from builder.jobs.ports import Job, Patience
from builder.runtime import install
from builder.runtime.process.carrying import timer_key
from builder.runtime.process.instances import look_at
from builder.storage.runtime_tables import job, process_history, task
from builder.workspace import Workspace
from builder.workspace.commands import AlreadyDone
from engines.core import SYSTEM
from engines.process import CompiledProcess, InstanceState, StepContext, compile, events, step
from engines.process.loading import read
from tests.builder.runtime.desk import APP, ROLES, open_desk
from tests.builder.workspaces import START, fixed_clock
from tests.process.models import sound_model

GRAPHS = 25
LONGEST = 400
SHARE = 0.5
NAMES = ("again", "c0", "c1", "c2")
CONTEXT = StepContext(now=START, zone=ZoneInfo("Asia/Shanghai"))
# Whoever held a claim is known to be dead.
NO_LEASE = Patience(lease_s=0)


class Killed(BaseException):
    """The process is gone: nothing it held in memory is left."""


@dataclass(frozen=True, slots=True)
class Played:
    """An unbroken run: what happened, how it ended, and its history without instants."""

    graph: int
    events: tuple[events.ProcessEvent, ...]
    state: InstanceState
    history: tuple[tuple[str, str | None], ...]


def model(number: int) -> dict[str, Any]:
    """The process file of a graph."""
    variables = [{"name": name, "type": "boolean"} for name in NAMES]
    return {**sound_model(number, 3 + number % 12).data(), "name": f"p{number}", "variables": variables}


MODELS = [model(number) for number in range(GRAPHS)]


@pytest.fixture(scope="module")
def graphs() -> list[CompiledProcess]:
    return [compile(read(found)) for found in MODELS]


@pytest.fixture
def desk_of_models(workspace: Workspace) -> Workspace:
    files = tuple((f"{found['name']}.process.json", found) for found in MODELS)
    open_desk(workspace, (APP, ROLES, *files))
    return workspace


def play(graphs: list[CompiledProcess], seed: int) -> Played:
    """The unbroken run of a seed."""
    random, number = Random(seed), seed % GRAPHS
    graph, happened, history = graphs[number], [], []
    state, event = InstanceState(), events.Start(variables={"again": False})
    while len(happened) < LONGEST:
        result = step(graph, state, event, CONTEXT)
        state = result.state
        happened.append(event)
        history += [(entry.kind, entry.node or None) for entry in result.history]
        if state.ended:
            return Played(number, tuple(happened), state, tuple(history))
        event = _next(random, state)
    raise AssertionError(f"seed {seed} does not come to an end")


def _next(random: Random, state: InstanceState) -> events.ProcessEvent:
    values = {"again": random.random() < 0.3, **{name: random.random() < 0.5 for name in NAMES[1:]}}
    tasks = [events.CompleteTask(task=found, variables=values) for found in state.tasks]
    return random.choice([*tasks, *(events.TimerFired(timer=found) for found in state.timers)])


class Driver:
    """Carries events out on the durable shell, each a command with a key, as often as it takes."""

    def __init__(self, workspace: Workspace, run: str, played: Played) -> None:
        self._workspace = workspace
        self._run = run
        self._played = played
        self.instance: UUID | None = None

    def carry_out(self, number: int) -> None:
        """Carries out one event in full; nothing where that was done before."""
        event = self._played.events[number]
        if isinstance(event, events.TimerFired):
            found = self.claim(event.timer)
            if found is not None:
                install.host(self._workspace).perform(found)
            return
        try:
            self.command(number, event)
        except AlreadyDone as done:
            if isinstance(event, events.Start):
                self.instance = UUID(done.result)

    def command(self, number: int, event: events.ProcessEvent, *, kill: bool = False) -> None:
        """Starts the instance or completes a task; ``kill``: the process dies before the commit."""
        with self._workspace.work(SYSTEM, command="run", key=f"{self._run}:{number}") as work:
            if isinstance(event, events.Start):
                self.instance = work.processes.start(f"desk.p{self._played.graph}", variables=event.variables)
                work.result = str(self.instance)
            elif isinstance(event, events.CompleteTask):
                mine = sa.and_(task.c.instance_id == self.instance, task.c.number == event.task)
                found = work.connection.execute(sa.select(task.c.id).where(mine)).scalar_one()
                work.processes.complete(found, variables=event.variables)
            if kill:
                raise Killed

    def claim(self, timer: int) -> Job | None:
        """The job of a timer, leased to somebody; None where it has fired."""
        assert self.instance is not None
        with self._workspace.database.write() as connection:
            mine = sa.select(job.c.id, job.c.due_at).where(job.c.key == timer_key(self.instance, timer))
            row = connection.execute(mine).one_or_none()
            if row is None:
                return None
            claimed = queue.claim(connection, now=row.due_at, holder="somebody", patience=NO_LEASE, only=row.id)
            return claimed[0]


def drive(workspace: Workspace, played: Played, seed: int) -> UUID:
    """The id of the instance that was driven through the whole run, with kills."""
    random, driver = Random(-seed), Driver(workspace, f"run{seed}", played)
    for number, event in enumerate(played.events):
        if random.random() < SHARE:
            _killed(driver, number, event, random.choice(("before", "after", "claimed")))
            # Another process goes on: it remembers nothing of what the dead one kept in memory.
            install.install(workspace)
        driver.carry_out(number)
    assert driver.instance is not None
    return driver.instance


def _killed(driver: Driver, number: int, event: events.ProcessEvent, moment: str) -> None:
    if moment == "after":
        driver.carry_out(number)
    elif isinstance(event, events.TimerFired):
        assert driver.claim(event.timer) is not None
    elif moment == "before":
        with pytest.raises(Killed):
            driver.command(number, event, kill=True)


def check(workspace: Workspace, instance: UUID, played: Played, seed: int) -> None:
    """The rows say what the unbroken run came to, and nothing is left behind or there twice."""
    with workspace.database.read() as connection:
        found = look_at(connection, instance)
        assert found is not None
        assert found.state == InstanceState.from_json(json.loads(json.dumps(played.state.to_json()))), seed
        rows = connection.execute(
            sa.select(process_history.c.number, process_history.c.kind, process_history.c.node)
            .where(process_history.c.instance_id == instance)
            .order_by(process_history.c.number)
        ).all()
        assert [row.number for row in rows] == list(range(1, len(rows) + 1)), seed
        assert tuple((row.kind, row.node) for row in rows) == played.history, seed
        assert found.version == len(played.events), seed
        left = sa.and_(task.c.instance_id == instance, task.c.status == "open")
        for query in (
            sa.select(sa.func.count()).select_from(task).where(left),
            sa.select(sa.func.count()).select_from(job).where(job.c.instance_id == instance),
        ):
            assert connection.execute(query).scalar_one() == 0, seed


def many(workspace: Workspace, graphs: list[CompiledProcess], seeds: range) -> None:
    """Plays, drives and checks one run for each seed."""
    for seed in seeds:
        played = play(graphs, seed)
        check(workspace, drive(workspace, played, seed), played, seed)


def test_killed_runs_come_to_the_end_of_the_unbroken_ones(
    desk_of_models: Workspace, graphs: list[CompiledProcess]
) -> None:
    sqlite = desk_of_models.database.dialect == "sqlite"
    many(desk_of_models, graphs, range(750) if sqlite else range(750, 1_000))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_runs_for_long(desk_of_models: Workspace, graphs: list[CompiledProcess]) -> None:
    many(desk_of_models, graphs, range(1_000, 6_000))


# -- the same with processes that are really killed


@contextmanager
def forked() -> Iterator[bool]:
    """True in a child, which ends with the block; the parent waits until it is dead."""
    child = os.fork()
    if child == 0:
        try:
            yield True
        finally:
            os._exit(0)
    yield False
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child was to be killed"
    assert os.WTERMSIG(status) == signal.SIGKILL


def die_at(driver: Driver, number: int, event: events.ProcessEvent, moment: str) -> None:
    """In a child: carries out events up to ``number`` and is killed there, before or after the commit."""
    if moment == "before" and isinstance(event, events.CompleteTask):
        try:
            driver.command(number, event, kill=True)
        except Killed:
            os.kill(os.getpid(), signal.SIGKILL)
    elif moment == "before" and isinstance(event, events.TimerFired):
        driver.claim(event.timer)
    else:
        driver.carry_out(number)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("seed", [3, 11, 18])
def test_processes_killed_with_minus_nine_lose_nothing(
    desk_of_models: Workspace, graphs: list[CompiledProcess], seed: int
) -> None:
    settings, played, random = desk_of_models.settings, play(graphs, seed), Random(seed)
    driver = Driver(desk_of_models, "nine", played)
    driver.carry_out(0)
    # No connection may be shared with the children.
    desk_of_models.close()
    kills = sorted(random.sample(range(1, len(played.events)), min(5, len(played.events) - 1)))
    begin = 1
    for number in kills:
        moment = random.choice(("before", "after"))
        with forked() as child:
            if child:
                own = Driver(Workspace.open(settings, clock=fixed_clock()), "nine", played)
                own.instance = driver.instance
                for earlier in range(begin, number):
                    own.carry_out(earlier)
                die_at(own, number, played.events[number], moment)
        begin = number
    survivor = Workspace.open(settings, clock=fixed_clock())
    last = Driver(survivor, "nine", played)
    last.instance = driver.instance
    for number in range(begin, len(played.events)):
        last.carry_out(number)
    assert last.instance is not None
    check(survivor, last.instance, played, seed)
    survivor.close()

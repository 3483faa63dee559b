"""What would happen: many cases of a process run through its real steps on a made clock, with people who take time.

A discrete-event simulation over :func:`engines.process.step`: nothing of the process is modelled a second time. Cases
arrive, people of the real directory take the tasks that they may take one after the other, in working time, and decide
as often one way or the other as the plan says. Waiting is not an input: it follows from who is busy.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from engines.core import Principal, PrincipalKind
from engines.core.ports import Directory
from engines.process import effects as f
from engines.process import events as e
from engines.process.context import StepContext
from engines.process.graph import CompiledProcess
from engines.process.state import InstanceState, SubscriptionKind, Task
from engines.process.stepping import step

# Steps after which a single case is taken for one that never ends.
MOST_STEPS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something that a simulated instance starts with: one of these is drawn for each arrival."""

    # What expressions read: subject, initiator, settings …
    values: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    initiator: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """What is assumed. Durations are samples in seconds; one of them is drawn each time."""

    # Number of cases.
    cases: int
    # Seconds between one arrival and the next.
    between: Sequence[float]
    # Working seconds that a user task takes its performer, by node.
    work: Mapping[str, Sequence[float]] = field(default_factory=dict)
    # Seconds until a service, a called process or an awaited message answers, by node.
    answers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    # How often each outcome is chosen, by node; all alike where nothing is said.
    outcomes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    examples: Sequence[Case] = (Case(),)
    # Working calendar of the people; empty: they never rest.
    calendar: str = ""
    # People more or fewer in a role.
    staff: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    # Seconds taken for what ``work`` and ``answers`` say nothing about.
    usual_work: float = 900.0
    usual_answer: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVisit:
    """One user task that was done."""

    node: str
    # Seconds from opening to taking up, and from taking up to completion.
    waited: float
    worked: float
    performer: UUID | None
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What happened. Times are seconds of the made clock."""

    # Cycle time of each case that ended, in order of ending.
    cycles: Sequence[float]
    # Cases by how they ended ("completed", "rejected" …); "stuck": those that wait for something that never comes.
    ended: Mapping[str, int]
    visits: Sequence[SimulatedVisit]
    # How often each node was entered.
    entered: Mapping[str, int]
    # Incidents by code, with the nodes they happened at.
    incidents: Mapping[tuple[str, str], int]
    # Seconds each person was busy.
    busy: Mapping[UUID, float]
    # From the first arrival to the last end.
    length: float


def simulate(graph: CompiledProcess, plan: SimulationPlan, context: StepContext) -> SimulationResult:
    """What ``plan.cases`` cases come to, arriving from ``context.now`` on; the same for the same plan and seed.

    Called processes are not entered: their answer takes the time that the plan gives. ``context.directory`` says who
    may take which task; without one, tasks wait for nobody.
    """
    return _Simulation(graph, plan, context).run()


@dataclass(slots=True, kw_only=True)
class _Open:
    """A task that waits for somebody."""

    case: int
    task: Task
    opened: f.TaskOpened
    since: datetime


class _Simulation:
    def __init__(self, graph: CompiledProcess, plan: SimulationPlan, context: StepContext) -> None:
        directory = StaffedDirectory(context.directory, plan.staff, context.qualified) if context.directory else None
        self.graph, self.plan = graph, plan
        self.context = replace(context, directory=directory)
        self.directory = directory
        self.random = Random(plan.seed)  # noqa: S311 - a simulation, nothing secret
        self.now = context.now
        self.order = count()
        self.agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self.states: dict[int, InstanceState] = {}
        self.began: dict[int, datetime] = {}
        self.values: dict[int, Mapping[str, Any]] = {}
        self.steps: Counter[int] = Counter()
        self.waiting: list[_Open] = []
        self.busy_until: dict[UUID, datetime] = {}
        self.visits: list[SimulatedVisit] = []
        self.cycles: list[float] = []
        self.ended: Counter[str] = Counter()
        self.entered: Counter[str] = Counter()
        self.incidents: Counter[tuple[str, str]] = Counter()
        self.busy: defaultdict[UUID, float] = defaultdict(float)

    def run(self) -> SimulationResult:
        start = self.now
        at = start
        for case in range(self.plan.cases):
            self._at(at, lambda case=case: self._arrive(case))  # type: ignore[misc]
            at += timedelta(seconds=self._draw(self.plan.between, 0.0))
        while self.agenda:
            self.now, _, action = heapq.heappop(self.agenda)
            action()
            self._hand_out()
        open_cases = sum(not state.ended for state in self.states.values())
        return SimulationResult(
            cycles=self.cycles,
            ended={**self.ended, **({"stuck": open_cases} if open_cases else {})},
            visits=self.visits,
            entered=self.entered,
            incidents=self.incidents,
            busy=self.busy,
            length=(self.now - start).total_seconds(),
        )

    def _at(self, when: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (when, next(self.order), action))

    def _draw(self, samples: Sequence[float], usual: float) -> float:
        return self.random.choice(samples) if samples else usual

    # Cases

    def _arrive(self, case: int) -> None:
        example = self.random.choice(self.plan.examples)
        self.states[case] = InstanceState()
        self.began[case], self.values[case] = self.now, example.values
        self._step(case, e.Start(variables=example.variables, initiator=example.initiator))

    def _step(self, case: int, event: e.ProcessEvent, actor: Principal | None = None) -> None:
        state = self.states[case]
        self.steps[case] += 1
        if state.ended or self.steps[case] > MOST_STEPS:
            return
        context = replace(self.context, now=self.now, values=self.values[case], actor=actor)
        result = step(self.graph, state, event, context)
        self.states[case] = result.state
        self.entered.update(entry.node for entry in result.history if entry.kind == "entered")
        for effect in result.effects:
            self._follow(case, effect)

    def _follow(self, case: int, effect: f.Effect) -> None:
        """Puts on the agenda what an effect will come to."""
        match effect:
            case f.TaskOpened():
                self.waiting.append(_Open(case=case, task=effect.task, opened=effect, since=self.now))
            case f.TimerSet():
                self._at(max(effect.timer.due, self.now), lambda: self._fire(case, effect.timer.id))
            case f.ServiceRequested():
                self._answer(case, effect.node, lambda: self._if_there(case, e.ServiceDone(token=effect.token)))
            case f.ChildStarted():
                self._answer(case, effect.node, lambda: self._if_there(case, e.ChildEnded(token=effect.token)))
            case f.SubscriptionOpened() if effect.subscription.kind is not SubscriptionKind.CONDITION:
                self._await(case, effect)
            case f.Incident():
                self.incidents[effect.code, effect.node] += 1
            case f.InstanceEnded():
                self.ended[effect.status] += 1
                self.cycles.append((self.now - self.began[case]).total_seconds())

    def _answer(self, case: int, node: str, action: Callable[[], None]) -> None:
        self._at(
            self.now + timedelta(seconds=self._draw(self.plan.answers.get(node, ()), self.plan.usual_answer)), action
        )

    def _await(self, case: int, effect: f.SubscriptionOpened) -> None:
        """A message comes after one of the times that the plan knows; without any it never comes."""
        wanted = effect.subscription
        if not self.plan.answers.get(wanted.node):
            return

        def arrive() -> None:
            if wanted.id in self.states[case].subscriptions:
                message = wanted.kind is SubscriptionKind.MESSAGE
                found = e.MessageReceived(name=wanted.name, key=wanted.key, subscription=wanted.id)
                self._step(case, found if message else e.SignalReceived(name=wanted.name))

        self._answer(case, wanted.node, arrive)

    def _fire(self, case: int, timer: int) -> None:
        if timer in self.states[case].timers:
            self._step(case, e.TimerFired(timer=timer))

    def _if_there(self, case: int, event: e.ServiceDone | e.ChildEnded) -> None:
        if event.token in self.states[case].tokens:
            self._step(case, event)

    # People

    def _hand_out(self) -> None:
        """Gives waiting tasks, the oldest first, to people who are free."""
        left = []
        waiting, self.waiting = self.waiting, []
        for item in waiting:
            task = self.states[item.case].tasks.get(item.task.id)
            if task is None:
                continue
            person = self._free(task)
            if person is _NOBODY:
                left.append(item)
            else:
                self._take_up(item, person if isinstance(person, UUID) else None)
        self.waiting = left + self.waiting

    def _free(self, task: Task) -> UUID | object | None:
        """A person who may take the task and is free; None where anybody may; ``_NOBODY`` where all are busy."""
        people = self._people(task)
        if not people:
            return None if self.directory is None or not task.roles else _NOBODY
        free = [person for person in people if self.busy_until.get(person, self.now) <= self.now]
        return min(free, key=lambda person: self.busy[person]) if free else _NOBODY

    def _people(self, task: Task) -> Sequence[UUID]:
        if task.assignee:
            return (task.assignee,)
        held = [p for role in task.roles for p in (self.directory.people_with_role(role) if self.directory else ())]
        return tuple(dict.fromkeys([*task.people, *held]))

    def _take_up(self, item: _Open, person: UUID | None) -> None:
        seconds = self._draw(self.plan.work.get(item.task.node, ()), self.plan.usual_work)
        done = replace(self.context, now=self.now).later(timedelta(seconds=seconds), self.plan.calendar)
        if person:
            self.busy_until[person] = done
            self.busy[person] += seconds
        begun = self.now
        self._at(done, lambda: self._finish(item, person, begun))

    def _finish(self, item: _Open, person: UUID | None, begun: datetime) -> None:
        task = self.states[item.case].tasks.get(item.task.id)
        if task is None:
            return
        self.visits.append(
            SimulatedVisit(
                node=task.node,
                waited=(begun - item.since).total_seconds(),
                worked=(self.now - begun).total_seconds(),
                performer=person,
                late=bool(task.due_at and task.due_at < self.now),
            )
        )
        actor = Principal(kind=PrincipalKind.PERSON, id=person, roles=frozenset(task.roles)) if person else None
        outcome, checked = self._outcome(item.opened), item.opened.checklist
        self._step(
            item.case, e.CompleteTask(task=task.id, outcome=outcome, comment="simulated", checked=checked), actor
        )

    def _outcome(self, opened: f.TaskOpened) -> str:
        names = [outcome.name for outcome in opened.outcomes]
        weights = self.plan.outcomes.get(opened.task.node, {})
        known = [weights.get(name, 0.0) for name in names]
        if not names:
            return ""
        return self.random.choices(names, known if any(known) else None)[0]


_NOBODY = object()


class StaffedDirectory:
    """A directory with people more, or fewer, in some roles. Additional people belong to no department."""

    def __init__(self, inner: Directory, staff: Mapping[str, int], qualified: Callable[[str], str]) -> None:
        self._inner = inner
        self._held: dict[str, tuple[UUID, ...]] = {}
        for role, more in staff.items():
            name = qualified(role)
            people = tuple(inner.people_with_role(name))
            first = 1 + 1000 * len(self._held)
            added = tuple(UUID(int=number) for number in range(first, first + more))
            self._held[name] = people[: len(people) + more] if more < 0 else people + added

    def people_with_role(self, role: str) -> Sequence[UUID]:
        """As the inner directory says, where nothing was changed."""
        return self._held[role] if role in self._held else self._inner.people_with_role(role)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

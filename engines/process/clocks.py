"""Clocks of time limits: when they begin, stand still, go on and end; what is due when the time is up is in ``sla``.

A limit's durations all count by one measure: the wall clock, or a working calendar with the hours of one department. A
clock that stands keeps what is left by that measure, so that it goes on with exactly that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engines.core import LocalizedText
from engines.process import assigning, timers
from engines.process.definition import SlaActionDefinition, SlaDefinition
from engines.process.effects import ClockChanged, Effect, TaskTimed
from engines.process.graph import CompiledProcess, Node
from engines.process.run import Run
from engines.process.state import Clock, InstanceState, Subscription, SubscriptionKind, Task, Timer, Token

RETURNED, CONDITION = "returned", "condition"
# What gives an activity up so that it may be opened again.
_COMES_BACK = frozenset({RETURNED})
# What is told of a task with several clocks; it stands only where all of them do.
_ORDER = ("breached", "warned", "running", "paused")


def limit(run: Run, clock: Clock) -> SlaDefinition:
    """What the definition says of a clock's limit."""
    return next(sla for sla in run.graph.nodes[clock.node].definition.sla if sla.name == clock.sla)


def department_of(run: Run, person: UUID | None) -> UUID | None:
    """The main department of a person, where there is a directory."""
    directory = run.context.directory
    return directory.department_of(person) if directory is not None and person is not None else None


# Beginning


def start(run: Run, token: Token, node: Node) -> None:
    """The clocks of an activity that begins; those of a step that was returned go on."""
    for sla in node.definition.sla:
        waiting = [c for c in run.clocks.values() if c.owner == 0 and (c.node, c.sla) == (node.name, sla.name)]
        if waiting:
            run.clocks[waiting[0].id] = replace(waiting[0], owner=token.id)
            release(run, waiting[0].id, RETURNED)
        else:
            begin(run, token.id, node, sla)


def begin(run: Run, owner: int, node: Node, sla: SlaDefinition) -> None:
    """A new clock; none where the limit's value is no time, which the history tells."""
    counts_in = _department(run, owner, node, sla)
    now = run.context.now
    value = run.evaluate(node.sla[f"{sla.name}.target"], owner)
    try:
        if _is_duration(value):
            due = timers.after(value, run.context, sla.calendar, counts_in)
        else:
            due = timers.instant(value, run.context)
    except timers.TimerError as error:
        run.log("error", node.name, owner, code="process.no_time", message=str(error))
        return
    clock = Clock(
        id=run.new_id(),
        node=node.name,
        sla=sla.name,
        owner=owner,
        started_at=now,
        target=run.context.passed(now, due, sla.calendar, counts_in),
        calendar=sla.calendar,
        counts_in=counts_in,
        due_at=due,
        department=counts_in,
    )
    run.clocks[clock.id] = clock
    run.log("sla.started", node.name, clock.id, sla=sla.name, due=due)
    if sla.pause_when:
        _watch(run, clock)
    tell(run, clock)
    plan(run, clock.id)


def _is_duration(value: Any) -> bool:
    return not isinstance(value, datetime) and not (isinstance(value, str) and not value.startswith(("P", "-P")))


def _department(run: Run, owner: int, node: Node, sla: SlaDefinition) -> UUID | None:
    if not sla.department:
        return department_of(run, run.initiator)
    found = assigning.persons(run.evaluate(node.sla[f"{sla.name}.department"], owner))
    return found[0] if found else None


def _watch(run: Run, clock: Clock) -> None:
    """Lets the clock's condition be asked whenever something changes, and at once."""
    found = Subscription(
        id=run.new_id(), node=clock.node, owner=clock.owner, kind=SubscriptionKind.CONDITION, clock=clock.id
    )
    run.subscriptions[found.id] = found
    run.fresh_conditions.append(found.id)


def look(run: Run, subscription: Subscription) -> None:
    """The condition under which a clock stands may have changed."""
    clock = run.clocks[subscription.clock]
    expression = run.graph.nodes[clock.node].sla.get(f"{clock.sla}.pause_when")
    holds = expression is not None and bool(clock.owner) and run.holds(expression, clock.owner)
    if holds != subscription.held:
        run.subscriptions[subscription.id] = replace(subscription, held=holds)
        hold(run, clock.id, CONDITION) if holds else release(run, clock.id, CONDITION)


# Standing still and going on


def hold(run: Run, clock: int, why: str, **told: Any) -> None:
    """A clock stands still for one more reason."""
    found = run.clocks[clock]
    if why in found.held:
        return
    if found.runs:
        left = run.context.passed(run.context.now, _due(found), found.calendar, found.counts_in)
        found = replace(found, left=left, due_at=None, held_at=run.context.now)
    found = run.clocks[clock] = replace(found, held=(*found.held, why))
    run.log("sla.paused", found.node, found.id, sla=found.sla, why=why, **told)
    _cancel_timer(run, clock)
    tell(run, found)


def release(run: Run, clock: int, why: str, **told: Any) -> None:
    """One reason less to stand still; without any the clock goes on with what was left."""
    found = run.clocks[clock]
    if why not in found.held:
        return
    held = tuple(other for other in found.held if other != why)
    found = replace(found, held=held)
    if not held:
        now, left = run.context.now, found.left or timedelta()
        due = run.context.moved(now, left, found.calendar, found.counts_in)
        found = replace(found, due_at=due, left=None, held_at=None, paused=_stood(run, found))
    run.clocks[clock] = found
    run.log("sla.resumed", found.node, found.id, sla=found.sla, why=why, **told)
    tell(run, found)
    plan(run, clock)


def hold_all(run: Run, why: str) -> None:
    """All clocks of the instance stand still."""
    for clock in list(run.clocks):
        hold(run, clock, why)


def release_all(run: Run, why: str) -> None:
    """The opposite of :func:`hold_all`."""
    for clock in list(run.clocks):
        release(run, clock, why)


def _stood(run: Run, clock: Clock) -> timedelta:
    return clock.paused + (run.context.now - clock.held_at if clock.held_at else timedelta())


def _due(clock: Clock) -> datetime:
    assert clock.due_at is not None  # noqa: S101 - of clocks that run
    return clock.due_at


# Ending


def stop(run: Run, owner: int, why: str = "") -> None:
    """The activity of ``owner`` is done, or given up for a reason; what was returned may come back to its clock."""
    for clock in [c for c in run.clocks.values() if c.owner == owner]:
        if why in _COMES_BACK and limit(run, clock).after_return == "resume":
            hold(run, clock.id, RETURNED)
            run.clocks[clock.id] = replace(run.clocks[clock.id], owner=0)
        else:
            end(run, clock.id, why)


def stop_all(run: Run) -> None:
    """The instance is over."""
    for clock in list(run.clocks):
        end(run, clock, "cancelled")


def end(run: Run, clock: int, why: str = "") -> None:
    """A clock is over: met, breached, or given up before either."""
    found = run.clocks[clock]
    used = found.target - left_of(run, found)
    found = replace(found, paused=_stood(run, found))
    _cancel_timer(run, clock)
    _unwatch(run, clock)
    del run.clocks[clock]
    status = "breached" if found.breached_at else "cancelled" if why else "met"
    run.log(f"sla.{status}" if status != "breached" else "sla.ended", found.node, found.id, sla=found.sla)
    by = run.context.actor_id
    tell(run, found, status, by=by if status == "met" and by else None, used=used)


def left_of(run: Run, clock: Clock) -> timedelta:
    """What is left of the allowed time; negative once it was passed."""
    if clock.left is not None:
        return clock.left
    return run.context.passed(run.context.now, _due(clock), clock.calendar, clock.counts_in)


def _unwatch(run: Run, clock: int) -> None:
    for subscription in [s for s in run.subscriptions.values() if s.clock == clock]:
        run.close_subscription(subscription)


def _cancel_timer(run: Run, clock: int) -> None:
    for timer in [t for t in run.timers.values() if t.clock == clock]:
        run.cancel_timer(timer)


# What is due next


def plan(run: Run, clock: int) -> None:
    """Sets the timer of a clock for the next thing that is due."""
    found = run.clocks[clock]
    points = [at for _, at in upcoming(run, found)] if found.runs else []
    known = next((timer for timer in run.timers.values() if timer.clock == clock), None)
    if known is not None and points and (known.due, known.owner) == (min(points), found.owner):
        return
    _cancel_timer(run, clock)
    if points:
        timer = Timer(
            id=run.new_id(), node=found.node, owner=found.owner, due=min(points), purpose="sla", clock=found.id
        )
        run.add_timer(timer)


def upcoming(run: Run, clock: Clock) -> Iterator[tuple[SlaActionDefinition | None, datetime]]:
    """What will be due for a running clock and when; None is the breach itself."""
    if clock.breached_at is None:
        yield None, _due(clock)
    for action in limit(run, clock).actions:
        at = moment(run, clock, action, clock.done.get(action.name, 0))
        if at is not None:
            yield action, at


def moment(run: Run, clock: Clock, action: SlaActionDefinition, done: int) -> datetime | None:
    """When an action is due that was done ``done`` times already; None when it is not due again."""
    if done and (not action.every or (action.times and done >= action.times)):
        return None
    node = run.graph.nodes[clock.node]
    at = _due(clock)
    try:
        for key in ("before", "after", *["every"] * done):
            expression = node.sla.get(f"{clock.sla}.{action.name}.{key}")
            if expression is not None:
                value = run.evaluate(expression, clock.owner)
                at = timers.shifted(at, value, run.context, clock.calendar, clock.counts_in, back=key == "before")
    except timers.TimerError as error:
        run.log("error", clock.node, clock.id, code="process.no_time", message=str(error))
        return None
    return at


# Tasks


def tasks_of(run: Run, clock: Clock) -> list[Task]:
    """The open tasks of the activity that a clock belongs to."""
    return [t for t in run.tasks.values() if t.node == clock.node and clock.owner in run.chain(t.token)]


def settle(run: Run) -> None:
    """At the end of a step: who has the tasks, which limits that ends, and when the tasks are due."""
    if not run.clocks and not run.state.clocks:
        return
    for clock in list(run.clocks.values()):
        _look_who_has_it(run, clock)
    for task in list(run.tasks.values()):
        _time(run, task)


def _look_who_has_it(run: Run, clock: Clock) -> None:
    tasks = tasks_of(run, clock)
    person = next((task.assignee for task in tasks if task.assignee), None)
    if person is not None and person != clock.person and clock.breached_at is None:
        department = department_of(run, person) or clock.counts_in
        clock = run.clocks[clock.id] = replace(clock, person=person, department=department)
        tell(run, clock)
    if tasks and all(task.assignee for task in tasks) and limit(run, clock).until == "claimed":
        end(run, clock.id)


def _time(run: Run, task: Task) -> None:
    """Brings due time and standing of a task to what its clocks say, those of activities around it included."""
    around = set(run.chain(task.token))
    clocks = [clock for clock in run.clocks.values() if clock.owner in around]
    if not clocks and not task.sla:
        return
    planned = task.planned_at if task.sla else task.due_at
    points = [at for at in (planned, *(clock.due_at for clock in clocks)) if at is not None]
    standing = {_standing(clock) for clock in clocks}
    timed = replace(
        task,
        due_at=min(points, default=None),
        planned_at=planned if clocks else None,
        sla=next((word for word in _ORDER if word in standing), ""),
    )
    if timed != task:
        run.tasks[task.id] = timed
        run.effects.append(TaskTimed(task=timed))


def _standing(clock: Clock) -> str:
    if clock.breached_at is not None:
        return "breached"
    return "paused" if clock.held else "warned" if clock.warned else "running"


def tell(run: Run, clock: Clock, status: str = "", **more: Any) -> None:
    """Tells the shell how a clock stands now."""
    status = status or ("paused" if clock.held else "running")
    run.effects.append(ClockChanged(clock=clock, label=limit(run, clock).label, status=status, **more))


# Another version of the process


def carry_over(run: Run, known: Collection[tuple[str, str]]) -> None:
    """Clocks go on under a new version; limits that it no longer has end, those it adds to live activities begin."""
    for clock in list(run.clocks.values()):
        node = run.graph.nodes.get(clock.node)
        if node is None or clock.sla not in {sla.name for sla in node.definition.sla}:
            _drop(run, clock)
            continue
        _unwatch(run, clock.id)
        if limit(run, clock).pause_when:
            _watch(run, clock)
        release(run, clock.id, CONDITION)
        plan(run, clock.id)
    for token in list(run.tokens.values()):
        _begin_new(run, token.id, run.graph.nodes[token.node], known)
    for scope in [s for s in run.scopes.values() if s.node]:
        _begin_new(run, scope.id, run.graph.nodes[scope.node], known)


def _begin_new(run: Run, owner: int, node: Node, known: Collection[tuple[str, str]]) -> None:
    for sla in node.definition.sla:
        if (node.name, sla.name) not in known:
            begin(run, owner, node, sla)


def _drop(run: Run, clock: Clock) -> None:
    _cancel_timer(run, clock.id)
    _unwatch(run, clock.id)
    del run.clocks[clock.id]
    run.log("sla.cancelled", clock.node, clock.id, sla=clock.sla)
    run.effects.append(ClockChanged(clock=clock, label=LocalizedText.of(clock.sla), status="cancelled"))


def taken_back(graph: CompiledProcess, before: InstanceState, now: InstanceState) -> list[Effect]:
    """The effects that bring clocks and tasks back to how they stood before a migration."""
    effects: list[Effect] = []
    for id, clock in now.clocks.items():
        if id not in before.clocks:
            effects.append(ClockChanged(clock=clock, label=LocalizedText.of(clock.sla), status="cancelled"))
    for id, clock in before.clocks.items():
        if now.clocks.get(id) is not clock:
            label = next(s.label for s in graph.nodes[clock.node].definition.sla if s.name == clock.sla)
            effects.append(ClockChanged(clock=clock, label=label, status="paused" if clock.held else "running"))
    for id, task in before.tasks.items():
        other = now.tasks.get(id)
        if other is not None and (other.due_at, other.sla) != (task.due_at, task.sla):
            effects.append(TaskTimed(task=task))
    return effects

"""What happens when the time of a limit is up, and who may stop its clock; ``clocks`` keeps the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from engines.core import AccessDenied, InputError, InputProblem, StateConflict
from engines.process import assigning, clocks, people, throwing
from engines.process import events as e
from engines.process.assigning import Found
from engines.process.definition import SlaActionDefinition
from engines.process.effects import SlaActed
from engines.process.run import Run
from engines.process.state import Clock, Task, Timer

PERSON = "person"


def fire(run: Run, timer: Timer) -> None:
    """The timer of a clock: everything that is due by now is done, in order, each once."""
    del run.timers[timer.id]
    clock = timer.clock
    while clock in run.clocks:
        due = [(at, action) for action, at in clocks.upcoming(run, run.clocks[clock]) if at <= run.context.now]
        if not due:
            break
        _, action = min(due, key=lambda pair: (pair[0], pair[1] is not None))
        run.spend(timer.owner)
        if action is None:
            _breach(run, run.clocks[clock])
        else:
            _act(run, run.clocks[clock], action)
    if clock in run.clocks:
        clocks.plan(run, clock)


def _breach(run: Run, clock: Clock) -> None:
    run.log("sla.breached", clock.node, clock.id, sla=clock.sla, people=[clock.person] if clock.person else [])
    clock = run.clocks[clock.id] = replace(clock, breached_at=clock.due_at)
    clocks.tell(run, clock)


def _act(run: Run, clock: Clock, action: SlaActionDefinition) -> None:
    """Does an action; occasions of a repeated one that were missed together are one."""
    done = clock.done.get(action.name, 0) + 1
    while (at := clocks.moment(run, clock, action, done)) is not None and at <= run.context.now:
        done += 1
    warned = clock.warned or action.do == "warn"
    clock = run.clocks[clock.id] = replace(clock, done={**clock.done, action.name: done}, warned=warned)
    if warned:
        clocks.tell(run, clock)
    match action.do:
        case "transfer":
            _transfer(run, clock, action)
        case "complete":
            _complete(run, clock, action)
        case _:
            _notify(run, clock, action)
    if action.do == "escalate" and action.code and clock.owner:
        throwing.escalate(run, clock.owner, clock.node, action.code, {})


# Telling


def _notify(run: Run, clock: Clock, action: SlaActionDefinition) -> None:
    tasks: Sequence[Task | None] = clocks.tasks_of(run, clock) or [None]
    for task in tasks:
        own = action.to is None and action.do != "escalate"
        found = _own_people(task) if own else _found(run, clock, action, task)
        _tell(run, clock, action, found, task, own=own)


def _own_people(task: Task | None) -> Found:
    if task is None:
        return Found()
    if task.assignee is not None:
        return Found(people=(task.assignee,))
    return Found(people=task.people, roles=task.roles)


def _tell(
    run: Run, clock: Clock, action: SlaActionDefinition, found: Found, task: Task | None, *, own: bool = False
) -> None:
    told = {"people": list(found.people), "roles": list(found.roles)}
    run.log(f"sla.{action.do}", clock.node, clock.id, sla=clock.sla, action=action.name, **told)
    run.effects.append(
        SlaActed(
            clock=clock,
            do=action.do,
            action=action.name,
            label=run.graph.nodes[clock.node].definition.label,
            message=action.message,
            people=found.people,
            roles=found.roles,
            task=task,
            own=own,
        )
    )


def _found(run: Run, clock: Clock, action: SlaActionDefinition, task: Task | None) -> Found:
    """Whom ``to`` means for a task; without it the managers of those who have the task."""
    if action.to is None:
        return Found(people=tuple(dict.fromkeys(_managers(run, _holders(run, clock, task)))))
    run.given = {"assignee": task.assignee if task else clock.person}
    try:
        node = run.graph.nodes[clock.node]
        return assigning.resolve(run, clock.owner, node, f"sla.{clock.sla}.{action.name}", action.to)
    finally:
        run.given = {}


def _holders(run: Run, clock: Clock, task: Task | None) -> Iterable[UUID]:
    if task is None:
        return ()
    own = _own_people(task)
    return assigning.everybody(run, own)


def _managers(run: Run, people: Iterable[UUID]) -> Iterable[UUID]:
    directory = run.context.directory
    for person in people:
        manager = directory.manager_of(person) if directory else None
        if manager is not None:
            yield manager


# Handing over, deciding


def _transfer(run: Run, clock: Clock, action: SlaActionDefinition) -> None:
    """The open tasks go to whom the action means; where that is nobody they stay, and the admins are told."""
    for task in clocks.tasks_of(run, clock):
        found = _found(run, clock, action, task)
        alone = found.people[0] if len(found.people) == 1 and not found.roles else None
        if found and (alone is None or alone != task.assignee):
            _hand(run, task, found, alone)
        _tell(run, clock, action, found, task)


def _hand(run: Run, task: Task, found: Found, alone: UUID | None) -> None:
    candidates = () if alone else found.people
    people.change(run, task, "transfer", assignee=alone, people=candidates, roles=found.roles, owner=None)
    run.log("task.transfer", task.node, task.id, to=alone, because="sla")


def _complete(run: Run, clock: Clock, action: SlaActionDefinition) -> None:
    """Decides the step as the action says; a step that has a delivery standard is only rejected by itself."""
    node = run.graph.nodes[clock.node]
    refused = people.has_standard(node) and people.meaning(node, action.outcome) != "reject"
    for task in [] if refused else clocks.tasks_of(run, clock):
        token = run.tokens.get(task.token)
        if task.id in run.tasks and token is not None:
            told = _own_people(task)
            _tell(run, clock, action, told, task, own=True)
            people.decide(run, token, node, action.outcome, "", None, automatic=True)
    if refused:
        _tell(run, clock, action, Found(), None)


# People


def pause_by_person(run: Run, event: e.PauseClock) -> None:
    """Stops the clocks of a task, or one clock; the reason is asked for and kept."""
    found = [clock for clock in _meant(run, event) if PERSON not in clock.held]
    if not found:
        raise StateConflict("process.no_clock_runs")
    if not event.comment.strip():
        raise InputError([InputProblem(pointer="/comment", code="process.comment_required")])
    for clock in _allowed(run, found, event.task):
        clocks.hold(run, clock.id, PERSON, comment=event.comment)


def resume_by_person(run: Run, event: e.ResumeClock) -> None:
    """Lets clocks that a person has stopped go on."""
    found = [clock for clock in _meant(run, event) if PERSON in clock.held]
    if not found:
        raise StateConflict("process.no_clock_stands")
    for clock in _allowed(run, found, event.task):
        clocks.release(run, clock.id, PERSON, **({"comment": event.comment} if event.comment else {}))


def _meant(run: Run, event: e.PauseClock | e.ResumeClock) -> list[Clock]:
    if event.task:
        around = set(run.chain(people.task_of(run, event.task).token))
        return [clock for clock in run.clocks.values() if clock.owner in around]
    return [clock for clock in run.clocks.values() if clock.id == event.clock]


def _allowed(run: Run, found: Sequence[Clock], task: int) -> list[Clock]:
    """Those that whoever acts may stop; refused where that is none of them."""
    allowed = [clock for clock in found if may_stop(run, clock, task)]
    if not allowed:
        raise AccessDenied("pause_clock", found[0].node)
    return allowed


def may_stop(run: Run, clock: Clock, task: int) -> bool:
    """Whether whoever acts may stop a clock: by role, or because they have the task and the limit allows that."""
    actor = run.context.actor
    if actor is None or actor.id is None:
        return True
    sla = clocks.limit(run, clock)
    if any(run.context.qualified(role) in actor.roles or role in actor.roles for role in sla.pause_roles):
        return True
    found = run.tasks.get(task)
    return sla.pause_by_assignee and found is not None and found.assignee == actor.id

"""Taking a running instance from one version of its process to another.

Tokens stay where they are, at the node that the mapping names. What waits there goes on waiting: timers keep their
time, tasks their people. Events that the new version adds to a live activity begin to wait; those it no longer has
cease to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engines.process import clocks, waiting
from engines.process.context import StepContext
from engines.process.effects import (
    Effect,
    HistoryEntry,
    SubscriptionClosed,
    SubscriptionOpened,
    TaskOpened,
    TaskRedefined,
    TimerCancelled,
    TimerSet,
)
from engines.process.graph import CompiledProcess, Node
from engines.process.kinds import EventKind
from engines.process.run import Run
from engines.process.scopes import finish
from engines.process.state import ROOT, Compensation, InstanceState, Scope, Task, Token, TokenStatus
from engines.process.stepping import StepResult, advance

Mapped = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why an instance cannot be taken over: ``node`` is where it stands."""

    # "process.migration.<reason>": no_such_node, other_type, other_place, other_event, joined_over, compensation
    code: str
    node: str
    found: str = ""


def obstacles(
    source: CompiledProcess, target: CompiledProcess, state: InstanceState, mapping: Mapping[str, str]
) -> list[Obstacle]:
    """What keeps an instance of ``source`` from going on as one of ``target``; empty where nothing does.

    ``mapping``: node of ``source`` to node of ``target``; a node that is not named keeps its name.
    """
    to = _mapper(mapping)
    found = [problem for element in _elements(state) for problem in _at_element(source, target, state, element, to)]
    for name in sorted({n for scope in state.scopes.values() for c in scope.compensations for n in _named(c)}):
        if to(name) not in target.nodes:
            found.append(Obstacle(code="process.migration.compensation", node=name, found=to(name)))
    return list(dict.fromkeys(found))


def migrate(
    source: CompiledProcess,
    target: CompiledProcess,
    state: InstanceState,
    mapping: Mapping[str, str],
    context: StepContext,
) -> StepResult:
    """The instance as one of ``target``; ``ValueError`` where :func:`obstacles` finds any."""
    if problems := obstacles(source, target, state, mapping):
        raise ValueError(f"cannot be migrated: {problems}")
    to = _mapper(mapping)
    run = Run(target, _renamed(state, target, to), context)
    run.finish = finish
    _end_what_is_gone(run, state)
    _begin_what_is_new(run, source, to)
    clocks.carry_over(run, {(to(n.name), sla.name) for n in source.nodes.values() for sla in n.definition.sla})
    for name, default in target.defaults:
        if name not in run.variables.get(ROOT, {}):
            run.set_local(ROOT, {name: run.evaluate(default, ROOT) if default else None})
    run.effects += [TaskRedefined(opened=_page_of(target, task)) for task in run.tasks.values()]
    run.log("migrated", mapping={name: to(name) for name in source.nodes if to(name) != name})
    advance(run)
    clocks.settle(run)
    return StepResult(state=run.freeze(), effects=tuple(run.effects), history=tuple(run.history))


def undo(graph: CompiledProcess, before: InstanceState, now: InstanceState, context: StepContext) -> StepResult:
    """The instance as it was ``before`` it was migrated to what it is ``now``; ``graph`` is the one it had then."""
    effects: list[Effect] = []
    effects += [TimerCancelled(timer=t) for id, t in now.timers.items() if before.timers.get(id) is None]
    effects += [TimerSet(timer=t) for id, t in before.timers.items() if id not in now.timers]
    kept = before.subscriptions
    effects += [SubscriptionClosed(subscription=s) for id, s in now.subscriptions.items() if id not in kept]
    effects += [SubscriptionOpened(subscription=s) for id, s in kept.items() if id not in now.subscriptions]
    effects += clocks.taken_back(graph, before, now)
    effects += [TaskRedefined(opened=_page_of(graph, task)) for task in before.tasks.values()]
    entry = HistoryEntry(kind="migration.undone", at=context.now, by=context.actor_id)
    return StepResult(state=before, effects=tuple(effects), history=(entry,))


def _mapper(mapping: Mapping[str, str]) -> Mapped:
    return lambda name: mapping.get(name, name)


def _elements(state: InstanceState) -> Iterator[Token | Scope]:
    yield from state.tokens.values()
    yield from (scope for scope in state.scopes.values() if scope.node)


def _at_element(
    source: CompiledProcess, target: CompiledProcess, state: InstanceState, element: Token | Scope, to: Mapped
) -> Iterator[Obstacle]:
    old, new = source.nodes[element.node], target.nodes.get(to(element.node))
    if new is None:
        yield Obstacle(code="process.migration.no_such_node", node=old.name, found=to(old.name))
        return
    if new.type is not old.type or _repetition(new) != _repetition(old):
        yield Obstacle(code="process.migration.other_type", node=old.name, found=str(new.type))
    around = old.body.node
    if (new.body.node.name if new.body.node else "") != (to(around.name) if around else ""):
        yield Obstacle(code="process.migration.other_place", node=old.name, found=new.name)
    if new.kind is not old.kind:
        yield Obstacle(code="process.migration.other_event", node=old.name, found=str(new.kind))
    if isinstance(element, Token) and element.status is TokenStatus.JOINING:
        arrived = target.flows.get(element.flow)
        if arrived is None or arrived.target is not new:
            yield Obstacle(code="process.migration.joined_over", node=old.name, found=element.flow)


def _repetition(node: Node) -> tuple[bool, bool]:
    return node.definition.multi_instance is not None, node.definition.loop is not None


def _named(done: Compensation) -> Iterator[str]:
    yield from filter(None, (done.node, done.handler, done.event_sub_process))
    for inner in done.inner:
        yield from _named(inner)


def _renamed(state: InstanceState, target: CompiledProcess, to: Mapped) -> InstanceState:
    """The state with every node by its new name; what was passed and is no more is forgotten."""

    def rows(table: Mapping[int, Any]) -> dict[int, Any]:
        return {id: row if to(row.node) == row.node else replace(row, node=to(row.node)) for id, row in table.items()}

    def scope(found: Scope) -> Scope:
        done = tuple(_recalled(item, to) for item in found.compensations)
        queue = tuple(_recalled(item, to) for item in found.queue)
        named = (to(found.node) if found.node else "", to(found.back_to) if found.back_to else "")
        if (done, queue, named) == (found.compensations, found.queue, (found.node, found.back_to)):
            return found
        return replace(found, node=named[0], back_to=named[1], compensations=done, queue=queue)

    passed = {to(name): replace(row, node=to(name)) for name, row in state.passed.items() if to(name) in target.nodes}
    tokens = {
        id: replace(token, back_to=to(token.back_to)) if token.back_to else token
        for id, token in rows(state.tokens).items()
    }
    return replace(
        state,
        tokens=tokens,
        scopes={id: scope(found) for id, found in state.scopes.items()},
        tasks=rows(state.tasks),
        timers=rows(state.timers),
        clocks=rows(state.clocks),
        subscriptions=rows(state.subscriptions),
        incidents=rows(state.incidents),
        passed=passed,
    )


def _recalled(done: Compensation, to: Mapped) -> Compensation:
    return replace(
        done,
        node=to(done.node),
        handler=to(done.handler) if done.handler else "",
        event_sub_process=to(done.event_sub_process) if done.event_sub_process else "",
        inner=tuple(_recalled(item, to) for item in done.inner),
    )


def _end_what_is_gone(run: Run, before: InstanceState) -> None:
    """Timers and subscriptions whose node is gone, waits for something else now, or is attached elsewhere."""
    for timer in list(run.timers.values()):
        if not _still_waits(run, timer.owner, timer.node, EventKind.TIMER) and timer.purpose == "event":
            del run.timers[timer.id]
            run.effects.append(TimerCancelled(timer=before.timers[timer.id]))
    for subscription in list(run.subscriptions.values()):
        kind = EventKind(str(subscription.kind))
        if subscription.clock:
            continue
        if not _still_waits(run, subscription.owner, subscription.node, kind, subscription.name):
            run.close_subscription(subscription)


def _still_waits(run: Run, owner: int, name: str, kind: EventKind, event: str = "") -> bool:
    node = run.graph.nodes.get(name)
    if node is None or node.kind is not kind or (event and node.event.name != event):
        return False
    element = run.tokens.get(owner) or run.scopes.get(owner)
    if node.attached_to is None or element is None:
        return True
    return node.attached_to.name == element.node


def _begin_what_is_new(run: Run, source: CompiledProcess, to: Mapped) -> None:
    """Events that the new version has on live activities, in live scopes, and the old one had not."""
    known = {to(name) for name in source.nodes}
    elements: list[Token | Scope] = [*run.tokens.values(), *run.scopes.values()]
    for element in elements:
        if isinstance(element, Token) and element.status is not TokenStatus.ACTIVE:
            continue
        waiting.attach(run, element.id, [n for n in _events_at(run, element) if n.name not in known])


def _events_at(run: Run, element: Token | Scope) -> list[Node]:
    if isinstance(element, Token):
        return list(run.graph.nodes[element.node].boundaries)
    if element.id != ROOT:
        return []
    return [sub.start_event for sub in run.graph.body.event_sub_processes]


def _page_of(graph: CompiledProcess, task: Task) -> TaskOpened:
    """What people see of an open task, as ``graph`` says it."""
    node = graph.nodes[task.node]
    wanted = node.definition.user_task
    assert wanted is not None  # noqa: S101 - only user tasks have tasks
    return TaskOpened(
        task=task,
        label=node.definition.label,
        form=wanted.form,
        layout=wanted.layout,
        outcomes=wanted.outcomes,
        fields=wanted.fields,
        checklist=wanted.checklist,
        signature=wanted.signature,
        channels=wanted.channels,
    )

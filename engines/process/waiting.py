"""Events that wait: timers, messages, signals and conditions on tokens, activities and scopes (BPMN 2.0.2 §13.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engines.core import StateConflict
from engines.process import clocks, scopes, timers
from engines.process.effects import SubscriptionOpened
from engines.process.graph import Node
from engines.process.kinds import EventKind, NodeType
from engines.process.moving import completed
from engines.process.run import Run
from engines.process.state import ScopeKind, Subscription, SubscriptionKind, Timer, Token

_SUBSCRIBED = {
    EventKind.MESSAGE: SubscriptionKind.MESSAGE,
    EventKind.SIGNAL: SubscriptionKind.SIGNAL,
    EventKind.CONDITION: SubscriptionKind.CONDITION,
}


def attach(run: Run, owner: int, nodes: Iterable[Node]) -> None:
    """Lets every one of ``nodes`` that waits for something from outside wait on behalf of ``owner``."""
    for node in nodes:
        if node.kind is EventKind.TIMER:
            _start_timer(run, owner, node)
        elif node.kind in _SUBSCRIBED:
            _subscribe(run, owner, node)


def _start_timer(run: Run, owner: int, node: Node) -> None:
    kind, expression = node.timer
    calendar = node.event.timer.calendar if node.event.timer else ""
    try:
        value = run.evaluate(expression, owner)
        due = timers.due(kind, value, run.context, calendar, clocks.department_of(run, run.initiator))
    except timers.TimerError as error:
        _cannot_wait(run, owner, node, "process.no_time", str(error))
        return
    timer = Timer(id=run.new_id(), node=node.name, owner=owner, due=due.at, left=due.left, cycle=due.cycle)
    run.add_timer(timer)


def _cannot_wait(run: Run, owner: int, node: Node, code: str, message: str) -> None:
    """An event cannot be set up: the token at it, or at its activity, stops; a scope goes on without the event."""
    token = run.tokens.get(owner)
    if token is not None:
        run.fail(token, code, f"{node.name}: {message}")
    else:
        run.log("error", node.name, owner, code=code, message=message)


def _subscribe(run: Run, owner: int, node: Node) -> None:
    key = run.evaluate(node.correlation, owner) if node.correlation else None
    subscription = Subscription(
        id=run.new_id(),
        node=node.name,
        owner=owner,
        kind=_SUBSCRIBED[node.kind],
        name=node.event.name,
        key="" if key is None else str(key),
    )
    if node.kind is EventKind.CONDITION:
        # Asked when the other tokens rest; it fires then if it holds from the beginning.
        run.fresh_conditions.append(subscription.id)
    run.subscriptions[subscription.id] = subscription
    run.effects.append(SubscriptionOpened(subscription=subscription))


def fire_conditions(run: Run) -> bool:
    """Fires the conditional events whose condition has become true since it was last asked (§10.5.4 table 10.84)."""
    fired = False
    if run.variables_changed:
        waiting = [s for s in run.subscriptions.values() if s.kind is SubscriptionKind.CONDITION]
    else:
        waiting = [run.subscriptions[i] for i in run.fresh_conditions if i in run.subscriptions]
    run.variables_changed = False
    run.fresh_conditions = []
    for subscription in waiting:
        if subscription.id not in run.subscriptions:
            continue
        run.spend(subscription.owner)
        if subscription.clock:
            clocks.look(run, subscription)
            continue
        node = run.graph.nodes[subscription.node]
        holds = run.holds(node.condition, subscription.owner)
        if holds != subscription.held:
            run.subscriptions[subscription.id] = replace(subscription, held=holds)
        if holds and not subscription.held:
            fired = True
            happen(run, node, subscription.owner, "condition", {}, subscription=subscription)
    return fired


# Something happens


def fire_timer(run: Run, timer: Timer) -> None:
    """The timer is due: its event happens, and a cycle goes into its next round."""
    del run.timers[timer.id]
    node = run.graph.nodes[timer.node]
    following = timers.next_of_cycle(timer.cycle, timer.due, timer.left, run.context) if timer.cycle else None
    if following is not None and not _interrupts(node):
        run.add_timer(replace(timer, id=run.new_id(), due=following.at, left=following.left))
    happen(run, node, timer.owner, "timer", {})


def receive(run: Run, subscription: Subscription, variables: Mapping[str, Any]) -> None:
    """A message or signal has come for ``subscription``."""
    node = run.graph.nodes[subscription.node]
    happen(run, node, subscription.owner, subscription.kind, variables, subscription=subscription)


def receive_message(run: Run, name: str, key: str, subscription: int, variables: Mapping[str, Any]) -> None:
    """Gives a message to the one event that waits for it; a ``StateConflict`` where none does."""
    for found in run.subscriptions.values():
        fits = found.kind is SubscriptionKind.MESSAGE and found.name == name and found.key in ("", key)
        if fits and subscription in (0, found.id):
            receive(run, found, variables)
            return
    raise StateConflict("process.nobody_waits", message=name, key=key)


def receive_signal(run: Run, name: str, variables: Mapping[str, Any]) -> None:
    """Gives a signal to every event that waits for it."""
    for found in [s for s in run.subscriptions.values() if s.kind is SubscriptionKind.SIGNAL and s.name == name]:
        if found.id in run.subscriptions:
            receive(run, found, variables)


def happen(
    run: Run,
    node: Node,
    owner: int,
    what: str,
    variables: Mapping[str, Any],
    *,
    subscription: Subscription | None = None,
) -> None:
    """The event ``node`` happens for ``owner``, a token waiting at it or the activity or scope that it watches."""
    run.log(what, node.name, owner, **({"variables": dict(variables)} if variables else {}))
    if subscription is not None and _interrupts(node):
        run.close_subscription(subscription)
    match node.type:
        case NodeType.BOUNDARY_EVENT:
            leave_by_boundary(run, node, owner, variables)
        case NodeType.START_EVENT:
            start_event_sub_process(run, node, owner, variables)
        case _:
            _catch(run, node, run.tokens[owner], variables)


def _interrupts(node: Node) -> bool:
    """Whether the event can happen only once for what it waits on."""
    return node.interrupting or node.type not in (NodeType.BOUNDARY_EVENT, NodeType.START_EVENT)


def _catch(run: Run, node: Node, token: Token, variables: Mapping[str, Any]) -> None:
    """A token that waited at a catch event, a receive task, or the gateway before one, goes on."""
    run.set_variables(token.id, variables)
    if token.node != node.name:
        run.log("completed", token.node, token.id)
        run.detach(token.id)
        token = run.tokens[token.id] = replace(token, node=node.name)
    if node.type is NodeType.RECEIVE_TASK:
        scopes.complete(run, token, node)
    else:
        run.detach(token.id)
        completed(run, token, node)


def leave_by_boundary(run: Run, node: Node, owner: int, variables: Mapping[str, Any]) -> None:
    """A boundary event happens: it interrupts its activity, or starts a path beside it (§10.5.6)."""
    element = run.tokens.get(owner) or run.scopes[owner]
    around = run.parent_of(element)
    if node.interrupting:
        scopes.cancel(run, owner, node.name)
    token = run.put(node.name, around, thread=element.thread)
    if not node.interrupting:
        token = run.tokens[token.id] = replace(token, thread=(*element.thread, token.id))
    run.set_variables(token.id, variables)
    completed(run, token, node)


def start_event_sub_process(run: Run, start: Node, owner: int, variables: Mapping[str, Any], *, but: int = 0) -> None:
    """An event sub-process of scope ``owner`` starts; an interrupting one ends all else in the scope (§13.5.4)."""
    node = start.body.owner
    if start.interrupting:
        scopes.cancel_inside(run, owner, node.name, but=but)
        run.detach(owner, keep=lambda n: n.type is NodeType.BOUNDARY_EVENT)
    scope = run.new_scope(owner, ScopeKind.EVENT_SUB_PROCESS, node.name)
    run.log("entered", node.name, scope.id)
    run.set_variables(scope.id, variables)
    inner = [n.start_event for n in node.inner.event_sub_processes]
    attach(run, scope.id, inner)
    token = run.put(start.name, scope.id)
    completed(run, token, start)

"""How activities begin and end, sub-processes, loops and multi-instances (BPMN 2.0.2 §13.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engines.process import clocks, compensation, waiting
from engines.process.effects import ChildCancelled, InstanceEnded, ServiceCancelled, TaskClosed
from engines.process.graph import Body, Node
from engines.process.kinds import NodeType
from engines.process.moving import arrive, go_on, settle
from engines.process.run import Run
from engines.process.state import ROOT, InstanceStatus, MultiState, Scope, ScopeKind, Token, TokenStatus

_SERVICES = frozenset({NodeType.SERVICE_TASK, NodeType.SEND_TASK})


def enter_activity(run: Run, token: Token, node: Node) -> None:
    """Begins an activity; a repeated one begins with its first rounds."""
    run.log("entered", node.name, token.id)
    if node.definition.sla:
        clocks.start(run, token, node)
    if node.boundaries:
        waiting.attach(run, token.id, node.boundaries)
        if run.tokens[token.id].status is not TokenStatus.ACTIVE:
            return
    if node.repeated:
        _start_rounds(run, token, node)
    else:
        begin(run, token.id)


def begin(run: Run, element: int) -> None:
    """Lets one instance of an activity work."""
    token = run.tokens.get(element)
    if token is not None and token.status is TokenStatus.ACTIVE:
        node = run.graph.nodes[token.node]
        node.begin(run, token, node)


def complete(run: Run, token: Token, node: Node) -> None:
    """One instance of an activity is done: it can be compensated now, and its token goes on."""
    run.log("completed", node.name, token.id)
    compensation.remember(run, token, node)
    around = run.scopes[token.scope]
    if around.kind is ScopeKind.MULTI:
        _round_done(run, token, node, around)
        return
    leave_activity(run, token, node)


def leave_activity(run: Run, token: Token, node: Node) -> None:
    """Ends what is attached to the activity and sends its token on."""
    if node.boundaries:
        run.detach(token.id)
    clocks.stop(run, token.id)
    if node.body.node is not None and node.body.node.type is NodeType.AD_HOC:
        run.later(check_ad_hoc, token.scope)
    go_on(run, token, node)


# Loops and multi-instances


def _start_rounds(run: Run, token: Token, node: Node) -> None:
    multi, loop = node.definition.multi_instance, node.definition.loop
    if loop is not None:
        if loop.before and not run.holds(node.loop_while, token.id):
            leave_activity(run, token, node)
            return
        scope = run.open_scope(token, ScopeKind.MULTI, multi=MultiState(total=loop.maximum))
        _spawn(run, scope, node)
        return
    if multi is None:
        return
    items, total = _cardinality(run, token, node)
    if total is None:
        run.fail(token, "process.no_instances", f"{node.name}: the number of instances is no whole number, or no list")
    elif total == 0:
        leave_activity(run, token, node)
    else:
        scope = run.open_scope(token, ScopeKind.MULTI, multi=MultiState(total=total, items=items))
        for _ in range(total if multi.parallel else 1):
            _spawn(run, run.scopes[scope.id], node)


def _cardinality(run: Run, token: Token, node: Node) -> tuple[tuple[Any, ...], int | None]:
    """The elements, if any, and the number of instances; None where it cannot be known."""
    if node.each is not None:
        value = run.evaluate(node.each, token.id)
        if isinstance(value, (list, tuple)):
            return tuple(value), len(value)
        return (), None
    value = run.evaluate(node.count, token.id) if node.count else None
    if isinstance(value, (Decimal, int)) and not isinstance(value, bool) and value == int(value) and value >= 0:
        return (), int(value)
    return (), None


def _spawn(run: Run, scope: Scope, node: Node) -> None:
    """Begins the next instance, with its variables."""
    state = scope.multi
    token = run.put(node.name, scope.id, thread=scope.thread)
    local: dict[str, Any] = {"loopCounter": Decimal(state.started)}
    multi = node.definition.multi_instance
    if multi and multi.item and state.items:
        local[multi.item] = state.items[state.started]
    run.set_local(token.id, local)
    _update(run, scope, replace(state, started=state.started + 1))
    run.later(begin, token.id)


def _update(run: Run, scope: Scope, state: MultiState) -> None:
    """Sets the counters and the variables that show them (§10.3.8 table 10.30)."""
    run.scopes[scope.id] = replace(scope, multi=state)
    counters = {
        "nrOfInstances": Decimal(state.total),
        "nrOfCompletedInstances": Decimal(state.completed),
        "nrOfActiveInstances": Decimal(state.started - state.completed),
    }
    run.set_local(scope.id, counters)


def _round_done(run: Run, token: Token, node: Node, scope: Scope) -> None:
    state = scope.multi
    if node.collect is not None:
        state = replace(state, results=(*state.results, run.evaluate(node.collect, token.id)))
    local = run.variables.get(token.id, {})
    run.take(token)
    state = replace(state, completed=state.completed + 1)
    _update(run, scope, state)
    scope = run.scopes[scope.id]
    if node.definition.loop is not None:
        again = (state.total == 0 or state.completed < state.total) and _still(run, scope, node, local)
        _spawn(run, scope, node) if again else finish(run, scope)
    elif node.multi_until is not None and run.holds(node.multi_until, scope.id):
        cancel_inside(run, scope.id)
        finish(run, scope)
    elif state.completed == state.total:
        finish(run, scope)
    elif state.started < state.total and node.definition.multi_instance and not node.definition.multi_instance.parallel:
        _spawn(run, scope, node)


def _still(run: Run, scope: Scope, node: Node, local: Mapping[str, Any]) -> bool:
    """Whether a standard loop goes on; its condition sees the counter of the round that has ended."""
    run.set_local(scope.id, {"loopCounter": local.get("loopCounter", Decimal(0)) + 1})
    return run.holds(node.loop_while, scope.id)


# Sub-processes


def begin_sub_process(run: Run, token: Token, node: Node) -> None:
    """Opens the scope of a sub-process and puts tokens at its starts."""
    scope = run.open_scope(token, ScopeKind.SUB_PROCESS)
    open_body(run, scope, node.inner)
    if node.type is not NodeType.AD_HOC and scope.id in run.scopes:
        run.later(settle, scope.id)


def open_body(run: Run, scope: Scope, body: Body) -> None:
    """Lets event sub-processes listen, and puts a token at every start of ``body``."""
    starts = [n.start_event for n in body.event_sub_processes]
    if starts:
        waiting.attach(run, scope.id, starts)
    if body.node is not None and body.node.type is NodeType.AD_HOC:
        return
    begin_at(run, scope, list(body.starts))


def begin_at(run: Run, scope: Scope, nodes: list[Node]) -> None:
    """Puts a token at each of ``nodes`` in ``scope``."""
    for node in nodes:
        token = run.put(node.name, scope.id)
        if len(nodes) > 1:
            run.tokens[token.id] = replace(token, thread=(token.id,))
        run.later(arrive, token.id)


def finish(run: Run, scope: Scope) -> None:
    """Completes a scope in which nothing is live any more."""
    match scope.kind:
        case ScopeKind.PROCESS:
            end_instance(run, InstanceStatus.COMPLETED)
        case ScopeKind.MULTI:
            _finish_rounds(run, scope)
        case ScopeKind.SUB_PROCESS:
            _finish_sub_process(run, scope)
        case ScopeKind.EVENT_SUB_PROCESS:
            run.log("completed", scope.node, scope.id)
            run.detach(scope.id)
            compensation.hand_up(run, scope)
            run.drop_scope(scope)
            run.later(settle, scope.parent)
        case ScopeKind.COMPENSATION:
            compensation.next_handler(run, scope)


def _finish_rounds(run: Run, scope: Scope) -> None:
    node = run.graph.nodes[scope.node]
    multi = node.definition.multi_instance
    results = list(scope.multi.results)
    run.forget(scope.id)
    token = run.close_scope(scope)
    if multi and multi.collect_into:
        run.set_variables(token.id, {multi.collect_into: results})
    leave_activity(run, token, node)


def _finish_sub_process(run: Run, scope: Scope) -> None:
    node = run.graph.nodes[scope.node]
    if node.type is NodeType.AD_HOC:
        check_ad_hoc(run, scope.id)
        return
    close_sub_process(run, scope, node)


def close_sub_process(run: Run, scope: Scope, node: Node) -> None:
    """A sub-process is done: its listeners end, it can be compensated, and its token goes on."""
    run.detach(scope.id, keep=lambda n: n in node.boundaries)
    compensation.pack(run, scope, node)
    token = run.close_scope(scope)
    complete(run, token, node)


def check_ad_hoc(run: Run, element: int) -> None:
    """Completes an ad-hoc sub-process if its condition holds (§13.3.5)."""
    scope = run.scopes.get(element)
    if scope is None:
        return
    node = run.graph.nodes[scope.node]
    if node.complete_when is None or not run.holds(node.complete_when, scope.id):
        return
    if node.definition.cancel_remaining:
        cancel_inside(run, scope.id)
    if run.live[scope.id] == 0:
        close_sub_process(run, run.scopes[scope.id], node)


# Cancelling and ending


def cancel(run: Run, element: int, reason: str = "") -> None:
    """Ends a token or a scope with all that is in it and attached to it, without going on from it."""
    token = run.tokens.get(element)
    if token is not None:
        cancel_work(run, token, reason)
        run.detach(element)
        clocks.stop(run, element, reason or "cancelled")
        run.take(token)
        run.log("cancelled", token.node, element, reason=reason)
        return
    scope = run.scopes[element]
    cancel_inside(run, element, reason)
    run.detach(element)
    clocks.stop(run, element, reason or "cancelled")
    run.drop_scope(scope)
    if scope.node:
        run.log("cancelled", scope.node, element, reason=reason)


def cancel_inside(run: Run, scope: int, reason: str = "", *, but: int = 0) -> None:
    """Cancels everything in a scope, except the token or scope ``but``."""
    for inner in [s.id for s in run.scopes.values() if s.parent == scope and s.id != but]:
        if inner in run.scopes:
            cancel(run, inner, reason)
    for token in [t.id for t in run.tokens.values() if t.scope == scope and t.id != but]:
        if token in run.tokens:
            cancel(run, token, reason)


def cancel_work(run: Run, token: Token, reason: str = "") -> None:
    """Ends the tasks, the service and the called process of a token."""
    for task in [t for t in run.tasks.values() if t.token == token.id]:
        del run.tasks[task.id]
        run.effects.append(TaskClosed(task=task, reason="cancelled", outcome=reason))
        run.log("task.cancelled", task.node, task.id, reason=reason)
    run.approvals.pop(token.id, None)
    node = run.graph.nodes[token.node]
    if token.status is TokenStatus.ACTIVE and node.type is NodeType.CALL_ACTIVITY:
        run.effects.append(ChildCancelled(token=token.id, node=node.name))
    elif token.status is TokenStatus.ACTIVE and node.type in _SERVICES:
        run.effects.append(ServiceCancelled(token=token.id, node=node.name))


def end_instance(run: Run, status: InstanceStatus, error: str = "") -> None:
    """Ends the instance; its process variables are kept, everything else is cancelled.

    A called process that did not complete is an error for its caller: ``error``, else ``process.<status>``.
    """
    if run.called and status is not InstanceStatus.COMPLETED:
        error = error or f"process.{status}"
    cancel_inside(run, ROOT, status)
    run.detach(ROOT)
    clocks.stop_all(run)
    run.scopes.clear()
    run.live.clear()
    run.queue.clear()
    run.incidents.clear()
    run.variables = {ROOT: run.variables[ROOT]} if ROOT in run.variables else {}
    run.status = status
    run.log(f"instance.{status}", error=error) if error else run.log(f"instance.{status}")
    run.effects.append(InstanceEnded(status=status, variables=run.variables.get(ROOT, {}), error=error))

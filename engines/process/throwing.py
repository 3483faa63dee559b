"""Events that are thrown, and who catches them (BPMN 2.0.2 §10.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engines.process import compensation, scopes, waiting
from engines.process.effects import EscalationRaised, MessageThrown, SignalThrown
from engines.process.graph import Node
from engines.process.kinds import EventKind, NodeType
from engines.process.moving import completed, settle
from engines.process.run import Run
from engines.process.state import Compensation, InstanceStatus, Scope, ScopeKind, Token


def payload(run: Run, token: Token, node: Node) -> dict[str, Any]:
    """What the event carries."""
    return {name: run.evaluate(expression, token.id) for name, expression in node.payload.items()}


def enter_throw(run: Run, token: Token, node: Node) -> None:
    """An intermediate or end event raises what it states, and its token goes on or ends."""
    run.log("entered", node.name, token.id)
    THROW[node.kind](run, token, node)


def _message(run: Run, token: Token, node: Node) -> None:
    send_message(run, token, node)
    completed(run, token, node)


def send_message(run: Run, token: Token, node: Node) -> None:
    """Lets the shell deliver the node's message."""
    key = run.evaluate(node.correlation, token.id) if node.correlation else None
    run.effects.append(
        MessageThrown(
            node=node.name,
            name=node.event.name,
            key="" if key is None else str(key),
            payload=payload(run, token, node),
        )
    )


def _signal(run: Run, token: Token, node: Node) -> None:
    carried = payload(run, token, node)
    run.effects.append(SignalThrown(node=node.name, name=node.event.name, payload=carried))
    waiting.receive_signal(run, node.event.name, carried)
    if token.id in run.tokens:
        completed(run, token, node)


def _link(run: Run, token: Token, node: Node) -> None:
    run.log("completed", node.name, token.id)
    moved = run.tokens[token.id] = replace(token, node=node.link.name, flow="")
    completed(run, moved, node.link)


def _terminate(run: Run, token: Token, node: Node) -> None:
    """Ends the enclosing scope at once; a sub-process goes on after it as if it were done (§13.5.6)."""
    run.log("completed", node.name, token.id)
    scope = run.scopes[token.scope]
    scopes.cancel_inside(run, scope.id, node.name, but=token.id)
    if scope.kind is ScopeKind.PROCESS:
        run.take(token)
        scopes.end_instance(run, InstanceStatus.COMPLETED)
        return
    run.detach(scope.id, keep=lambda n: n.type is NodeType.BOUNDARY_EVENT)
    run.take(token)
    run.later(settle, scope.id)


def _cancel(run: Run, token: Token, node: Node) -> None:
    """Cancels the transaction: everything in it ends, what was done in it is undone, then its cancel event goes on."""
    run.log("completed", node.name, token.id)
    scope = next(
        run.scopes[i]
        for i in run.chain(token.id)
        if i in run.scopes and run.scopes[i].node and run.graph.nodes[run.scopes[i].node].type is NodeType.TRANSACTION
        and run.scopes[i].kind is ScopeKind.SUB_PROCESS
    )  # fmt: skip
    scopes.cancel_inside(run, scope.id, node.name)
    run.detach(scope.id, keep=lambda n: n.kind is EventKind.CANCEL)
    entries = (*_of_other_instances(run, scope, node), *run.scopes[scope.id].compensations)
    run.scopes[scope.id] = replace(run.scopes[scope.id], compensations=())
    if entries:
        compensation.undo(run, scope.id, entries, resume=0)
    else:
        cancelled_transaction(run, scope)


def _of_other_instances(run: Run, scope: Scope, node: Node) -> list[Compensation]:
    """Cancels the other live instances of a multi-instance transaction; what was done in them is undone as well."""
    if run.scopes[scope.parent].kind is not ScopeKind.MULTI:
        return []
    others = [s for s in run.scopes.values() if s.parent == scope.parent and s.id != scope.id]
    entries = []
    for other in others:
        variables = dict(run.variables.get(other.id, {}))
        entries.append(Compensation(node=other.node, inner=other.compensations, variables=variables))
        scopes.cancel(run, other.id, node.name)
    return entries


def cancelled_transaction(run: Run, scope: Scope) -> None:
    """Goes on at the cancel boundary event of a transaction that was undone; without one the transaction just ends."""
    node = run.graph.nodes[scope.node]
    catching = next((b for b in node.boundaries if b.kind is EventKind.CANCEL), None)
    if catching is not None:
        waiting.leave_by_boundary(run, catching, _outermost(run, scope.id), {})
        return
    parent = scope.parent
    scopes.cancel(run, scope.id, "cancelled")
    run.later(settle, parent)


def _outermost(run: Run, element: int) -> int:
    """The element on which boundary events stand: the loop body around an instance, else itself."""
    around = run.parent_of(run.tokens.get(element) or run.scopes[element])
    if run.scopes[around].kind is ScopeKind.MULTI:
        return around
    return element


# Errors and escalations


def _error(run: Run, token: Token, node: Node) -> None:
    run.log("completed", node.name, token.id)
    carried = payload(run, token, node)
    code = node.event.name
    if raise_to_catcher(run, token.id, EventKind.ERROR, code, carried):
        return
    if run.called:
        scopes.end_instance(run, InstanceStatus.FAILED, error=code or node.name)
    else:
        run.fail(token, "process.uncaught_error", f"nothing catches the error {code!r} of {node.name}")


def throw_error(run: Run, element: int, code: str, variables: Mapping[str, Any]) -> bool:
    """Whoever works on ``element`` reports an error; whether something catches it."""
    return raise_to_catcher(run, element, EventKind.ERROR, code, variables)


def _escalation(run: Run, token: Token, node: Node) -> None:
    escalate(run, token.id, node.name, node.event.name, payload(run, token, node))
    if token.id in run.tokens:
        completed(run, token, node)


def escalate(run: Run, element: int, node: str, code: str, variables: Mapping[str, Any]) -> None:
    """Tells the nearest catching event; the shell tells the calling process when there is none."""
    if not raise_to_catcher(run, element, EventKind.ESCALATION, code, variables):
        run.log("escalation", node, element, code=code, caught=False)
        run.effects.append(EscalationRaised(node=node, code=code, payload=dict(variables)))


def raise_to_catcher(run: Run, element: int, kind: EventKind, code: str, variables: Mapping[str, Any]) -> bool:
    """Gives an error or escalation to the innermost event that catches its code; whether there was one (§13.5.3).

    From the inside out: boundary events of the activity itself, event sub-processes of the scope around it, boundary
    events of that scope, and so on. A code named is preferred to one that catches all.
    """
    inside = 0
    while element:
        owner = run.tokens.get(element) or run.scopes[element]
        if isinstance(owner, Scope) and owner.kind in (
            ScopeKind.PROCESS,
            ScopeKind.SUB_PROCESS,
            ScopeKind.EVENT_SUB_PROCESS,
        ):
            start = _catching_start(run, owner, kind, code, inside)
            if start is not None:
                run.log(kind, start.name, owner.id, code=code)
                waiting.start_event_sub_process(run, start, owner.id, variables)
                return True
        around = run.scopes.get(run.parent_of(owner))
        if owner.node and not (around and around.kind is ScopeKind.MULTI) and _has_boundaries(owner):
            catching = _matching(run.graph.nodes[owner.node].boundaries, kind, code)
            if catching is not None:
                run.log(kind, catching.name, owner.id, code=code)
                waiting.leave_by_boundary(run, catching, owner.id, variables)
                return True
        inside, element = element, run.parent_of(owner)
    return False


def _has_boundaries(owner: Token | Scope) -> bool:
    return isinstance(owner, Token) or owner.kind in (ScopeKind.SUB_PROCESS, ScopeKind.MULTI)


def _catching_start(run: Run, scope: Scope, kind: EventKind, code: str, inside: int) -> Node | None:
    """The start event of an event sub-process of ``scope`` that catches; not that of the one in which it was thrown."""
    body = run.graph.nodes[scope.node].inner if scope.node else run.graph.body
    thrower = run.scopes.get(inside)
    starts = [
        n.start_event
        for n in body.event_sub_processes
        if n.start_event and not (thrower and thrower.kind is ScopeKind.EVENT_SUB_PROCESS and thrower.node == n.name)
    ]
    return _matching(starts, kind, code)


def _matching(nodes: Iterable[Node], kind: EventKind, code: str) -> Node | None:
    found = None
    for node in nodes:
        if node.kind is kind and node.event is not None:
            if node.event.name == code:
                return node
            if not node.event.name and found is None:
                found = node
    return found


THROW = {
    EventKind.NONE: completed,
    EventKind.MESSAGE: _message,
    EventKind.SIGNAL: _signal,
    EventKind.ERROR: _error,
    EventKind.ESCALATION: _escalation,
    EventKind.COMPENSATION: compensation.throw,
    EventKind.LINK: _link,
    EventKind.TERMINATE: _terminate,
    EventKind.CANCEL: _cancel,
}

"""Undoing what was completed, in reverse order (BPMN 2.0.2 §13.5.5 Compensation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.process.graph import Node
from engines.process.kinds import EventKind, NodeType
from engines.process.moving import arrive, completed, settle
from engines.process.run import Run
from engines.process.state import ROOT, Compensation, Scope, ScopeKind, Token, TokenStatus


def remember(run: Run, token: Token, node: Node) -> None:
    """Notes that an activity can be undone by the handler on its compensation boundary event."""
    if node.compensated_by is not None:
        variables = dict(run.variables.get(token.id, {}))
        _note(run, token.scope, Compensation(node=node.name, handler=node.compensated_by.name, variables=variables))


def pack(run: Run, scope: Scope, node: Node) -> None:
    """Notes how a sub-process that is done can be undone: by its own handling, or by undoing what is inside.

    A handler on the boundary takes the place of both; it is noted by :func:`remember`.
    """
    own = _own_handling(node)
    inner = run.scopes[scope.id].compensations
    if node.compensated_by is None and (own or inner):
        variables = dict(run.variables.get(scope.id, {}))
        _note(
            run,
            scope.parent,
            Compensation(node=node.name, event_sub_process=own.name if own else "", inner=inner, variables=variables),
        )


def hand_up(run: Run, scope: Scope) -> None:
    """What was completed in an event sub-process can be undone from the scope around it."""
    if run.scopes[scope.parent].kind is ScopeKind.COMPENSATION:
        return
    for part in run.scopes[scope.id].compensations:
        _note(run, scope.parent, part)


def _own_handling(node: Node) -> Node | None:
    """The event sub-process with a compensation start event inside a sub-process."""
    for inner in node.inner.event_sub_processes:
        if inner.start_event.kind is EventKind.COMPENSATION:
            return inner
    return None


def _note(run: Run, scope: int, entry: Compensation) -> None:
    """Adds to the nearest scope that is no loop body and no compensation itself."""
    found = run.scopes[scope]
    while found.kind in (ScopeKind.MULTI, ScopeKind.COMPENSATION):
        found = run.scopes[found.parent]
    run.scopes[found.id] = replace(found, compensations=(*found.compensations, entry))


def throw(run: Run, token: Token, node: Node) -> None:
    """A compensation event is thrown: the token waits until what it names is undone (§10.5.5)."""
    scope, found = _addressed(run, token, node.event.name)
    if not found:
        completed(run, token, node)
        return
    run.tokens[token.id] = replace(token, status=TokenStatus.COMPENSATING)
    undo(run, scope, found, resume=token.id)


def _addressed(run: Run, token: Token, activity: str) -> tuple[int, tuple[Compensation, ...]]:
    """The scope in which to undo, and what; it is no longer noted there.

    Without an activity it is everything of the current scope, in an event sub-process of the scope around it as well.
    """
    for scope in (run.scopes[i] for i in run.chain(token.id) if i in run.scopes):
        wanted = tuple(c for c in scope.compensations if not activity or c.node == activity)
        if wanted:
            kept = tuple(c for c in scope.compensations if activity and c.node != activity)
            run.scopes[scope.id] = replace(scope, compensations=kept)
            return scope.id, wanted
        if not activity and scope.kind in (ScopeKind.SUB_PROCESS, ScopeKind.PROCESS):
            break
    return ROOT, ()


def undo(run: Run, scope: int, entries: Sequence[Compensation], *, resume: int) -> None:
    """Undoes ``entries`` one after the other, the last completed first, in a scope of their own."""
    thread = run.tokens[resume].thread if resume in run.tokens else ()
    opened = run.new_scope(scope, ScopeKind.COMPENSATION, queue=tuple(entries), resume=resume, thread=thread)
    next_handler(run, opened)


def next_handler(run: Run, scope: Scope) -> None:
    """Starts the next handler of a compensation, or ends it."""
    scope = run.scopes[scope.id]
    if not scope.queue:
        _done(run, scope)
        return
    *rest, entry = scope.queue
    run.scopes[scope.id] = replace(scope, queue=tuple(rest))
    run.log("compensating", entry.node, scope.id)
    if entry.handler:
        _run_handler(run, scope, entry)
        return
    inner = run.new_scope(scope.id, ScopeKind.COMPENSATION, queue=entry.inner)
    if entry.variables:
        run.set_local(inner.id, entry.variables)
    if entry.event_sub_process:
        run.scopes[inner.id] = replace(inner, queue=(), compensations=())
        _run_own_handling(run, inner, entry)
    else:
        next_handler(run, inner)


def _run_handler(run: Run, scope: Scope, entry: Compensation) -> None:
    token = run.put(entry.handler, scope.id)
    if entry.variables:
        run.set_local(token.id, entry.variables)
    run.later(arrive, token.id)


def _run_own_handling(run: Run, scope: Scope, entry: Compensation) -> None:
    """Runs the event sub-process that undoes its sub-process; what was completed inside can be undone from it."""
    node = run.graph.nodes[entry.event_sub_process]
    opened = run.new_scope(scope.id, ScopeKind.EVENT_SUB_PROCESS, node.name, compensations=entry.inner)
    run.log("entered", node.name, opened.id)
    token = run.put(node.start_event.name, opened.id)
    completed(run, token, node.start_event)


def _done(run: Run, scope: Scope) -> None:
    """The compensation is over: who waits for it goes on."""
    run.drop_scope(scope)
    if scope.resume:
        token = run.tokens.get(scope.resume)
        if token is not None:
            token = run.tokens[token.id] = replace(token, status=TokenStatus.ACTIVE)
            completed(run, token, run.graph.nodes[token.node])
        else:
            run.later(settle, scope.parent)
        return
    around = run.scopes[scope.parent]
    if around.kind is ScopeKind.COMPENSATION:
        next_handler(run, around)
    elif around.node and run.graph.nodes[around.node].type is NodeType.TRANSACTION:
        from engines.process.throwing import cancelled_transaction

        cancelled_transaction(run, around)

"""One step of an instance: ``step(graph, state, event, context)``, pure and deterministic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from engines.core import StateConflict
from engines.process import clocks, people, scopes, sla, throwing, waiting
from engines.process import events as e
from engines.process.behaviours import take_result
from engines.process.context import StepContext
from engines.process.effects import Effect, HistoryEntry, TimerCancelled, TimerSet
from engines.process.graph import CompiledProcess, Node
from engines.process.kinds import ACTIVITIES, NodeType
from engines.process.moving import arrive, fire_inclusive, settle
from engines.process.run import Run
from engines.process.state import ROOT, InstanceState, InstanceStatus, ScopeKind, Timer, Token, TokenStatus
from engines.process.verbs import VERBS


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step led to."""

    state: InstanceState
    # What the shell is to do, in order.
    effects: tuple[Effect, ...]
    # Rows for the append-only history, in order.
    history: tuple[HistoryEntry, ...]


def step(graph: CompiledProcess, state: InstanceState, event: e.ProcessEvent, context: StepContext) -> StepResult:
    """The state after ``event``, with the effects and history rows that it caused; ``state`` itself is unchanged.

    Raises ``StateConflict`` when it is too late or impossible (the task is closed, nobody waits for the message, the
    instance is over), ``InputError`` when a completion lacks what the step asks for, ``AccessDenied`` when the actor
    has no part in the task, ``BudgetExceeded`` when it moves in a circle without waiting. Then nothing happened.
    """
    run = Run(graph, state, context)
    run.finish = scopes.finish
    _admit(run, event)
    HANDLERS[type(event)](run, event)
    advance(run)
    clocks.settle(run)
    return StepResult(state=run.freeze(), effects=tuple(run.effects), history=tuple(run.history))


def advance(run: Run) -> None:
    """Moves tokens until all wait; then inclusive joins and conditional events may have become ready."""
    while True:
        run.drain()
        if run.status is not InstanceStatus.RUNNING:
            return
        if run.graph.inclusive and fire_inclusive(run):
            continue
        if run.graph.conditional and (run.variables_changed or run.fresh_conditions) and waiting.fire_conditions(run):
            continue
        if not run.queue:
            return


def _admit(run: Run, event: e.ProcessEvent) -> None:
    """Refuses what cannot happen to the instance as it stands."""
    if isinstance(event, e.Start):
        if run.status is not InstanceStatus.CREATED:
            raise StateConflict("process.started_already")
        return
    if run.status is not InstanceStatus.RUNNING:
        raise StateConflict("process.instance_is_over", status=str(run.status))
    if run.suspended and not isinstance(event, (e.Resume, e.Cancel)):
        raise StateConflict("process.suspended")


# The life of an instance


def _start(run: Run, event: e.Start) -> None:
    run.status = InstanceStatus.RUNNING
    run.initiator = event.initiator
    run.called = event.called
    run.choices = dict(event.choices)
    nodes = _begin_nodes(run, event.node)
    scope = run.new_scope(0, ScopeKind.PROCESS)
    run.log("instance.started", nodes[0].name if len(nodes) == 1 else "", scope.id)
    run.set_local(ROOT, event.variables)
    for name, default in run.graph.defaults:
        if name not in run.variables.get(ROOT, {}):
            run.set_local(ROOT, {name: run.evaluate(default, ROOT) if default else None})
    starts = [n.start_event for n in run.graph.body.event_sub_processes]
    waiting.attach(run, scope.id, starts)
    scopes.begin_at(run, scope, nodes)


def _begin_nodes(run: Run, name: str) -> list[Node]:
    """Where the instance begins: at the named start event, else at the plain ones."""
    body = run.graph.body
    if not name:
        if not body.starts:
            raise StateConflict("process.no_plain_start", process=run.graph.name)
        return list(body.starts)
    node = run.graph.nodes.get(name)
    if node is None or node.body is not body or (node.type is not NodeType.START_EVENT and node not in body.starts):
        raise StateConflict("process.no_such_start", process=run.graph.name, node=name)
    return [node]


def _cancel(run: Run, event: e.Cancel) -> None:
    run.log("cancel", reason=event.reason)
    scopes.end_instance(run, InstanceStatus.CANCELLED)


def _suspend(run: Run, event: e.Suspend) -> None:
    """Nothing happens to a suspended instance: clocks stand, and timers that come due wait for it to go on."""
    run.suspended = True
    run.log("suspended")
    clocks.hold_all(run, "suspended")
    run.effects += [TimerCancelled(timer=timer) for timer in run.timers.values()]


def _resume(run: Run, event: e.Resume) -> None:
    run.suspended = False
    run.log("resumed")
    run.effects += [TimerSet(timer=timer) for timer in run.timers.values()]
    clocks.release_all(run, "suspended")


# What comes from outside


def _timer_fired(run: Run, event: e.TimerFired) -> None:
    timer = run.timers.get(event.timer)
    if timer is None:
        raise StateConflict("process.timer_is_over", timer=event.timer)
    if timer.purpose == "retry":
        del run.timers[timer.id]
        run.later(scopes.begin, timer.owner)
    elif timer.purpose == "sla":
        sla.fire(run, timer)
    else:
        waiting.fire_timer(run, timer)


def _message(run: Run, event: e.MessageReceived) -> None:
    waiting.receive_message(run, event.name, event.key, event.subscription, event.variables)


def _signal(run: Run, event: e.SignalReceived) -> None:
    waiting.receive_signal(run, event.name, event.variables)


def _variables(run: Run, event: e.VariablesSet) -> None:
    if event.scope and event.scope not in run.scopes and event.scope not in run.tokens:
        raise StateConflict("process.no_such_scope", scope=event.scope)
    run.log("variables", "", event.scope or ROOT, variables=dict(event.variables))
    if event.scope:
        run.set_local(event.scope, event.variables)
    else:
        run.set_variables(ROOT, event.variables)


def _data_changed(run: Run, event: e.DataChanged) -> None:
    run.variables_changed = True


# Work that was given out


def _waiting_token(run: Run, token: int, *types: NodeType) -> tuple[Token, Node]:
    """The token at work and its node; a ``StateConflict`` where it is gone, stopped or somewhere else."""
    found = run.tokens.get(token)
    node = run.graph.nodes[found.node] if found else None
    if found is None or node is None or found.status is not TokenStatus.ACTIVE or (types and node.type not in types):
        raise StateConflict("process.nobody_waits", token=token)
    return found, node


def _service_done(run: Run, event: e.ServiceDone) -> None:
    token, node = _waiting_token(run, event.token, NodeType.SERVICE_TASK, NodeType.SEND_TASK)
    take_result(run, token, node, event.result)
    scopes.complete(run, token, node)


def _service_failed(run: Run, event: e.ServiceFailed) -> None:
    """A BPMN error goes to who catches it; other failures are tried again, in the end they are an incident."""
    token, node = _waiting_token(run, event.token, NodeType.SERVICE_TASK, NodeType.SEND_TASK)
    run.log("service.failed", node.name, token.id, message=event.message, code=event.code, attempt=token.tries + 1)
    if event.code and throwing.throw_error(run, token.id, event.code, {}):
        return
    retry = node.definition.retry
    if event.retryable and not event.code and token.tries < retry.times:
        seconds = retry.wait_s * 2**token.tries
        run.tokens[token.id] = replace(token, tries=token.tries + 1)
        due = run.context.later(timedelta(seconds=seconds))
        run.add_timer(Timer(id=run.new_id(), node=node.name, owner=token.id, due=due, purpose="retry"))
        return
    run.fail(token, "process.service_failed", event.message)


def _child_ended(run: Run, event: e.ChildEnded) -> None:
    """The called process is done; without ``output`` all of its variables are taken back."""
    token, node = _waiting_token(run, event.token, NodeType.CALL_ACTIVITY)
    if node.output is None:
        run.set_variables(token.id, event.variables)
    else:
        seen = {**run.values(token.id), **event.variables}
        feel = run.context.feel()
        run.set_variables(token.id, {name: ex.value(seen, feel) for name, ex in node.output.items()})
    scopes.complete(run, token, node)


def _child_failed(run: Run, event: e.ChildFailed) -> None:
    token, node = _waiting_token(run, event.token, NodeType.CALL_ACTIVITY)
    _throw_at(run, token, node, event.code, event.variables)


def _throw_at(run: Run, token: Token, node: Node, code: str, variables: Any) -> None:
    """An error of whoever works on an activity; uncaught it ends a called process, else it is an incident."""
    if throwing.throw_error(run, token.id, code, variables):
        return
    if run.called:
        scopes.end_instance(run, InstanceStatus.FAILED, error=code)
    else:
        run.fail(token, "process.uncaught_error", f"nothing catches the error {code!r} of {node.name}")


def _child_escalated(run: Run, event: e.ChildEscalated) -> None:
    token, node = _waiting_token(run, event.token, NodeType.CALL_ACTIVITY)
    throwing.escalate(run, token.id, node.name, event.code, event.variables)


def _element_of(run: Run, event: e.ErrorThrown | e.EscalationThrown) -> tuple[Token, Node]:
    if event.task:
        task = people.task_of(run, event.task)
        people.check_actor(run, task, "throw_error")
        return _waiting_token(run, task.token)
    return _waiting_token(run, event.token)


def _error(run: Run, event: e.ErrorThrown) -> None:
    token, node = _element_of(run, event)
    _throw_at(run, token, node, event.code, event.variables)


def _escalation(run: Run, event: e.EscalationThrown) -> None:
    token, node = _element_of(run, event)
    throwing.escalate(run, token.id, node.name, event.code, event.variables)


# Ad-hoc sub-processes


def _activity_started(run: Run, event: e.ActivityStarted) -> None:
    """Starts an activity of an ad-hoc sub-process: one without incoming flow, alone where one at a time is allowed."""
    for scope in run.scopes.values():
        node = run.graph.nodes.get(scope.node)
        if node is None or node.type is not NodeType.AD_HOC or scope.kind is not ScopeKind.SUB_PROCESS:
            continue
        found = next((n for n in startable(node) if n.name == event.activity), None)
        if found is None or event.scope not in (0, scope.id):
            continue
        if node.definition.sequential and run.live[scope.id]:
            raise StateConflict("process.one_at_a_time", node=node.name)
        token = run.put(found.name, scope.id)
        run.tokens[token.id] = replace(token, thread=(token.id,))
        run.later(arrive, token.id)
        return
    raise StateConflict("process.not_startable", activity=event.activity)


def startable(node: Node) -> list[Node]:
    """Activities that people may start in an ad-hoc sub-process."""
    return [n for n in node.inner.starts if n.type in ACTIVITIES]


def _ad_hoc_completed(run: Run, event: e.AdHocCompleted) -> None:
    for scope in run.scopes.values():
        if scope.node == event.node and scope.kind is ScopeKind.SUB_PROCESS and event.scope in (0, scope.id):
            node = run.graph.nodes[event.node]
            if node.type is NodeType.AD_HOC:
                scopes.cancel_inside(run, scope.id, "completed")
                scopes.close_sub_process(run, run.scopes[scope.id], node)
                return
    raise StateConflict("process.not_startable", activity=event.node)


# Admins


def _retry(run: Run, event: e.Retry) -> None:
    """Tries again what led to an incident, with the variables of now."""
    incident = run.incidents.pop(event.incident, None)
    if incident is None:
        raise StateConflict("process.no_such_incident", incident=event.incident)
    token = run.tokens[incident.token]
    node = run.graph.nodes[token.node]
    run.tokens[token.id] = replace(token, status=TokenStatus.ACTIVE, tries=0)
    run.log("retry", node.name, token.id)
    if incident.code == "process.uncaught_error" and node.type in ACTIVITIES:
        # Somebody outside reported it; the work itself is begun again.
        scopes.cancel_work(run, run.tokens[token.id], "retry")
    if node.type in ACTIVITIES and incident.code != "process.no_time":
        run.later(scopes.begin, token.id)
    else:
        run.detach(token.id)
        run.later(arrive, token.id)


def _move_token(run: Run, event: e.MoveToken) -> None:
    """Puts a token (or a sub-process as a whole) at another node of the same scope."""
    element = run.tokens.get(event.token) or run.scopes.get(event.token)
    target = run.graph.nodes.get(event.to)
    if element is None or not element.node or target is None or run.node_of(element).body is not target.body:
        raise StateConflict("process.cannot_move", token=event.token, to=event.to)
    scope = run.parent_of(element)
    if run.scopes[scope].kind is ScopeKind.MULTI:
        raise StateConflict("process.cannot_move", token=event.token, to=event.to)
    run.log("moved", element.node, element.id, to=event.to, reason=event.reason)
    scopes.cancel(run, element.id, "moved")
    token = run.put(target.name, scope, thread=element.thread)
    run.later(arrive, token.id)
    run.later(settle, scope)


HANDLERS: dict[type[Any], Callable[[Run, Any], None]] = {
    e.Start: _start,
    e.CompleteTask: people.complete_task,
    e.TimerFired: _timer_fired,
    e.MessageReceived: _message,
    e.SignalReceived: _signal,
    e.ErrorThrown: _error,
    e.EscalationThrown: _escalation,
    e.VariablesSet: _variables,
    e.DataChanged: _data_changed,
    e.ActivityStarted: _activity_started,
    e.AdHocCompleted: _ad_hoc_completed,
    e.ServiceDone: _service_done,
    e.ServiceFailed: _service_failed,
    e.ChildEnded: _child_ended,
    e.ChildFailed: _child_failed,
    e.ChildEscalated: _child_escalated,
    e.Cancel: _cancel,
    e.Suspend: _suspend,
    e.Resume: _resume,
    e.Retry: _retry,
    e.MoveToken: _move_token,
    e.PauseClock: sla.pause_by_person,
    e.ResumeClock: sla.resume_by_person,
    **VERBS,
}

"""What people do with tasks besides completing them; docs/process.md states the token semantics of each verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from engines.core import AccessDenied, StateConflict
from engines.process import events as e
from engines.process import people, scopes
from engines.process.effects import TaskCopied, TaskReminded
from engines.process.moving import arrive
from engines.process.people import change, check_actor, close_task, settings, task_of
from engines.process.run import Run
from engines.process.state import Approval, InstanceStatus, Passed, Scope, ScopeKind, Task, TaskStatus, Token


def _check(run: Run, task: Task, verb: str) -> None:
    """Refuses people without part in the task, and verbs that the step does not allow."""
    check_actor(run, task, verb)
    allowed = settings(run.graph.nodes[task.node]).verbs
    if run.context.actor_id is not None and allowed is not None and verb not in allowed:
        raise AccessDenied(verb, task.node)


def _log(run: Run, task: Task, verb: str, comment: str = "", **data: Any) -> None:
    run.log(f"task.{verb}", task.node, task.id, **({"comment": comment} if comment else {}), **data)


# Who has the task


def claim(run: Run, event: e.ClaimTask) -> None:
    """A candidate takes the task; a ``StateConflict`` says who was faster."""
    task = task_of(run, event.task)
    actor = run.context.actor_id
    if actor is None:
        raise AccessDenied("claim", task.node)
    _check(run, task, "claim")
    if task.assignee is None:
        change(run, task, "claim", assignee=actor)
        _log(run, task, "claim")


def release(run: Run, event: e.ReleaseTask) -> None:
    """The task goes back to its candidates; refused where it has none."""
    task = task_of(run, event.task)
    _check(run, task, "release")
    if task.assignee is None or not (task.people or task.roles):
        raise StateConflict("process.not_claimed", task=task.id)
    change(run, task, "release", assignee=None)
    _log(run, task, "release")


def assign(run: Run, event: e.AssignTask) -> None:
    """An admin gives the task to somebody; the shell has checked that it is an admin."""
    task = task_of(run, event.task)
    change(run, task, "assign", assignee=event.to, owner=None)
    _log(run, task, "assign", event.comment, to=event.to)


def transfer(run: Run, event: e.TransferTask) -> None:
    """The task is handed over for good."""
    task = task_of(run, event.task)
    _check(run, task, "transfer")
    _refuse_twice(run, task, [event.to])
    change(run, task, "transfer", assignee=event.to)
    _log(run, task, "transfer", event.comment, to=event.to)


def delegate(run: Run, event: e.DelegateTask) -> None:
    """Somebody else works on the task; it comes back by :func:`resolve`."""
    task = task_of(run, event.task)
    _check(run, task, "delegate")
    owner = task.owner or task.assignee or run.context.actor_id
    if owner is None or owner == event.to:
        raise StateConflict("process.cannot_delegate", task=task.id)
    change(run, task, "delegate", assignee=event.to, owner=owner)
    _log(run, task, "delegate", event.comment, to=event.to)


def resolve(run: Run, event: e.ResolveTask) -> None:
    """The delegate is done; the owner has the task again and completes it."""
    task = task_of(run, event.task)
    check_actor(run, task, "resolve")
    if task.owner is None:
        raise StateConflict("process.not_delegated", task=task.id)
    change(run, task, "resolve", assignee=task.owner, owner=None)
    _log(run, task, "resolve", event.comment)


def hand_over(run: Run, event: e.HandOver) -> None:
    """All open tasks of one person, whatever their part in them, go to another; so may the part of the initiator."""
    if event.initiator and run.initiator == event.person:
        run.initiator = event.to
        run.log("initiator", person=event.person, to=event.to, comment=event.comment)
    if event.tasks:
        _hand_tasks_over(run, event)


def _hand_tasks_over(run: Run, event: e.HandOver) -> None:

    def swapped(people: Iterable[UUID]) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(event.to if p == event.person else p for p in people))

    for task in list(run.tasks.values()):
        if event.person in (task.assignee, task.owner, *task.people, *task.after):
            assignee, owner = (event.to if p == event.person else p for p in (task.assignee, task.owner))
            owner = None if owner == assignee else owner
            after, candidates = swapped(task.after), swapped(task.people)
            change(run, task, "hand_over", assignee=assignee, owner=owner, people=candidates, after=after)
            _log(run, task, "hand_over", event.comment, person=event.person, to=event.to)
    for approval in list(run.approvals.values()):
        if event.person in approval.queue:
            run.approvals[approval.token] = replace(approval, queue=swapped(approval.queue))


# More or fewer people


def add_approvers(run: Run, event: e.AddApprovers) -> None:
    """People decide before, after or beside whoever has the task."""
    task = task_of(run, event.task)
    _check(run, task, "add_approvers")
    _refuse_twice(run, task, event.people)
    token = run.tokens[task.token]
    node = run.graph.nodes[task.node]
    match event.where:
        case "before":
            for person in event.people:
                people.add_task(run, token, node, assignee=person, added_to=task.id, added_by=run.context.actor_id)
            change(run, task, "added_before", status=TaskStatus.WAITING)
        case "after":
            change(run, task, "added_after", after=(*event.people, *task.after))
        case "beside":
            _add_beside(run, token, task, event.people)
        case _:
            raise StateConflict("process.unknown_place", where=event.where)
    _log(run, task, "add_approvers", event.comment, people=list(event.people), where=event.where)


def _add_beside(run: Run, token: Token, task: Task, added: tuple[UUID, ...]) -> None:
    """People join the countersigning; a task that one person decides becomes one that all decide."""
    approval = run.approvals.get(token.id) or Approval(token=token.id, mode="all", total=1)
    approval = replace(approval, total=approval.total + len(added))
    if approval.mode == "sequential":
        run.approvals[token.id] = replace(approval, queue=(*added, *approval.queue))
        return
    run.approvals[token.id] = approval
    for person in added:
        people.add_task(run, token, run.graph.nodes[task.node], assignee=person, added_by=run.context.actor_id)


def _refuse_twice(run: Run, task: Task, added: Iterable[UUID]) -> None:
    """Refuses people who take part in this step already."""
    approval = run.approvals.get(task.token)
    there = {t.assignee for t in run.tasks.values() if t.token == task.token}
    there |= {*task.after, *(approval.queue if approval else ())}
    there |= {v.by for v in approval.votes} if approval else set()
    for person in added:
        if person in there:
            raise StateConflict("process.takes_part_already", task=task.id, person=person)


def remove_approver(run: Run, event: e.RemoveApprover) -> None:
    """Takes somebody who has not voted out of a countersigning; only whoever added that person, or the system, may.

    The last one cannot be taken out.
    """
    task = task_of(run, event.task)
    actor = run.context.actor_id
    if actor is not None and actor != task.added_by:
        raise AccessDenied("remove_approver", task.node)
    approval = run.approvals.get(task.token)
    if approval is None or approval.total < 2:
        raise StateConflict("process.last_approver", task=task.id)
    close_task(run, task, "removed", event.comment)
    approval = run.approvals[task.token] = replace(approval, total=approval.total - 1)
    token = run.tokens[task.token]
    node = run.graph.nodes[task.node]
    decided = people.decision(node, approval) if approval.votes else None
    if decided is not None:
        people.decide(run, token, node, decided.outcome, decided.comment, decided.by)
    elif approval.queue and approval.mode == "sequential":
        people.next_in_turn(run, token, node)


# Information


def remind(run: Run, event: e.RemindTask) -> None:
    """Asks the people of a task to hurry; refused within the brake's time after the last reminder."""
    task = task_of(run, event.task)
    now = run.context.now
    if task.reminded_at is not None and now < task.reminded_at + timedelta(seconds=event.brake_s):
        raise StateConflict("process.reminded_already", task=task.id, at=task.reminded_at)
    task = change(run, task, "remind", reminded_at=now)
    run.effects.append(TaskReminded(task=task, comment=event.comment))
    _log(run, task, "remind", event.comment)


def copy(run: Run, event: e.CopyTask) -> None:
    """People get the task for information."""
    task = task_of(run, event.task)
    _check(run, task, "copy")
    run.effects.append(TaskCopied(task=task, people=event.people, comment=event.comment))
    _log(run, task, "copy", event.comment, people=list(event.people))


def comment(run: Run, event: e.CommentTask) -> None:
    """A comment is written to the history."""
    named = {"people": list(event.people)} if event.people else {}
    _log(run, task_of(run, event.task), "comment", event.comment, **named)


# Going back


def send_back(run: Run, event: e.ReturnTask) -> None:
    """The step is returned: to a passed step, everything since then is gone through again, or straight back to here."""
    task = task_of(run, event.task)
    _check(run, task, "return")
    token = run.tokens[task.token]
    target = _target(run, token, event.to)
    if event.back_to_me:
        _go_and_come_back(run, token, task, target, event)
        return
    _require_way_back(run, token, target)
    _log(run, task, "return", event.comment, to=target.node, back_to_me=False)
    _restart_from(run, target, target.by)


def _target(run: Run, token: Token, to: str) -> Passed:
    """The passed step that is meant."""
    scopes_around = set(run.chain(token.id))
    passed = [p for p in run.passed.values() if p.scope in scopes_around and p.node != token.node]
    if to == "initiator":
        passed = [p for p in passed if run.initiator is not None and p.by == run.initiator]
    elif to == "previous":
        passed = [max(passed, key=lambda p: p.serial)] if passed else []
    else:
        passed = [p for p in passed if p.node == to]
    if not passed:
        raise StateConflict("process.no_step_to_return_to", to=to)
    return min(passed, key=lambda p: p.serial)


def _element_in(run: Run, token: Token, scope: int) -> Token | Scope:
    """The token itself, or the sub-process around it, that lives directly in ``scope``."""
    element: Token | Scope = token
    while run.parent_of(element) != scope:
        element = run.scopes[run.parent_of(element)]
    return element


def _require_way_back(run: Run, token: Token, target: Passed) -> None:
    """Refuses a return into a parallel branch that has been joined: its join would wait for ever."""
    element = _element_in(run, token, target.scope)
    if element.thread[: len(target.thread)] != target.thread:
        raise StateConflict("process.branch_is_joined", to=target.node)


def _restart_from(run: Run, target: Passed, person: UUID | None) -> None:
    """Cancels all that has come out of a passed step, forgets the steps after it, and opens it again."""
    length = len(target.thread)
    elements: list[Token | Scope] = [*run.scopes.values(), *run.tokens.values()]
    for element in elements:
        inside = run.parent_of(element) == target.scope and element.thread[:length] == target.thread
        event_driven = isinstance(element, Scope) and element.kind not in _RETURNABLE
        if inside and not event_driven and (element.id in run.tokens or element.id in run.scopes):
            scopes.cancel(run, element.id, "returned")
    for later in [p for p in run.passed.values() if p.serial >= target.serial and _belongs(run, p, target)]:
        del run.passed[later.node]
    token = run.put(target.node, target.scope, thread=target.thread)
    run.tokens[token.id] = replace(token, again=person)
    run.later(arrive, token.id)


_RETURNABLE = frozenset({ScopeKind.SUB_PROCESS, ScopeKind.MULTI})


def _belongs(run: Run, passed: Passed, target: Passed) -> bool:
    """Whether a step was passed in what came out of ``target``."""
    if passed.scope != target.scope:
        return passed.scope not in run.scopes or target.scope in set(run.chain(passed.scope))
    return passed.thread[: len(target.thread)] == target.thread


def _go_and_come_back(run: Run, token: Token, task: Task, target: Passed, event: e.ReturnTask) -> None:
    """Only this token goes back; parallel branches stay, and it returns to this step directly."""
    if token.scope != target.scope:
        raise StateConflict("process.other_scope", to=target.node)
    _log(run, task, "return", event.comment, to=target.node, back_to_me=True)
    back_to = token.node
    run.serial += 1
    run.passed[token.node] = Passed(
        node=token.node, scope=token.scope, thread=token.thread, by=run.context.actor_id or task.assignee,
        serial=run.serial,
    )  # fmt: skip
    scopes.cancel(run, token.id, "returned")
    sent = run.put(target.node, token.scope, thread=token.thread, back_to=back_to)
    run.tokens[sent.id] = replace(sent, again=target.by)
    run.later(arrive, sent.id)


def take_back(run: Run, event: e.TakeBack) -> None:
    """Whoever completed a step last gets it again, as long as nobody has acted after it."""
    passed = run.passed.get(event.node)
    if passed is None or passed.scope not in run.scopes:
        raise StateConflict("process.step_is_over", node=event.node)
    actor = run.context.actor_id
    if actor is not None and passed.by != actor:
        raise AccessDenied("take_back", event.node)
    later = [p for p in run.passed.values() if p.serial > passed.serial and _belongs(run, p, passed)]
    if later:
        raise StateConflict("process.acted_already", node=later[0].node, by=later[0].by)
    after = _live_after(run, passed)
    voted = [a for a in run.approvals.values() if a.token in after and a.votes]
    if not after or voted:
        raise StateConflict("process.acted_already", node=event.node, by=voted[0].votes[0].by if voted else None)
    run.log("task.take_back", event.node, 0, comment=event.comment)
    _restart_from(run, passed, passed.by)


def _live_after(run: Run, passed: Passed) -> set[int]:
    """Tokens that came out of a passed step."""
    found = set()
    for token in run.tokens.values():
        if passed.scope in run.chain(token.id):
            element = _element_in(run, token, passed.scope)
            if element.thread[: len(passed.thread)] == passed.thread:
                found.add(token.id)
    return found


def withdraw(run: Run, event: e.Withdraw) -> None:
    """The initiator ends the instance, as long as nobody else has acted in it."""
    actor = run.context.actor_id
    if actor is not None and actor != run.initiator:
        raise AccessDenied("withdraw", run.graph.name)
    acted: list[UUID | None] = [p.by for p in run.passed.values() if p.by not in (None, run.initiator)]
    acted += [v.by for a in run.approvals.values() for v in a.votes if v.by != run.initiator]
    if acted:
        raise StateConflict("process.acted_already", by=acted[0])
    run.log("withdraw", comment=event.comment)
    scopes.end_instance(run, InstanceStatus.WITHDRAWN)


VERBS: dict[type[Any], Callable[[Run, Any], None]] = {
    e.ClaimTask: claim,
    e.ReleaseTask: release,
    e.AssignTask: assign,
    e.TransferTask: transfer,
    e.DelegateTask: delegate,
    e.ResolveTask: resolve,
    e.HandOver: hand_over,
    e.AddApprovers: add_approvers,
    e.RemoveApprover: remove_approver,
    e.RemindTask: remind,
    e.CopyTask: copy,
    e.CommentTask: comment,
    e.ReturnTask: send_back,
    e.TakeBack: take_back,
    e.Withdraw: withdraw,
}

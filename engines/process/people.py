"""User tasks: opening them for people, counting their decisions, completing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.core import AccessDenied, InputError, InputProblem, StateConflict
from engines.process import assigning, clocks, scopes, timers
from engines.process.definition import OutcomeDefinition, UserTaskDefinition
from engines.process.effects import TaskChanged, TaskClosed, TaskOpened
from engines.process.events import CompleteTask
from engines.process.graph import Node
from engines.process.moving import arrive
from engines.process.run import Run
from engines.process.state import Approval, Passed, Task, TaskStatus, Token, Vote

_PLAIN = UserTaskDefinition()
PRIORITIES = ("low", "normal", "high", "urgent")


def settings(node: Node) -> UserTaskDefinition:
    """What the definition says about a user task."""
    return node.definition.user_task or _PLAIN


# Opening


def open_task(run: Run, token: Token, node: Node) -> None:
    """Opens the task, or one for each approver, for the people that the assignment finds."""
    wanted = settings(node)
    found = assigning.Found(people=(token.again,)) if token.again else _found(run, token, node)
    if found is None:
        return
    if wanted.approval.mode == "one" or token.again:
        _open_for_one(run, token, node, found)
    else:
        _open_for_many(run, token, node, found)


def _found(run: Run, token: Token, node: Node) -> assigning.Found | None:
    """Whom the task is for; None where nobody is found and the step's rule for that has been followed."""
    assignment = settings(node).assignment
    found = assigning.resolve(run, token.id, node, "assignment", assignment)
    run.log("assigned", node.name, token.id, people=list(found.people), roles=list(found.roles))
    if found or assignment == assigning.NO_ASSIGNMENT:
        return found
    if assignment.nobody == "skip":
        decide(run, token, node, _first_positive(node), "", None, automatic=True)
        return None
    instead = assigning.for_nobody(run, assignment.nobody)
    if not instead:
        run.fail(token, "process.nobody_found", f"nobody is found for {node.name}")
        return None
    run.log("assigned.instead", node.name, token.id, people=list(instead.people), roles=list(instead.roles))
    return instead


def _open_for_one(run: Run, token: Token, node: Node, found: assigning.Found) -> None:
    wanted = settings(node)
    alone = found.people[0] if len(found.people) == 1 and not found.roles else None
    chosen = alone
    if chosen is None and wanted.assignment.distribute:
        chosen = assigning.distributed(run, node, wanted.assignment, assigning.everybody(run, found))
    if chosen is not None and _decides_itself(run, node, chosen):
        decide(run, token, node, _first_positive(node), "", chosen, automatic=True)
        return
    add_task(run, token, node, assignee=chosen, people=() if alone else found.people, roles=found.roles)


def _open_for_many(run: Run, token: Token, node: Node, found: assigning.Found) -> None:
    people = assigning.everybody(run, found)
    if not people:
        run.fail(token, "process.nobody_found", f"nobody is found for {node.name}")
        return
    wanted = settings(node).approval
    ratio = str(run.evaluate(node.ratio, token.id)) if node.ratio else ""
    queue = people if wanted.mode == "sequential" else ()
    approval = Approval(token=token.id, mode=wanted.mode, total=len(people), ratio=ratio, queue=queue)
    run.approvals[token.id] = approval
    if queue:
        next_in_turn(run, token, node)
        return
    for person in people:
        if token.id in run.approvals:
            _ask(run, token, node, person)


def _ask(run: Run, token: Token, node: Node, person: UUID) -> None:
    """Opens a task for one approver, or votes for somebody who need not be asked."""
    if _decides_itself(run, node, person):
        given = Vote(
            by=person,
            outcome=_first_positive(node),
            at=run.context.now,
            automatic=True,
            seen=run.context.subject_version,
        )
        vote(run, token, node, given)
    else:
        add_task(run, token, node, assignee=person)


def next_in_turn(run: Run, token: Token, node: Node) -> None:
    """Asks the next person of a sequential approval."""
    approval = run.approvals[token.id]
    person, *rest = approval.queue
    run.approvals[token.id] = replace(approval, queue=tuple(rest))
    _ask(run, token, node, person)


def _decides_itself(run: Run, node: Node, person: UUID) -> bool:
    """Whether the step approves by itself for somebody who has approved before, or who started the process."""
    wanted = settings(node).approval
    if has_standard(node):
        return False
    if wanted.own == "approve" and person == run.initiator:
        return True
    now = run.context.subject_version
    return wanted.repeated == "approve" and any(person in p.approvers and p.seen == now for p in run.passed.values())


def has_standard(node: Node) -> bool:
    """Whether somebody has to tick or fill something before the step counts: then it is never decided by itself."""
    wanted = settings(node)
    signed = wanted.signature == "required"
    return bool(wanted.checklist or wanted.requires or signed or any(field.required for field in wanted.fields))


def add_task(run: Run, token: Token, node: Node, **more: Any) -> Task:
    """Opens one task at a token and tells the shell."""
    wanted = settings(node)
    task = Task(
        id=run.new_id(),
        token=token.id,
        node=node.name,
        created_at=run.context.now,
        priority=_priority(run, token, node),
        due_at=_due(run, token, node),
        **more,
    )
    run.tasks[task.id] = task
    copies = assigning.resolve(run, token.id, node, "copy", wanted.copy) if wanted.copy else assigning.Found()
    run.effects.append(
        TaskOpened(
            task=task,
            label=node.definition.label,
            form=wanted.form,
            layout=wanted.layout,
            outcomes=wanted.outcomes,
            fields=wanted.fields,
            checklist=wanted.checklist,
            signature=wanted.signature,
            channels=wanted.channels,
            copies=assigning.everybody(run, copies),
        )
    )
    run.log("task.opened", node.name, task.id, **({"assignee": task.assignee} if task.assignee else {}))
    return task


def _priority(run: Run, token: Token, node: Node) -> str:
    value = run.evaluate(node.priority, token.id) if node.priority else None
    return value if value in PRIORITIES else "normal"


def _due(run: Run, token: Token, node: Node) -> datetime | None:
    if node.due is None:
        return None
    value = run.evaluate(node.due, token.id)
    try:
        if isinstance(value, timedelta) or (isinstance(value, str) and value.startswith(("P", "-P"))):
            return timers.after(value, run.context, settings(node).calendar, clocks.department_of(run, run.initiator))
        return None if value is None else timers.instant(value, run.context)
    except timers.TimerError as error:
        run.log("error", node.name, token.id, code="process.no_time", message=str(error))
        return None


# Rights


def task_of(run: Run, task: int) -> Task:
    """The open task; a ``StateConflict`` where it is over."""
    found = run.tasks.get(task)
    if found is None:
        raise StateConflict("process.task_closed", task=task)
    return found


def may_act(run: Run, task: Task) -> bool:
    """Whether whoever acts in this step has the task or is a candidate for it; the system always may."""
    actor = run.context.actor
    if actor is None or actor.id is None:
        return True
    if task.assignee is not None:
        return task.assignee == actor.id
    open_to_all = not task.people and not task.roles
    return open_to_all or actor.id in task.people or any(role in actor.roles for role in task.roles)


def check_actor(run: Run, task: Task, operation: str) -> None:
    """Refuses whoever has no part in the task; a ``StateConflict`` names who has taken it."""
    if may_act(run, task):
        return
    actor = run.context.actor_id
    if task.assignee is not None and (actor in task.people or _has_role(run, task)):
        raise StateConflict("process.task_taken", task=task.id, by=task.assignee)
    raise AccessDenied(operation, task.node)


def _has_role(run: Run, task: Task) -> bool:
    return run.context.actor is not None and any(role in run.context.actor.roles for role in task.roles)


# Completing


def complete_task(run: Run, event: CompleteTask) -> None:
    """A person is done: their decision counts, and the step goes on when it is decided."""
    task = task_of(run, event.task)
    token = run.tokens[task.token]
    node = run.graph.nodes[task.node]
    check_actor(run, task, "complete")
    if task.status is TaskStatus.WAITING:
        raise StateConflict("process.task_waits", task=task.id)
    if task.owner is not None:
        raise StateConflict("process.task_delegated", task=task.id, owner=task.owner)
    outcome = _outcome(node, event.outcome)
    _check_input(run, token, node, outcome, event)
    by = run.context.actor_id or task.assignee
    run.set_variables(token.id, event.variables)
    close_task(run, task, "completed", outcome.name if outcome else event.outcome)
    seen = {"seen": run.context.subject_version} if run.context.subject_version else {}
    run.log("task.completed", node.name, task.id, outcome=event.outcome, comment=event.comment, performer=by, **seen)
    given = Vote(
        by=by,
        outcome=outcome.name if outcome else event.outcome,
        at=run.context.now,
        comment=event.comment,
        task=task.id,
        seen=run.context.subject_version,
    )
    _count(run, token, node, task, given)


def _count(run: Run, token: Token, node: Node, task: Task, given: Vote) -> None:
    """Takes the decision of one task into account, with people added before and after it."""
    rejected = meaning(node, given.outcome) == "reject"
    if task.after and not rejected:
        person, *rest = task.after
        add_task(run, token, node, assignee=person, after=tuple(rest), added_to=task.added_to, added_by=task.added_by)
        return
    if task.added_to and not rejected:
        _give_back(run, task)
        return
    if token.id in run.approvals:
        if task.added_to:
            _close_waiting(run, task)
        vote(run, token, node, given)
    else:
        decide(run, token, node, given.outcome, given.comment, given.by)


def _give_back(run: Run, task: Task) -> None:
    """People added before a task are done: it can be completed again."""
    waiting = run.tasks.get(task.added_to)
    if waiting is None or any(t.added_to == waiting.id for t in run.tasks.values()):
        return
    change(run, waiting, "added_done", status=TaskStatus.OPEN)


def _close_waiting(run: Run, task: Task) -> None:
    """A rejection by somebody added before counts for the one who added them."""
    for other in [t for t in run.tasks.values() if t.id == task.added_to or t.added_to == task.added_to]:
        close_task(run, other, "cancelled", "decided")


def vote(run: Run, token: Token, node: Node, given: Vote) -> None:
    """Counts one vote; decides the step when the rule says so (see docs/process.md, Countersigning)."""
    known = run.approvals[token.id]
    outdated = [v for v in known.votes if v.seen != given.seen and v.by is not None]
    approval = replace(known, votes=(*(v for v in known.votes if v not in outdated), given))
    run.approvals[token.id] = approval
    run.log("task.vote", node.name, token.id, outcome=given.outcome, performer=given.by, automatic=given.automatic)
    decided = decision(node, approval)
    if decided is not None:
        decide(run, token, node, decided.outcome, decided.comment, decided.by, automatic=decided.automatic)
        return
    for again in outdated:
        _ask_again(run, token, node, again)
    if run.approvals[token.id].queue:
        next_in_turn(run, token, node)


def _ask_again(run: Run, token: Token, node: Node, outdated: Vote) -> None:
    """The subject has changed since somebody decided: they decide about what it is now."""
    run.log("task.asked_again", node.name, token.id, performer=outdated.by, seen=outdated.seen)
    approval = run.approvals[token.id]
    if approval.mode == "sequential" and outdated.by is not None:
        run.approvals[token.id] = replace(approval, queue=(*approval.queue, outdated.by))
    else:
        add_task(run, token, node, assignee=outdated.by)


def decision(node: Node, approval: Approval) -> Vote | None:
    """The vote whose outcome decides the step, or None while votes are awaited."""
    votes = approval.votes
    rejections = [v for v in votes if meaning(node, v.outcome) == "reject"]
    approvals = [v for v in votes if meaning(node, v.outcome) != "reject"]
    wanted = settings(node).approval
    veto = wanted.veto if wanted.veto is not None else approval.mode != "ratio"
    if approval.mode == "any":
        return votes[-1] if votes else None
    if veto and rejections:
        return rejections[0]
    if approval.mode == "ratio":
        share = Decimal(approval.ratio or "1")
        if approvals and len(approvals) >= share * approval.total:
            return approvals[-1]
        return rejections[-1] if rejections and approval.total - len(rejections) < share * approval.total else None
    if len(votes) < approval.total:
        return None
    return rejections[0] if rejections else votes[-1]


def decide(
    run: Run, token: Token, node: Node, outcome: str, comment: str, by: UUID | None, *, automatic: bool = False
) -> None:
    """The step is decided: its other tasks end, the result can be read, the token goes on."""
    approval = run.approvals.pop(token.id, None)
    votes: Sequence[Vote] = approval.votes if approval else ()
    for task in [t for t in run.tasks.values() if t.token == token.id]:
        close_task(run, task, "cancelled", "decided")
    if automatic:
        run.log("task.automatic", node.name, token.id, outcome=outcome, performer=by)
    result: dict[str, Any] = {"outcome": outcome, "comment": comment, "by": by, "at": run.context.now}
    if votes:
        result["votes"] = [{"by": v.by, "outcome": v.outcome, "comment": v.comment} for v in votes]
    run.set_variables(token.id, {node.name: result})
    run.serial += 1
    run.passed[node.name] = Passed(
        node=node.name, scope=token.scope, thread=token.thread, by=by, serial=run.serial, outcome=outcome,
        approvers=_approvers(node, votes, outcome, by), seen=run.context.subject_version,
    )  # fmt: skip
    if token.back_to:
        _straight_back(run, token, node)
    else:
        scopes.complete(run, token, node)


def _approvers(node: Node, votes: Sequence[Vote], outcome: str, by: UUID | None) -> tuple[UUID, ...]:
    given = [(v.by, v.outcome) for v in votes] or [(by, outcome)]
    return tuple(p for p, o in given if p is not None and meaning(node, o) == "approve")


def _straight_back(run: Run, token: Token, node: Node) -> None:
    """The step was returned with "return to me": its token goes directly to who returned it."""
    run.log("completed", node.name, token.id)
    if node.boundaries:
        run.detach(token.id)
    clocks.stop(run, token.id)
    passed = run.passed.get(token.back_to)
    run.tokens[token.id] = Token(
        id=token.id, node=token.back_to, scope=token.scope, thread=token.thread, again=passed.by if passed else None
    )
    run.later(arrive, token.id)


def close_task(run: Run, task: Task, reason: str, outcome: str = "") -> None:
    """Ends one task."""
    del run.tasks[task.id]
    run.effects.append(TaskClosed(task=task, reason=reason, outcome=outcome))
    if reason != "completed":
        run.log(f"task.{reason}", task.node, task.id, reason=outcome)


def change(run: Run, task: Task, verb: str, **more: Any) -> Task:
    """Replaces parts of an open task and tells the shell."""
    changed = run.tasks[task.id] = replace(task, **more)
    run.effects.append(TaskChanged(task=changed, verb=verb))
    return changed


# Outcomes and what they need


def meaning(node: Node, outcome: str) -> str:
    """Whether an outcome counts as "approve", "reject" or "neutral"."""
    for known in settings(node).outcomes:
        if known.name == outcome:
            return known.meaning
    return outcome if outcome in ("approve", "reject") else "neutral"


def _first_positive(node: Node) -> str:
    outcomes = settings(node).outcomes
    return next((o.name for o in outcomes if o.meaning != "reject"), outcomes[0].name if outcomes else "")


def _outcome(node: Node, name: str) -> OutcomeDefinition | None:
    """The outcome that was chosen; the only one where none is named. None for steps without outcomes."""
    outcomes = settings(node).outcomes
    if not outcomes:
        return None
    if not name and len(outcomes) == 1:
        return outcomes[0]
    for outcome in outcomes:
        if outcome.name == name:
            return outcome
    raise InputError(
        [
            InputProblem(
                pointer="/outcome", code="process.unknown_outcome", params={"allowed": [o.name for o in outcomes]}
            )
        ]
    )


def _check_input(run: Run, token: Token, node: Node, outcome: OutcomeDefinition | None, event: CompleteTask) -> None:
    """Refuses what lacks its comment or does not meet the delivery standard; a rejection needs only the comment."""
    problems = []
    if outcome and outcome.comment == "required" and not event.comment.strip():
        problems.append(InputProblem(pointer="/comment", code="process.comment_required"))
    if not (outcome and outcome.meaning == "reject"):
        wanted = settings(node)
        missing = [point for point in wanted.checklist if point not in event.checked]
        if missing:
            problems.append(InputProblem(pointer="/checked", code="process.not_delivered", params={"missing": missing}))
        if not _would_hold(run, token, node, event):
            problems.append(
                InputProblem(pointer="", code="process.requirement_not_met", params={"condition": wanted.requires})
            )
    if problems:
        raise InputError(problems)


def _would_hold(run: Run, token: Token, node: Node, event: CompleteTask) -> bool:
    if node.requires is None:
        return True
    return node.requires.value({**run.values(token.id), **event.variables}, run.context.feel()) is True

"""Processes as a command uses them: starting, the verbs of people, what arrives from outside, administration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.jobs import queue
from builder.runtime.process import evidence, tasks, work_of
from builder.runtime.process.carrying import SERVICE
from builder.runtime.process.instances import Instance
from builder.runtime.process.kept import KeptInstances
from builder.runtime.process.shell import Shell
from builder.runtime.rights import is_process_admin, require_process_admin, require_to_start
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import process_instance
from builder.storage.runtime_tables import task as task_table
from engines.core import AccessDenied, InputError, InputProblem, Principal, PrincipalKind, StateConflict
from engines.core.source import pointer_of
from engines.process import events as happen
from engines.process.choosing import Choice, check_choices
from engines.process.events import ProcessEvent

if TYPE_CHECKING:
    from builder.runtime.around import Around

# The task that every verb is about.
_TASK = Prepared(sa.select(task_table).where(task_table.c.id == sa.bindparam("p_id")))
_LOCK_TASK = Prepared(sa.select(task_table).where(task_table.c.id == sa.bindparam("p_id")).with_for_update())


class Processes:
    """``work.processes``. Every verb of a task is checked against the task as it stands under the instance's lock."""

    def __init__(self, around: Around, kept: KeptInstances) -> None:
        self._around = around
        self._work = around.work
        self.shell = Shell(around, kept)

    # -- starting, and what arrives from outside

    def start(
        self,
        name: str,
        *,
        subject: tuple[str, UUID] | None = None,
        variables: Mapping[str, Any] | None = None,
        node: str = "",
        choices: Mapping[str, Sequence[UUID]] | None = None,
    ) -> UUID:
        """The id of a new instance of "app.process". ``AccessDenied`` where the subject may not be seen.

        ``choices``: people by user task, where a person starts a process that leaves that to the initiator;
        ``InputError`` for a choice that is missing or names no candidate.
        """
        require_to_start(self._around, name, subject)
        person = self._work.principal.kind is PrincipalKind.PERSON
        if person or choices:
            check_choices(self.choices(name, subject=subject, variables=variables), choices or {})
        chosen = {step: tuple(people) for step, people in (choices or {}).items() if people}
        return self.shell.begin(name, subject=subject, variables=variables, node=node, choices=chosen).id

    def choices(
        self, name: str, *, subject: tuple[str, UUID] | None = None, variables: Mapping[str, Any] | None = None
    ) -> list[Choice]:
        """Whom the acting person chooses by starting "app.process" now."""
        require_to_start(self._around, name, subject)
        return self.shell.choices(name, subject, variables or {})

    def message(
        self,
        app: str,
        name: str,
        *,
        key: str = "",
        variables: Mapping[str, Any] | None = None,
        subject: tuple[str, UUID] | None = None,
        instance: UUID | None = None,
    ) -> list[UUID]:
        """The instances that took a message: those waiting with this key (about ``subject``), else those it starts.

        ``instance``: the one that is meant.
        """
        return self.shell.message(app, name, key=key, variables=variables, subject=subject, instance=instance)

    def signal(self, app: str, name: str, variables: Mapping[str, Any] | None = None) -> list[UUID]:
        """The instances that took a signal, and those it has started."""
        return self.shell.signal(app, name, variables)

    # -- verbs of people

    def complete(
        self,
        task_id: UUID,
        outcome: str = "",
        *,
        values: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        comment: str = "",
        checked: Sequence[str] = (),
        base_version: int | None = None,
        seen_version: int | None = None,
        attachments: Sequence[UUID] = (),
        signature: UUID | None = None,
    ) -> None:
        """Completes a task: saves ``values`` of its form as the step's field rights allow, then goes on.

        ``seen_version``: the version of the subject that the person decides about; ``StateConflict``
        "task.subject_changed" where the process locks its subject and that has another one by now.
        ``attachments``, ``signature``: files that the person has uploaded for the task.
        ``StateConflict`` "task.closed" says who completed it and when; ``InputError`` for an unknown outcome, a missing
        comment, refused values or an unmet delivery standard; ``AccessDenied`` for whoever the task is not for.
        """
        row, instance = self._open(task_id)
        _check_outcome(row, outcome, comment)
        if instance is None:
            self._complete_plain(row, outcome, comment)
            evidence.attach(self._work, task_id, attachments, evidence.ATTACHMENT)
            return
        self._require_seen(row, instance, seen_version)
        if values:
            self._save_form(row, values, base_version)
        self._require_fields(row, outcome)
        self._sign(row, outcome, signature)
        evidence.attach(self._work, task_id, attachments, evidence.ATTACHMENT)
        event = happen.CompleteTask(
            task=row.number, outcome=outcome, comment=comment, variables=dict(variables or {}), checked=tuple(checked)
        )
        self._do(instance, event, comment)

    def claim(self, task_id: UUID) -> None:
        """Takes a task that is offered to several (签收)."""
        row, instance = self._open(task_id)
        if instance is not None:
            self._do(instance, happen.ClaimTask(task=row.number))
        elif row.assignee is not None:
            raise StateConflict("task.claimed", task=str(task_id), by=str(row.assignee))
        else:
            self._move_plain(row, "claim", self._work.principal.id)

    def release(self, task_id: UUID) -> None:
        """Gives a claimed task back to all it is offered to."""
        row, instance = self._open(task_id)
        if instance is not None:
            self._do(instance, happen.ReleaseTask(task=row.number))
        else:
            self._move_plain(row, "release", None)

    def transfer(self, task_id: UUID, to: UUID, comment: str = "") -> None:
        """Hands a task over for good (转交)."""
        row, instance = self._open(task_id)
        if instance is not None:
            self._do(instance, happen.TransferTask(task=row.number, to=to, comment=comment), comment)
        else:
            self._move_plain(row, "transfer", to)

    def delegate(self, task_id: UUID, to: UUID, comment: str = "") -> None:
        """Asks somebody else; the task comes back when it is resolved (委派)."""
        self._verb(task_id, lambda number: happen.DelegateTask(task=number, to=to, comment=comment), comment)

    def resolve(self, task_id: UUID, comment: str = "") -> None:
        """Gives a delegated task back to whoever delegated it."""
        self._verb(task_id, lambda number: happen.ResolveTask(task=number, comment=comment), comment)

    def add_approvers(self, task_id: UUID, people: Sequence[UUID], *, where: str = "before", comment: str = "") -> None:
        """Adds people before, after or beside the task (加签)."""
        added = tuple(people)
        self._verb(task_id, lambda n: happen.AddApprovers(task=n, people=added, where=where, comment=comment), comment)

    def remove_approver(self, task_id: UUID, comment: str = "") -> None:
        """Takes somebody who has not voted out of a countersigning (减签)."""
        self._verb(task_id, lambda number: happen.RemoveApprover(task=number, comment=comment), comment)

    def send_back(self, task_id: UUID, to: str = "previous", *, back_to_me: bool = False, comment: str = "") -> None:
        """Returns the step to "initiator", "previous" or the name of a passed step (退回)."""
        self._verb(task_id, lambda n: happen.ReturnTask(task=n, to=to, comment=comment, back_to_me=back_to_me), comment)

    def remind(self, task_id: UUID, comment: str = "") -> None:
        """Asks the people of a task to hurry (催办)."""
        self._verb(task_id, lambda number: happen.RemindTask(task=number, comment=comment), comment, anybody=True)

    def copy(self, task_id: UUID, people: Sequence[UUID], comment: str = "") -> None:
        """Sends a task to people for information (抄送)."""
        told = tuple(people)
        self._verb(task_id, lambda number: happen.CopyTask(task=number, people=told, comment=comment), comment)

    def comment(
        self, task_id: UUID, comment: str, *, mentions: Sequence[UUID] = (), attachments: Sequence[UUID] = ()
    ) -> None:
        """Writes a comment to the process's history; who is mentioned gets a copy of the task and is told."""
        people = tuple(dict.fromkeys(mentions))
        self._verb(
            task_id,
            lambda number: happen.CommentTask(task=number, comment=comment, people=people),
            comment,
            anybody=True,
        )
        evidence.attach(self._work, task_id, attachments, evidence.ATTACHMENT)
        if people:
            self._mention(self._task(task_id), people, comment)

    def _mention(self, row: sa.Row[Any], people: Sequence[UUID], comment: str) -> None:
        by, at = self._work.principal.id, self._work.instant
        tasks.copy(self._work.connection, row.id, people, at=at, by=by)
        name = self._around.name_of(by)
        self._around.notifications.send(
            people,
            title={
                "zh": f"{name} 提到了您：{row.subject_title or ''}",
                "en": f"{name} mentioned you: {row.subject_title or ''}",
            },
            body={"": comment},
            app=row.app,
            kind="mention",
            subject=(row.subject_form, row.subject_id) if row.subject_form else None,
            task_id=row.id,
        )

    def pause_clock(self, task_id: UUID, comment: str) -> None:
        """Stops the clocks of a task's time limits, where the limits let the acting person; the reason is kept."""
        self._clock(task_id, lambda number: happen.PauseClock(task=number, comment=comment), comment)

    def resume_clock(self, task_id: UUID, comment: str = "") -> None:
        """Lets clocks go on that were stopped by hand."""
        self._clock(task_id, lambda number: happen.ResumeClock(task=number, comment=comment), comment)

    def _clock(self, task_id: UUID, event: Any, comment: str) -> None:
        """As the acting person; whoever administers the process acts as the system, which is recorded."""
        row, instance = self._open(task_id)
        if instance is None:
            raise InputError([InputProblem(pointer="", code="task.no_process")])
        if is_process_admin(self._work.principal, instance.app):
            self._admin(instance.app, "process.clock", str(instance.id))
            self.shell.step(instance, event(row.number))
            return
        if not self._around.concerns(row):
            raise AccessDenied("task.see", str(task_id))
        self._do(instance, event(row.number), comment)

    def take_back(self, instance_id: UUID, node: str, comment: str = "") -> None:
        """Takes one's own last step back, as long as nobody acted after it (取回)."""
        self._do(self._running(instance_id), happen.TakeBack(node=node, comment=comment), comment)

    def withdraw(self, instance_id: UUID, comment: str = "") -> None:
        """Takes back what one has started, as long as nobody else acted (撤回)."""
        self._do(self._running(instance_id), happen.Withdraw(comment=comment), comment)

    # -- administration; each is recorded in the instance's history and in the audit trail

    def assign(self, task_id: UUID, to: UUID, comment: str = "") -> None:
        """Gives a task to somebody, whoever has it."""
        row, instance = self._open(task_id)
        self._admin(row.app, "process.assign", str(task_id))
        if instance is not None:
            self.shell.step(instance, happen.AssignTask(task=row.number, to=to, comment=comment))
        else:
            self._move_plain(row, "assign", to, anybody=True)

    def suspend(self, instance_id: UUID) -> None:
        """Stops an instance until it is resumed: what it calls outside of the database waits, too."""
        self._administer(instance_id, "process.suspend", happen.Suspend())
        queue.suspend(self._work.connection, instance_id, SERVICE)

    def resume(self, instance_id: UUID) -> None:
        """Lets a suspended instance go on."""
        self._administer(instance_id, "process.resume", happen.Resume())
        queue.resume(self._work.connection, instance_id, SERVICE)

    def cancel(self, instance_id: UUID, reason: str = "") -> None:
        """Ends an instance (作废)."""
        self._administer(instance_id, "process.cancel", happen.Cancel(reason=reason))

    def retry(self, instance_id: UUID, incident: int) -> None:
        """Tries again what an incident stopped."""
        self._administer(instance_id, "process.retry", happen.Retry(incident=incident))

    def move_token(self, instance_id: UUID, token: int, to: str, reason: str = "") -> None:
        """Moves a token to another node."""
        self._administer(instance_id, "process.move_token", happen.MoveToken(token=token, to=to, reason=reason))

    def set_variables(self, instance_id: UUID, variables: Mapping[str, Any]) -> None:
        """Sets variables of an instance."""
        self._administer(instance_id, "process.set_variables", happen.VariablesSet(variables=dict(variables)))

    def hand_over(self, person: UUID, to: UUID, comment: str = "") -> int:
        """How many open tasks went from one person to another, who takes over with all history."""
        count = sum(work_of.count(self._work.connection, person).values())
        while portion := work_of.portion(self._work.connection, person, 1_000):
            for app in {app for _id, app in portion.tasks + portion.instances}:
                self._admin(app, "process.hand_over", str(person))
            self.move_work(portion, person, to, comment)
        return count

    def move_work(self, portion: work_of.Portion, person: UUID, to: UUID, comment: str = "") -> None:
        """Gives a portion of a person's open work to another; for those who may administer its apps."""
        for instance_id, app in portion.instances:
            require_process_admin(self._work.principal, app, "process.hand_over")
            self.shell.step(self.shell.hold(instance_id), happen.HandOver(person=person, to=to, comment=comment))
        for task_id, app in portion.tasks:
            require_process_admin(self._work.principal, app, "process.hand_over")
            row, _ = self._open(task_id)
            self._move_plain(row, "hand_over", to, anybody=True)

    def change_initiator(self, instance_id: UUID, person: UUID, to: UUID) -> None:
        """Lets somebody else stand where a running instance's initiator stood: what is returned to them, their box."""
        instance = self.shell.hold(instance_id)
        require_process_admin(self._work.principal, instance.app, "process.change_initiator")
        if instance.state.ended:
            return
        self.shell.step(instance, happen.HandOver(person=person, to=to, tasks=False, initiator=True))
        connection, mine = self._work.connection, task_table.c.instance_id == instance_id
        connection.execute(task_table.update().where(mine, task_table.c.initiator == person).values(initiator=to))
        own = process_instance.c.id == instance_id
        connection.execute(
            process_instance.update().where(own, process_instance.c.started_by == person).values(started_by=to)
        )
        instance.started_by = to if instance.started_by == person else instance.started_by

    # -- shared

    def _open(self, task_id: UUID) -> tuple[sa.Row[Any], Instance | None]:
        """The open task's row and its locked instance; ``StateConflict`` where somebody was faster."""
        found = self._task(task_id)
        instance = self.shell.hold(found.instance_id) if found.instance_id else None
        # SQLite has one writer at a time; elsewhere somebody may have been faster until the lock was had.
        alone = self._work.connection.dialect.name == "sqlite"
        row = found if alone else self._task(task_id, lock=instance is None)
        if row.status != tasks.OPEN:
            raise StateConflict(
                "task.closed",
                task=str(task_id),
                status=row.status,
                outcome=row.outcome,
                by=str(row.closed_by) if row.closed_by else None,
                by_name=self._around.name_of(row.closed_by),
                at=row.closed_at.isoformat(),
            )
        if instance is not None:
            self.shell.require_running(instance)
        return row, instance

    def _task(self, task_id: UUID, *, lock: bool = False) -> sa.Row[Any]:
        row = (_LOCK_TASK if lock else _TASK).first(self._work.connection, {"p_id": task_id})
        if row is None:
            raise AccessDenied("task.see", str(task_id))
        return row  # type: ignore[no-any-return]

    def _verb(self, task_id: UUID, event: Any, comment: str, *, anybody: bool = False) -> None:
        row, instance = self._open(task_id)
        if instance is None:
            raise InputError([InputProblem(pointer="", code="task.no_process")])
        if anybody and not self._around.concerns(row):
            raise AccessDenied("task.see", str(task_id))
        self._do(instance, event(row.number), comment)

    def _do(self, instance: Instance, event: ProcessEvent, comment: str = "") -> None:
        self.shell.comment = comment
        self.shell.step(instance, event, self._actor(instance.app))

    def _actor(self, app: str) -> Principal:
        """The acting person, with the roles of this app also by their short names, as graphs write them."""
        return self._around.with_local_roles(self._work.principal, app)

    def _running(self, instance_id: UUID) -> Instance:
        instance = self.shell.hold(instance_id)
        self.shell.require_running(instance)
        return instance

    def _administer(self, instance_id: UUID, action: str, event: ProcessEvent) -> None:
        instance = self.shell.hold(instance_id)
        self._admin(instance.app, action, str(instance_id))
        if instance.state.ended:
            raise StateConflict("process.not_running", instance=str(instance_id), status=instance.state.status.value)
        self.shell.step(instance, event)

    def _admin(self, app: str, action: str, subject: str) -> None:
        require_process_admin(self._work.principal, app, action)
        self._work.audit(action, subject)

    def _require_seen(self, row: sa.Row[Any], instance: Instance, seen: int | None) -> None:
        """What was seen is what is approved: a change since then asks again."""
        if seen is None or instance.subject is None or instance.subject_version is None:
            return
        current = self._around.version_of(instance.subject)
        if current != seen:
            raise StateConflict("task.subject_changed", task=str(row.id), seen=seen, current=current)

    def _require_fields(self, row: sa.Row[Any], outcome: str) -> None:
        """The fields and attachments that the step asks for stand in the record, whoever filled them; else refused.

        A rejection is free of them, and so is what a later release has taken out of the form.
        """
        wanted = [field["name"] for field in row.details["fields"] if field.get("required")]
        rejected = any(o["name"] == outcome and o["meaning"] == "reject" for o in row.details["outcomes"])
        if not wanted or rejected or row.subject_id is None:
            return
        records = self._around.records(row.app)
        record = records.get(row.subject_form, row.subject_id)
        fields = records.world.form(row.subject_form).compiled.fields
        missing = [n for n in wanted if n in fields and (record is None or record.get(n) in (None, "", [], ()))]
        if missing:
            raise InputError([InputProblem(pointer=pointer_of(name), code="required") for name in missing])

    def _sign(self, row: sa.Row[Any], outcome: str, signature: UUID | None) -> None:
        """Keeps the signature of who decides; one that the step requires is asked for on every path."""
        rejected = any(o["name"] == outcome and o["meaning"] == "reject" for o in row.details["outcomes"])
        if signature is None and row.details.get("signature") == "required" and not rejected:
            raise InputError([InputProblem(pointer="/signature", code="task.signature_missing")])
        if signature is not None:
            evidence.attach(self._work, row.id, [signature], evidence.SIGNATURE)

    def _save_form(self, row: sa.Row[Any], values: Mapping[str, Any], base_version: int | None) -> None:
        if row.subject_id is None:
            raise InputError([InputProblem(pointer="", code="task.no_record")])
        self._require_may_act(row)
        self._around.save_step_form(row, values, base_version)

    # -- tasks without a process, made by rules

    def _require_may_act(self, row: sa.Row[Any]) -> None:
        if not self._around.may_act(row):
            raise AccessDenied("task.complete", str(row.id))

    def _complete_plain(self, row: sa.Row[Any], outcome: str, comment: str) -> None:
        self._require_may_act(row)
        by, at = self._work.principal.id, self._work.instant
        tasks.close(
            self._work.connection, row.id, status=tasks.COMPLETED, at=at, by=by, outcome=outcome, comment=comment
        )
        subject = (row.subject_form, row.subject_id) if row.subject_form else None
        self._around.raise_event(
            "task.completed", app=row.app, subject=subject, name=row.node, task=row.id, outcome=outcome
        )

    def _move_plain(self, row: sa.Row[Any], verb: str, to: UUID | None, *, anybody: bool = False) -> None:
        if not anybody:
            self._require_may_act(row)
        tasks.reassign(self._work.connection, row, verb=verb, to=to, at=self._work.instant, by=self._work.principal.id)
        if verb == "claim":
            subject = (row.subject_form, row.subject_id) if row.subject_form else None
            self._around.raise_event("task.claimed", app=row.app, subject=subject, name=row.node, task=row.id)


def _check_outcome(row: sa.Row[Any], outcome: str, comment: str) -> None:
    outcomes = {found["name"]: found for found in row.details["outcomes"]}
    if outcomes and outcome not in outcomes:
        params = {"found": outcome, "expected": sorted(outcomes)}
        raise InputError([InputProblem(pointer="/outcome", code="task.unknown_outcome", params=params)])
    if outcomes and outcomes[outcome]["comment"] == "required" and not comment.strip():
        raise InputError([InputProblem(pointer="/comment", code="required")])

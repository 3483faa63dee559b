"""Carries out what a step asks for: task rows, timers, subscriptions, services, children, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.jobs import queue
from builder.runtime.process import limits, tasks
from builder.runtime.process.instances import Instance
from builder.runtime.process.instances import service_key as service_call_key
from builder.runtime.process.services import ServiceCall
from builder.runtime.process.telling import tell_outside
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import process_instance, process_subscription
from engines.core import AccessDenied, BudgetExceeded, InputError, Principal, StateConflict, new_id
from engines.process import effects as out
from engines.process import events as happen
from engines.process.effects import Effect
from engines.process.state import Subscription, SubscriptionKind, Timer

if TYPE_CHECKING:
    from builder.runtime.process.shell import Shell

TIMER, SERVICE = "process.timer", "process.service"


class Carrying:
    """The effects of one command's steps."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._around = shell.around
        self._work = shell.work

    def carry_out(self, instance: Instance, effect: Effect, actor: Principal | None) -> None:
        """Does what ``effect`` says; answers come as further steps."""
        by = actor.id if actor else None
        match effect:
            case out.TaskOpened():
                self._opened(instance, effect)
            case out.TaskRedefined():
                tasks.redefine(self._work.connection, instance, effect.opened, release=instance.release)
            case out.TaskChanged():
                self._changed(instance, effect, by)
            case out.TaskClosed():
                self._closed(instance, effect, by)
            case out.TaskCopied():
                self._copied(instance, effect, by)
            case out.TaskReminded():
                self._reminded(instance, effect, by)
            case out.TaskTimed():
                tasks.timed(self._work.connection, instance, effect.task)
            case out.ClockChanged():
                limits.write(self._work.connection, instance, effect, at=self._work.instant)
            case out.SlaActed():
                limits.tell(self._around, instance, effect)
            case out.TimerSet():
                self._set_timer(instance, effect.timer)
            case out.TimerCancelled():
                queue.cancel(self._work.connection, timer_key(instance.id, effect.timer.id))
            case out.SubscriptionOpened():
                self._subscribe(instance, effect.subscription)
            case out.SubscriptionClosed():
                self._unsubscribe(instance, effect.subscription)
            case out.ServiceRequested():
                self._request(instance, effect)
            case out.ServiceCancelled():
                queue.cancel(self._work.connection, service_key(instance.id, effect.token))
            case _:
                self._beyond(instance, effect)

    def _beyond(self, instance: Instance, effect: Effect) -> None:
        """Effects that concern other instances or the instance as a whole."""
        match effect:
            case out.ChildStarted():
                self._start_child(instance, effect)
            case out.ChildCancelled():
                self._cancel_child(instance, effect)
            case out.MessageThrown():
                self._shell.message(instance.app, effect.name, key=effect.key, variables=effect.payload)
            case out.SignalThrown():
                self._shell.signal(instance.app, effect.name, effect.payload, besides=instance.id)
            case out.EscalationRaised():
                if instance.parent is not None:
                    event = happen.ChildEscalated(
                        token=instance.parent[1], code=effect.code, variables=dict(effect.payload)
                    )
                    self._shell.later(instance.parent[0], event)
            case out.Incident():
                self._incident(instance, effect)
            case out.InstanceEnded():
                self._ended(instance, effect)
            case other:
                raise NotImplementedError(type(other).__name__)

    # -- tasks

    def _opened(self, instance: Instance, effect: out.TaskOpened) -> None:
        title = self._around.title_of(instance.subject)
        task_id = tasks.insert(
            self._work.connection,
            instance,
            effect,
            at=self._work.instant,
            subject_title=title,
            release=instance.release,
        )
        self._tell(instance, task_id, effect.task, effect.label.texts, title)
        self._raise(instance, "task.created", effect.task.node, task_id)

    def _tell(self, instance: Instance, task_id: UUID, task: Any, label: Any, subject_title: str) -> None:
        people = [task.assignee] if task.assignee else list(task.people)
        if not task.assignee:
            for role in task.roles:
                people += self._around.directory_of(instance.app).people_with_role(role)
        if not people:
            return
        self._around.notifications.send(
            people,
            title=label,
            body={"": subject_title} if subject_title else None,
            app=instance.app,
            kind="task",
            severity="alert" if tasks.PRIORITIES.get(task.priority, 0) > 0 else "info",
            subject=instance.subject,
            task_id=task_id,
        )
        step = self._shell.graph(instance).nodes[task.node].definition.user_task
        if step is not None and step.channels:
            tell_outside(
                self._around, instance, step, people, task=task_id, title=label, text=subject_title,
                key=f"task:{task_id}:{self._work.command_id}",
            )  # fmt: skip

    def _changed(self, instance: Instance, effect: out.TaskChanged, by: UUID | None) -> None:
        at = self._work.instant
        task_id = tasks.change(self._work.connection, instance, effect.task, verb=effect.verb, at=at, by=by)
        if effect.task.assignee and effect.task.assignee != by:
            row = tasks.row_of(self._work.connection, instance.id, effect.task.id)
            self._tell(instance, task_id, effect.task, row.title, row.subject_title or "")
        if effect.verb == "claim":
            self._raise(instance, "task.claimed", effect.task.node, task_id)

    def _closed(self, instance: Instance, effect: out.TaskClosed, by: UUID | None) -> None:
        task_id = tasks.id_of(self._work.connection, instance, effect.task.id)
        instance.task_ids.pop(effect.task.id, None)
        done = effect.reason == "completed"
        tasks.close(
            self._work.connection,
            task_id,
            status=tasks.COMPLETED if done else tasks.CANCELLED,
            at=self._work.instant,
            by=by,
            outcome=effect.outcome,
            comment=self._shell.comment if done else "",
            offered=bool(effect.task.people or effect.task.roles),
        )
        if done:
            self._raise(instance, "task.completed", effect.task.node, task_id, outcome=effect.outcome)

    def _copied(self, instance: Instance, effect: out.TaskCopied, by: UUID | None) -> None:
        row = tasks.row_of(self._work.connection, instance.id, effect.task.id)
        tasks.copy(self._work.connection, row.id, effect.people, at=self._work.instant, by=by)
        tasks.note(
            self._work.connection,
            row.id,
            "copied",
            at=self._work.instant,
            actor=by,
            people=[str(p) for p in effect.people],
            comment=effect.comment or None,
        )
        self._around.notifications.send(
            effect.people, title=row.title, app=instance.app, kind="task", subject=instance.subject, task_id=row.id
        )

    def _reminded(self, instance: Instance, effect: out.TaskReminded, by: UUID | None) -> None:
        row = tasks.row_of(self._work.connection, instance.id, effect.task.id)
        tasks.note(
            self._work.connection,
            row.id,
            "reminded",
            at=self._work.instant,
            actor=by,
            comment=effect.comment or None,
        )
        self._tell(instance, row.id, effect.task, row.title, effect.comment or row.subject_title or "")

    # -- timers, subscriptions

    def _set_timer(self, instance: Instance, timer: Timer) -> None:
        instance.has_jobs = True
        queue.put(
            self._work.connection,
            kind=TIMER,
            due_at=timer.due,
            now=self._work.instant,
            payload={"timer": str(timer.id)},
            app=instance.app,
            key=timer_key(instance.id, timer.id),
            instance_id=instance.id,
        )

    def _subscribe(self, instance: Instance, wanted: Subscription) -> None:
        if wanted.kind is SubscriptionKind.CONDITION:
            return
        instance.has_subscriptions = True
        row = {
            "instance_id": instance.id,
            "key": str(wanted.id),
            "kind": wanted.kind.value,
            "name": wanted.name,
            "correlation": wanted.key,
        }
        self._work.connection.execute(process_subscription.insert(), row)

    def _unsubscribe(self, instance: Instance, wanted: Subscription) -> None:
        table = process_subscription
        mine = sa.and_(table.c.instance_id == instance.id, table.c.key == str(wanted.id))
        self._work.connection.execute(table.delete().where(mine))

    # -- services

    def _request(self, instance: Instance, effect: out.ServiceRequested) -> None:
        service = self._around.services.get(effect.service)
        outside = service is not None and service.inside is None
        given = ServiceCall(
            app=instance.app,
            instance_id=instance.id,
            process=instance.process,
            node=effect.node,
            subject=instance.subject,
            input=effect.input,
            key=self._key(instance, effect) if outside else str(new_id()),
            attempt=effect.attempt,
        )
        if service is None:
            self._fail(instance, effect, f'there is no service "{effect.service}"')
        elif service.inside is None:
            self._send_out(instance, effect, given)
        else:
            self._inside(instance, effect, given, service.inside)

    def _key(self, instance: Instance, effect: out.ServiceRequested) -> str:
        return service_call_key(self._work.connection, instance, effect.token, effect.node, effect.attempt)

    def _inside(self, instance: Instance, effect: out.ServiceRequested, given: ServiceCall, run: Any) -> None:
        try:
            with self._shell.undone_together(), self._around.savepoint(), self._work.locks.within(instance.root_id):
                result = run(self._around, given)
        except (InputError, AccessDenied, StateConflict, BudgetExceeded) as error:
            # What the service wrote is rolled back; the instance stands still where everybody can see why.
            self._fail(instance, effect, f"{error.code}: {error}")
        else:
            self._shell.later_or_now(instance.id, happen.ServiceDone(token=effect.token, result=result))

    def _fail(self, instance: Instance, effect: out.ServiceRequested, message: str) -> None:
        event = happen.ServiceFailed(token=effect.token, message=message, retryable=False)
        self._shell.later_or_now(instance.id, event)

    def _send_out(self, instance: Instance, effect: out.ServiceRequested, given: ServiceCall) -> None:
        instance.has_jobs = True
        queue.put(
            self._work.connection,
            kind=SERVICE,
            due_at=self._work.instant,
            now=self._work.instant,
            payload={
                "token": str(effect.token),
                "node": effect.node,
                "service": effect.service,
                "process": instance.process,
                "subject": [instance.subject[0], instance.subject[1]] if instance.subject else None,
                "input": dict(effect.input),
                "key": given.key,
                "attempt": str(effect.attempt),
            },
            app=instance.app,
            key=service_key(instance.id, effect.token),
            instance_id=instance.id,
        )

    # -- other instances, the end

    def _start_child(self, instance: Instance, effect: out.ChildStarted) -> None:
        name = effect.process if "." in effect.process else f"{instance.app}.{effect.process}"
        if not self._around.has_process(name):
            failed = happen.ChildFailed(token=effect.token, code="process.unknown_process")
            self._shell.later(instance.id, failed)
            return
        self._shell.begin(name, subject=instance.subject, variables=effect.variables, parent=(instance, effect.token))

    def _cancel_child(self, instance: Instance, effect: out.ChildCancelled) -> None:
        table = process_instance
        mine = sa.and_(
            table.c.parent_id == instance.id, table.c.parent_token == effect.token, table.c.status == "running"
        )
        for child in self._work.connection.execute(sa.select(table.c.id).where(mine)).scalars().all():
            self._shell.later_or_now(child, happen.Cancel(reason="parent"))

    def _incident(self, instance: Instance, effect: out.Incident) -> None:
        self._around.tell_admins(
            title={"zh": f"流程停在 {effect.node}", "en": f"A process stopped at {effect.node}"},
            body={"": f"{instance.name}: {effect.message}"},
            app=instance.app,
            subject=instance.subject,
            key=f"incident:{instance.id}:{effect.id}",
        )

    def _ended(self, instance: Instance, effect: out.InstanceEnded) -> None:
        self._clear(instance)
        completed = effect.status == "completed"
        if instance.parent is not None:
            self._return(*instance.parent, effect)
        name = "process.completed" if completed else "process.cancelled"
        self._around.raise_event(
            name, app=instance.app, subject=instance.subject, name=instance.process, instance=instance.id,
            status=effect.status, variables=dict(effect.variables),
        )  # fmt: skip

    def _clear(self, instance: Instance) -> None:
        """Whatever the engine has left behind by ending at once can act no more."""
        connection = self._work.connection
        if instance.has_jobs:
            queue.cancel_instance(connection, instance.id)
        if instance.has_subscriptions:
            _UNSUBSCRIBE.run(connection, {"p_instance": instance.id})
        known = instance.knows_tasks
        for left in instance.task_ids.values() if known else tasks.open_of(connection, instance.id):
            tasks.close(connection, left, status=tasks.CANCELLED, at=self._work.instant, by=None)

    def _return(self, parent: UUID, token: int, effect: out.InstanceEnded) -> None:
        """The calling instance goes on after this one."""
        variables = dict(effect.variables)
        if effect.error:
            self._shell.later(parent, happen.ChildFailed(token=token, code=effect.error, variables=variables))
        else:
            self._shell.later(parent, happen.ChildEnded(token=token, variables=variables))

    def began(self, instance: Instance) -> None:
        """Tells that an instance begins."""
        self._around.raise_event(
            "process.started", app=instance.app, subject=instance.subject, name=instance.process, instance=instance.id
        )

    def _raise(self, instance: Instance, kind: str, node: str, task_id: UUID, **more: Any) -> None:
        self._around.raise_event(
            kind,
            app=instance.app,
            subject=instance.subject,
            name=f"{instance.process}.{node}",
            instance=instance.id,
            task=task_id,
            **more,
        )


_UNSUBSCRIBE = Prepared(
    process_subscription.delete().where(process_subscription.c.instance_id == sa.bindparam("p_instance"))
)


def timer_key(instance_id: UUID, timer: int) -> str:
    """The key of a timer's job."""
    return f"timer:{instance_id}:{timer}"


def service_key(instance_id: UUID, token: int) -> str:
    """The key of a service's job."""
    return f"service:{instance_id}:{token}"

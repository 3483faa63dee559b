"""The shell around ``process.step``: locks an instance, steps it, persists what came of it, in one transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.rights import ADMIN, BUILDER, builder_role
from builder.runtime.graphs import Graphs
from builder.runtime.process import instances
from builder.runtime.process.carrying import Carrying
from builder.runtime.process.instances import Instance
from builder.runtime.process.kept import KeptInstances
from builder.runtime.workload import Workload
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import process_instance, process_live, process_subscription
from engines.core import AccessDenied, BudgetExceeded, Principal, StateConflict
from engines.process import events as happen
from engines.process import step
from engines.process.choosing import Choice, choices_to_make
from engines.process.context import StepContext
from engines.process.effects import Effect
from engines.process.events import ProcessEvent
from engines.process.graph import CompiledProcess
from engines.process.state import SubscriptionKind

if TYPE_CHECKING:
    from builder.runtime.around import Around

# Steps that one command may make, over all instances it touches.
MAX_STEPS = 5_000
Otherwise = Callable[[], object]
ANSWERS = (happen.ServiceDone, happen.ServiceFailed, happen.ChildEnded, happen.ChildFailed, happen.ChildEscalated)


# Instances about a record that wait for a condition. Made once: every change of a record asks.
_WAITING = Prepared(
    sa.select(process_instance.c.id)
    .where(
        process_instance.c.subject_form == sa.bindparam("form"),
        process_instance.c.subject_id == sa.bindparam("record", type_=process_instance.c.subject_id.type),
        process_instance.c.status == "running",
        sa.exists().where(
            process_live.c.instance_id == process_instance.c.id,
            process_live.c.kind == "subscriptions",
            process_live.c.data["kind"].as_string() == "condition",
        ),
    )
    .order_by(process_instance.c.id)
)


class Shell:
    """Steps the instances of one command."""

    def __init__(self, around: Around, kept: KeptInstances) -> None:
        self.around = around
        self.work = around.work
        self._kept = kept
        self._held: dict[UUID, Instance] = {}
        self._queue: deque[tuple[UUID, ProcessEvent, Otherwise | None]] = deque()
        # How instances stood before each savepoint that is open, innermost last; None: not held before it.
        self._before: list[dict[UUID, Instance | None]] = []
        self._stepping = False
        self._steps = 0
        # What is the same for all steps of an app's processes in this command.
        self._surroundings: dict[str, dict[str, Any]] = {}
        # What the acting person wrote when completing a task.
        self.comment = ""
        self._carrying = Carrying(self)
        self.work.after_commit(self._keep)

    # -- instances

    def hold(self, instance_id: UUID) -> Instance:
        """The instance, locked until the end of the command; ``AccessDenied`` where there is none."""
        if instance_id not in self._held:
            found = instances.load(self.work.connection, instance_id, self._kept)
            if found is None:
                raise AccessDenied("process.see", str(instance_id))
            self._remember(instance_id)
            self._held[instance_id] = found
        return self._held[instance_id]

    @contextmanager
    def undone_together(self) -> Iterator[None]:
        """Where the block fails, instances stand in memory as they did before it, as they do in the database."""
        queued = len(self._queue)
        self._before.append({})
        try:
            yield
        except BaseException:
            for instance_id, before in self._before[-1].items():
                if before is None:
                    # It may not exist any more, and its lock went with the savepoint.
                    del self._held[instance_id]
                else:
                    instances.restore(self._held[instance_id], before)
            while len(self._queue) > queued:
                self._queue.pop()
            raise
        finally:
            changed = self._before.pop()
            if self._before:
                self._before[-1] = {**changed, **self._before[-1]}

    def _remember(self, instance_id: UUID) -> None:
        """Keeps how an instance stands before it is changed inside a savepoint."""
        if self._before and instance_id not in self._before[-1]:
            known = self._held.get(instance_id)
            self._before[-1][instance_id] = instances.copy(known) if known else None

    def _keep(self) -> None:
        for instance in self._held.values():
            self._kept.put(instance)

    def graph(self, instance: Instance) -> CompiledProcess:
        """The graph that the instance was started with, whatever has been published since."""
        return self.around.graph(instance.app, instance.process, instance.release, instance.definition_hash)

    def begin(
        self,
        name: str,
        *,
        subject: tuple[str, UUID] | None = None,
        variables: Mapping[str, Any] | None = None,
        node: str = "",
        parent: tuple[Instance, int] | None = None,
        choices: Mapping[str, tuple[UUID, ...]] | None = None,
    ) -> Instance:
        """A new instance of the process ``name`` ("app.process"), stepped as far as it goes by itself."""
        found, instance = self._new(name, subject, parent)
        instance.subject_version = self._lock(found.graph, subject, parent)
        self._remember(instance.id)
        self._held[instance.id] = instance
        start = happen.Start(
            node=node,
            variables=dict(variables or {}),
            initiator=parent[0].state.initiator if parent else self.work.principal.id,
            called=parent is not None,
            choices=choices or {},
        )
        self._carrying.began(instance)
        self.step(instance, start)
        return instance

    def _new(
        self, name: str, subject: tuple[str, UUID] | None, parent: tuple[Instance, int] | None = None
    ) -> tuple[Graphs.Found, Instance]:
        app, process = name.split(".", 1)
        found = self.around.process(app, process)
        instance = instances.begin(
            app=app,
            process=process,
            definition_hash=found.hash,
            release=found.release,
            subject=subject,
            parent=parent,
            now=self.work.instant,
            by=self.work.principal.id,
        )
        return found, instance

    def choices(self, name: str, subject: tuple[str, UUID] | None, variables: Mapping[str, Any]) -> list[Choice]:
        """Whom the acting person would choose by starting a process."""
        found, instance = self._new(name, subject)
        context = self._context(instance, found.graph, None)
        return choices_to_make(found.graph, context, initiator=instance.started_by, variables=variables)

    def _lock(
        self, graph: CompiledProcess, subject: tuple[str, UUID] | None, parent: tuple[Instance, int] | None
    ) -> int | None:
        """The version from which on a process locks its subject; ``StateConflict`` where another one has it locked."""
        if not graph.definition.locks_subject or subject is None:
            return None
        with self.work.locks.within(parent[0].root_id if parent else None):
            self.work.locks.check(*subject, ())
        return self.around.version_of(subject)

    # -- steps

    def step(self, instance: Instance, event: ProcessEvent, actor: Principal | None = None) -> None:
        """Makes one step and everything that follows from it in other instances and services.

        ``actor``: the person whose rights to the task the engine checks; None for what the system does.
        """
        if self._stepping:
            self._once(instance, event, actor)
            return
        self._stepping = True
        try:
            self._once(instance, event, actor)
            while self._queue:
                instance_id, following, otherwise = self._queue.popleft()
                self._once(self.hold(instance_id), following, None, otherwise)
        finally:
            self._stepping = False
            self._queue.clear()

    def later(self, instance_id: UUID, event: ProcessEvent, otherwise: Otherwise | None = None) -> None:
        """Steps an instance once the step being made is done; ``otherwise`` is done where it awaits no such message."""
        self._queue.append((instance_id, event, otherwise))

    def _once(
        self,
        instance: Instance,
        event: ProcessEvent,
        actor: Principal | None,
        otherwise: Otherwise | None = None,
    ) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise BudgetExceeded("process steps in one command", MAX_STEPS, instance.name)
        if instance.state.ended or (isinstance(event, ANSWERS) and event.token not in instance.state.tokens):
            # An answer that nobody waits for any more.
            if otherwise is not None:
                otherwise()
            return
        if otherwise is not None and isinstance(event, happen.MessageReceived) and not awaits(instance, event):
            otherwise()
            return
        self._remember(instance.id)
        graph = self.graph(instance)
        result = step(graph, instance.state, event, self._context(instance, graph, actor))
        instances.save(self.work.connection, instance, result.state, result.history, self.work.instant)
        for effect in result.effects:
            self._carrying.carry_out(instance, effect, actor)

    def _context(self, instance: Instance, graph: CompiledProcess, actor: Principal | None) -> StepContext:
        around, app = self.around, instance.app
        if app not in self._surroundings:
            self._surroundings[app] = {
                "now": self.work.instant,
                "zone": self.work.zone,
                "directory": around.directory_of(app),
                "admins": (ADMIN, BUILDER, builder_role(app)),
                "decisions": around.decisions_of(app),
                "workload": Workload(self.work.connection, app),
                "calendars": around.calendars(app),
                "budget": around.budget,
            }
        version = around.version_of(instance.subject) if instance.subject and instance.subject_version else 0
        return StepContext(
            actor=actor,
            values=around.process_values(instance, graph),
            subject_version=version,
            **self._surroundings[app],
        )

    def surroundings(self, instance: Instance, graph: CompiledProcess) -> StepContext:
        """What a step of an instance over ``graph`` would know, made by the system."""
        return self._context(instance, graph, None)

    def carry_out(self, instance: Instance, effects: Iterable[Effect]) -> None:
        """Does what something other than a step asks for: a migration."""
        for effect in effects:
            self._carrying.carry_out(instance, effect, None)

    # -- what arrives from outside

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
        """The instances that took the message: all that wait about ``subject``, else the first waiting with this key.

        Where nobody waits, the first process that begins with the message is started. ``instance``: the one that is
        meant; where it no longer waits, nobody takes the message.
        """
        values = dict(variables or {})
        self._arrived("message", app, name, values, subject)
        if instance is not None:
            return self._answered(app, name, instance, key, values)
        return self._deliver(app, happen.MessageReceived(name=name, key=key, variables=values), subject)

    def _deliver(self, app: str, message: happen.MessageReceived, subject: tuple[str, UUID] | None) -> list[UUID]:
        """Gives a message to those who await it under their own lock: who waited a moment ago may have had another."""
        again = None if subject is not None else lambda: self._deliver(app, message, None)
        taking: list[UUID] = []
        for found in self._waiting("message", app, message.name, subject=subject, correlation=message.key):
            if awaits(self.hold(found), message):
                taking.append(found)
                if again is not None:
                    break
        for found in taking:
            self.later_or_now(found, message, again or _nothing)
        starts = [] if taking else list(self.around.starts(app, "message", message.name))[:1]
        values = message.variables
        begun = [self.begin(f"{app}.{p}", subject=subject, variables=values, node=node).id for p, node in starts]
        return taking or begun

    def _answered(self, app: str, name: str, instance: UUID, key: str, values: Mapping[str, Any]) -> list[UUID]:
        message = happen.MessageReceived(name=name, key=key, variables=dict(values))
        if instance not in self._waiting("message", app, name) or not awaits(self.hold(instance), message):
            return []
        self.later_or_now(instance, message, _nothing)
        return [instance]

    def _arrived(
        self, kind: str, app: str, name: str, values: Mapping[str, Any], subject: tuple[str, UUID] | None = None
    ) -> None:
        """Tells rules of a message or signal."""
        self.around.raise_event(f"{kind}.arrived", app=app, subject=subject, name=name, values=values)

    def signal(
        self, app: str, name: str, variables: Mapping[str, Any] | None = None, *, besides: UUID | None = None
    ) -> list[UUID]:
        """The instances that took the signal, and those it has started; ``besides`` threw it and has seen it."""
        values = dict(variables or {})
        self._arrived("signal", app, name, values)
        waiting = [found for found in self._waiting("signal", app, name) if found != besides]
        for instance_id in waiting:
            self.later_or_now(instance_id, happen.SignalReceived(name=name, variables=values))
        started = [
            self.begin(f"{app}.{process}", variables=values, node=node).id
            for process, node in self.around.starts(app, "signal", name)
        ]
        return [*waiting, *started]

    def later_or_now(self, instance_id: UUID, event: ProcessEvent, otherwise: Otherwise | None = None) -> None:
        """Steps at once, or after the step being made; see ``later``."""
        if self._stepping:
            self.later(instance_id, event, otherwise)
        else:
            self.step(self.hold(instance_id), event)

    def _waiting(
        self, kind: str, app: str, name: str, *, subject: tuple[str, UUID] | None = None, correlation: str | None = None
    ) -> list[UUID]:
        table, instance = process_subscription, process_instance
        query = (
            sa.select(table.c.instance_id)
            .distinct()
            .join(instance, instance.c.id == table.c.instance_id)
            .where(table.c.kind == kind, table.c.name == name, instance.c.app == app, ~instance.c.suspended)
            .order_by(table.c.instance_id)
        )
        if correlation is not None:
            query = query.where(table.c.correlation.in_(["", correlation]))
        if subject is not None:
            query = query.where(instance.c.subject_form == subject[0], instance.c.subject_id == subject[1])
        return list(self.work.connection.execute(query).scalars())

    def data_changed(self, form: str, record_id: UUID) -> None:
        """Lets instances about a record that wait for a condition look at it again."""
        given = {"form": form, "record": record_id}
        for row in _WAITING.all(self.work.connection, given):
            self.later_or_now(row.id, happen.DataChanged())

    def fire_timer(self, instance_id: UUID, timer: int) -> None:
        """A timer of an instance is due. One that it no longer has is passed over; a suspended one sets it anew."""
        instance = self.hold(instance_id)
        if timer in instance.state.timers and not instance.state.suspended:
            self.step(instance, happen.TimerFired(timer=timer))

    def answer(self, instance_id: UUID, event: happen.ServiceDone | happen.ServiceFailed) -> None:
        """What a service outside of the database has answered."""
        self.step(self.hold(instance_id), event)

    def require_running(self, instance: Instance) -> None:
        """``StateConflict`` where the instance has ended or is suspended."""
        if instance.state.ended or instance.state.suspended:
            state = "suspended" if instance.state.suspended else instance.state.status.value
            raise StateConflict("process.not_running", instance=str(instance.id), status=state)


def awaits(instance: Instance, message: happen.MessageReceived) -> bool:
    """Whether an instance, as it stands under its lock, waits for this message with this key."""
    if instance.state.ended or instance.state.suspended:
        return False
    return any(
        waiting.kind is SubscriptionKind.MESSAGE and waiting.name == message.name and waiting.key in ("", message.key)
        for waiting in instance.state.subscriptions.values()
    )


def _nothing() -> None:
    """Who no longer waits for a message about its record has no use for it."""

"""A shell in memory: many instances, calls between them, messages, signals and timers by a clock that is moved by hand.

For tests, simulation and trying things out; ``builder`` has the shell that keeps instances in a database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engines.core import StateConflict
from engines.process import effects as f
from engines.process import events as e
from engines.process.context import StepContext
from engines.process.graph import CompiledProcess
from engines.process.kinds import EventKind
from engines.process.state import InstanceState, SubscriptionKind, Task
from engines.process.stepping import StepResult, step

Service = Callable[[str, Mapping[str, Any]], Any]


@dataclass(slots=True, kw_only=True)
class MemoryInstance:
    """One instance with who called it."""

    id: int
    process: str
    state: InstanceState
    # Calling instance and its token.
    caller: tuple[int, int] | None = None
    # Result of the last step.
    last: StepResult | None = None


class MemoryShell:
    """Runs processes in memory. Not for several threads."""

    def __init__(
        self,
        processes: Sequence[CompiledProcess],
        context: StepContext,
        service: Service | None = None,
    ) -> None:
        """``service`` answers service tasks at once; without one they wait for ``ServiceDone``."""
        self.processes = {process.name: process for process in processes}
        self.context = context
        self.service = service
        self.instances: dict[int, MemoryInstance] = {}
        # History rows of all instances, in the order written, each with its instance.
        self.log: list[tuple[int, f.HistoryEntry]] = []

    # What people and the world do

    def start(self, process: str, variables: Mapping[str, Any] | None = None, **more: Any) -> int:
        """Starts an instance at its plain start event (or at ``node``); its id."""
        return self._start(process, e.Start(variables=variables or {}, **more)).id

    def apply(self, instance: int, event: e.ProcessEvent, context: StepContext | None = None) -> StepResult:
        """One step of one instance, and everything in other instances that follows from it."""
        found = self.instances[instance]
        result = step(self.processes[found.process], found.state, event, context or self.context)
        self._keep(found, result)
        return result

    def message(
        self, name: str, variables: Mapping[str, Any] | None = None, *, key: str = "", to: int = 0
    ) -> list[int]:
        """Gives a message to the one instance that waits for it, else starts a process with it; ids of the started."""
        for found in [self.instances[to]] if to else list(self.instances.values()):
            for subscription in found.state.subscriptions.values():
                fits = subscription.kind is SubscriptionKind.MESSAGE and subscription.name == name
                if fits and subscription.key in ("", key):
                    event = e.MessageReceived(
                        name=name, key=key, variables=variables or {}, subscription=subscription.id
                    )
                    self.apply(found.id, event)
                    return []
        starts = [] if to else self._starts(EventKind.MESSAGE, name)
        if not starts:
            raise StateConflict("process.nobody_waits", message=name, key=key)
        process, node = starts[0]
        return [self._start(process, e.Start(node=node, variables=variables or {})).id]

    def signal(self, name: str, variables: Mapping[str, Any] | None = None, *, but: int = 0) -> list[int]:
        """Broadcasts a signal; ids of the instances that it started."""
        for found in list(self.instances.values()):
            if found.id != but and any(
                s.kind is SubscriptionKind.SIGNAL and s.name == name for s in found.state.subscriptions.values()
            ):
                self.apply(found.id, e.SignalReceived(name=name, variables=variables or {}))
        starts = self._starts(EventKind.SIGNAL, name)
        return [self._start(process, e.Start(node=node, variables=variables or {})).id for process, node in starts]

    def advance(self, by: timedelta) -> None:
        """Moves the clock and fires every timer that is due, the earliest first, until none is."""
        self.context = replace(self.context, now=self.context.now + by)
        while due := self._next_timer(self.context.now):
            instance, timer = due
            self.apply(instance, e.TimerFired(timer=timer))

    def tasks(self, instance: int) -> list[tuple[int, Task]]:
        """Open tasks of an instance and of those it has called, with the id of the instance, oldest first."""
        found = [(i.id, task) for i in self.family(instance) for task in i.state.tasks.values()]
        return sorted(found, key=lambda pair: (pair[0], pair[1].id))

    def history(self, instance: int) -> list[f.HistoryEntry]:
        """The history of an instance and of those it has called, in the order written."""
        family = {i.id for i in self.family(instance)}
        return [entry for owner, entry in self.log if owner in family]

    # What follows from a step

    def _start(self, process: str, event: e.Start, caller: tuple[int, int] | None = None) -> MemoryInstance:
        if process not in self.processes:
            raise StateConflict("process.unknown_process", process=process)
        found = MemoryInstance(id=len(self.instances) + 1, process=process, state=InstanceState(), caller=caller)
        result = step(self.processes[process], found.state, event, self.context)
        self.instances[found.id] = found
        self._keep(found, result)
        return found

    def _keep(self, instance: MemoryInstance, result: StepResult) -> None:
        instance.state = result.state
        instance.last = result
        self.log += [(instance.id, entry) for entry in result.history]
        for effect in result.effects:
            self._follow(instance, effect)

    def _follow(self, instance: MemoryInstance, effect: f.Effect) -> None:
        """Does what an effect asks for."""
        match effect:
            case f.ServiceRequested() if self.service and effect.token in instance.state.tokens:
                answer = self.service(effect.service, effect.input)
                self.apply(instance.id, e.ServiceDone(token=effect.token, result=answer))
            case f.ChildStarted() if effect.token in instance.state.tokens:
                self._call(instance, effect)
            case f.ChildCancelled():
                for child in self._children(instance.id, effect.token):
                    if not child.state.ended:
                        self.apply(child.id, e.Cancel())
            case f.SignalThrown():
                self.signal(effect.name, effect.payload, but=instance.id)
            case f.MessageThrown():
                self._deliver(effect)
            case f.InstanceEnded() if instance.caller:
                self._return(instance.caller, effect)
            case f.EscalationRaised() if instance.caller:
                caller, token = instance.caller
                self.apply(caller, e.ChildEscalated(token=token, code=effect.code, variables=effect.payload))

    def _call(self, instance: MemoryInstance, effect: f.ChildStarted) -> None:
        """Starts a called process; one that is not there is a failure of the call."""
        if effect.process not in self.processes:
            self.apply(instance.id, e.ChildFailed(token=effect.token, code="process.unknown_process"))
            return
        start = e.Start(variables=effect.variables, initiator=instance.state.initiator, called=True)
        self._start(effect.process, start, (instance.id, effect.token))

    def _deliver(self, effect: f.MessageThrown) -> None:
        """A thrown message reaches whoever waits for it; nobody has to."""
        waits = any(
            s.kind is SubscriptionKind.MESSAGE and s.name == effect.name and s.key in ("", effect.key)
            for i in self.instances.values()
            for s in i.state.subscriptions.values()
        )
        if waits or self._starts(EventKind.MESSAGE, effect.name):
            self.message(effect.name, effect.payload, key=effect.key)

    def _return(self, caller: tuple[int, int], effect: f.InstanceEnded) -> None:
        """The calling instance goes on after the called one."""
        instance, token = caller
        if token not in self.instances[instance].state.tokens:
            return
        if effect.error:
            self.apply(instance, e.ChildFailed(token=token, code=effect.error, variables=effect.variables))
        else:
            self.apply(instance, e.ChildEnded(token=token, variables=effect.variables))

    def _starts(self, kind: EventKind, name: str) -> list[tuple[str, str]]:
        return [
            (process.name, node.name)
            for process in self.processes.values()
            for node in process.start_events(kind)
            if node.event and node.event.name == name
        ]

    def _next_timer(self, now: datetime) -> tuple[int, int] | None:
        due = [
            (timer.due, instance.id, timer.id)
            for instance in self.instances.values()
            for timer in instance.state.timers.values()
            if timer.due <= now and not instance.state.suspended
        ]
        return min(due)[1:] if due else None

    def _children(self, instance: int, token: int = 0) -> list[MemoryInstance]:
        return [
            i for i in self.instances.values()
            if i.caller and i.caller[0] == instance and token in (0, i.caller[1])
        ]  # fmt: skip

    def family(self, instance: int) -> list[MemoryInstance]:
        """An instance with those that it has called."""
        found = [self.instances[instance]]
        for child in self._children(instance):
            found += self.family(child.id)
        return found

"""What a step asks the shell to do, as data, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engines.core import LocalizedText
from engines.process.definition import FieldAccess, OutcomeDefinition
from engines.process.state import Clock, Subscription, Task, Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOpened:
    """A user task is to be shown to people; ``task`` holds assignee, candidates, due time and priority."""

    task: Task
    label: LocalizedText
    form: str
    layout: str
    outcomes: tuple[OutcomeDefinition, ...]
    fields: tuple[FieldAccess, ...]
    checklist: tuple[str, ...] = ()
    # "none", "optional" or "required".
    signature: str = "none"
    # Ways besides the inbox in which its people are told: "mail", a chat channel.
    channels: tuple[str, ...] = ()
    # People who get it for information only.
    copies: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRedefined:
    """An open task is now one of another version's step: ``opened`` holds its page, outcomes and field rights."""

    opened: TaskOpened


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChanged:
    """Assignee, candidates, status or due time of an open task are now those of ``task``; ``verb`` says by what."""

    task: Task
    verb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClosed:
    """A task is over: "completed", or "cancelled" because the process went on without it."""

    task: Task
    reason: str
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCopied:
    """People get a task for information (抄送)."""

    task: Task
    people: tuple[UUID, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReminded:
    """The people of a task are asked to hurry (催办)."""

    task: Task
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTimed:
    """Due time of an open task, or how its time limits stand, are now those of ``task``."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChanged:
    """The clock of a time limit has begun, stands, goes on or is over.

    ``status``: running, paused, and when it is over met, breached or cancelled.
    """

    clock: Clock
    label: LocalizedText
    status: str
    # When it is over: who ended it, and how much of the allowed time was used.
    by: UUID | None = None
    used: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaActed:
    """Something is told because of a time limit; nobody to be told is told to the admins."""

    clock: Clock
    # warn, remind, escalate, transfer, complete
    do: str
    action: str
    label: LocalizedText
    message: LocalizedText
    people: tuple[UUID, ...] = ()
    roles: tuple[str, ...] = ()
    # The task it is about; None for an activity without.
    task: Task | None = None
    # Whether the people named have a part in the task already.
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSet:
    """At ``timer.due`` the shell steps the instance with ``TimerFired``."""

    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerCancelled:
    """The timer no longer fires."""

    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionOpened:
    """The instance waits for a message or signal."""

    subscription: Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionClosed:
    """The instance waits no longer."""

    subscription: Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequested:
    """The shell calls the service and answers with ``ServiceDone`` or ``ServiceFailed``."""

    token: int
    node: str
    service: str
    input: Mapping[str, Any]
    # 1 for the first time.
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCancelled:
    """The answer is no longer awaited."""

    token: int
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStarted:
    """The shell starts an instance of ``process`` and answers with ``ChildEnded`` or ``ChildFailed``."""

    token: int
    node: str
    process: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCancelled:
    """The called process is to be cancelled."""

    token: int
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageThrown:
    """A message leaves the instance."""

    node: str
    name: str
    key: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalThrown:
    """A signal is broadcast; this instance's own waiting events have caught it already."""

    node: str
    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRaised:
    """An escalation that nothing in the instance caught; for the calling process."""

    node: str
    code: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something went wrong and waits for an admin; ``Retry`` with ``id`` goes on."""

    id: int
    token: int
    node: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEnded:
    """The instance is over; ``status`` as in ``InstanceStatus``."""

    status: str
    variables: Mapping[str, Any]
    # Uncaught error of a called process.
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One row of the append-only history."""

    # "entered", "completed", "cancelled", "flow", "variables", "task.<verb>", "timer", "message", "signal", "error",
    # "escalation", "incident", "instance.<status>" …
    kind: str
    at: datetime
    # Node or flow.
    node: str = ""
    # Token, scope or task it concerns.
    element: int = 0
    by: UUID | None = None
    # What explains it: conditions and their values, who was found, comments.
    data: Mapping[str, Any] = field(default_factory=dict)


Effect = (
    TaskOpened
    | TaskRedefined
    | TaskChanged
    | TaskClosed
    | TaskCopied
    | TaskReminded
    | TaskTimed
    | ClockChanged
    | SlaActed
    | TimerSet
    | TimerCancelled
    | SubscriptionOpened
    | SubscriptionClosed
    | ServiceRequested
    | ServiceCancelled
    | ChildStarted
    | ChildCancelled
    | MessageThrown
    | SignalThrown
    | EscalationRaised
    | Incident
    | InstanceEnded
)

"""The live state of one process instance: plain data, nothing of what is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from engines.process.codec import from_plain, to_plain
from engines.process.values import decode, encode

FORMAT = 1
# Id of the scope that stands for the process itself.
ROOT = 1


class InstanceStatus(StrEnum):
    """Where an instance stands; all but ``CREATED`` and ``RUNNING`` are final."""

    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    # A terminate end event, an uncaught error of a called process, or an admin, ended it.
    TERMINATED = "terminated"
    FAILED = "failed"
    CANCELLED = "cancelled"
    # The initiator took it back before anybody acted (撤回).
    WITHDRAWN = "withdrawn"
    # Ended by a rejection.
    REJECTED = "rejected"


class TokenStatus(StrEnum):
    """What a token is doing."""

    ACTIVE = "active"
    # Arrived at a joining gateway, the others are awaited.
    JOINING = "joining"
    # Waits until the compensation it threw is done.
    COMPENSATING = "compensating"
    # Stopped by an error that somebody has to mend.
    INCIDENT = "incident"


class ScopeKind(StrEnum):
    """What a scope stands for."""

    PROCESS = "process"
    SUB_PROCESS = "sub_process"
    EVENT_SUB_PROCESS = "event_sub_process"
    # A multi-instance or looping activity as a whole.
    MULTI = "multi"
    COMPENSATION = "compensation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token at a node. Its id stays while it moves along single flows."""

    id: int
    node: str
    scope: int
    status: TokenStatus = TokenStatus.ACTIVE
    # Flow over which it arrived; empty at a start.
    flow: str = ""
    # Forks that it went through and has not been joined from, outermost first.
    thread: tuple[int, ...] = ()
    # Times that the service at this node has been tried.
    tries: int = 0
    # Node to which it goes directly when this one is completed: "return to me".
    back_to: str = ""
    # Who gets the user task here again, after a return.
    again: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiState:
    """Counters of a multi-instance or looping activity."""

    total: int
    started: int = 0
    completed: int = 0
    items: tuple[Any, ...] = ()
    results: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """A completed activity that can be compensated."""

    # Activity that was completed.
    node: str
    # Activity that undoes it; or the event sub-process that does; neither: ``inner`` is undone in reverse order.
    handler: str = ""
    event_sub_process: str = ""
    inner: tuple[Compensation, ...] = ()
    # Variables of its scope as they were at completion.
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A live sub-process, multi-instance body or the process itself."""

    id: int
    # Its node; empty for the process and for compensation.
    node: str
    # Enclosing scope; 0 for the process.
    parent: int
    kind: ScopeKind
    # Tokens and scopes directly inside.
    live: int = 0
    thread: tuple[int, ...] = ()
    flow: str = ""
    back_to: str = ""
    multi: MultiState = MultiState(total=0)
    # What was completed inside and may be compensated, in order of completion.
    compensations: tuple[Compensation, ...] = ()
    # Scopes of compensation: what is still to be undone, and the token that waits for it (0: a cancelled transaction).
    queue: tuple[Compensation, ...] = ()
    resume: int = 0


class TaskStatus(StrEnum):
    """Whether a task can be completed now."""

    OPEN = "open"
    # Waits for people added before it, or for a delegate.
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An open task of a person."""

    id: int
    token: int
    node: str
    created_at: datetime
    status: TaskStatus = TaskStatus.OPEN
    # Who has it; None while several are candidates.
    assignee: UUID | None = None
    people: tuple[UUID, ...] = ()
    roles: tuple[str, ...] = ()
    # Who delegated it (委派) and gets it back when it is resolved.
    owner: UUID | None = None
    # Task that waits for this one (added before), or after which it was added.
    added_to: int = 0
    added_by: UUID | None = None
    # People whose tasks open after this one is completed (后加签), in order.
    after: tuple[UUID, ...] = ()
    priority: str = "normal"
    due_at: datetime | None = None
    reminded_at: datetime | None = None
    # How its time limits stand: "", running, warned, paused or breached; and its due time without them.
    sla: str = ""
    planned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's decision in a task that several decide."""

    by: UUID | None
    outcome: str
    at: datetime
    comment: str = ""
    task: int = 0
    # Given by the engine because the person had decided before.
    automatic: bool = False
    # Version of the subject that it is about; 0 where nobody keeps count.
    seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A user task that several people decide, by the token that stands at it."""

    token: int
    mode: str
    total: int
    ratio: str = ""
    # Sequential: people whose turn has not come.
    queue: tuple[UUID, ...] = ()
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A timer that runs."""

    id: int
    node: str
    # Token or scope that it belongs to and ends with.
    owner: int
    due: datetime
    # "event", "retry" of a failed service, or "sla" of a time limit.
    purpose: str = "event"
    # Cycles: what is left after this one (-1: without end) and the cycle as text.
    left: int = 0
    cycle: str = ""
    # The clock that it belongs to, for the purpose "sla".
    clock: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The running clock of a time limit on a live activity."""

    id: int
    node: str
    # Name of the limit.
    sla: str
    # Token or scope of the activity; 0 while the step was returned and has not been opened again.
    owner: int
    started_at: datetime
    # Time allowed, in its calendar and by the hours of ``counts_in``.
    target: timedelta
    calendar: str = ""
    counts_in: UUID | None = None
    # While it runs: when the limit is reached. While it stands: what is left, negative once it was passed.
    due_at: datetime | None = None
    left: timedelta | None = None
    # Why it stands: "condition", "person", "suspended", "returned".
    held: tuple[str, ...] = ()
    held_at: datetime | None = None
    # Time for which it has stood so far, by the wall clock.
    paused: timedelta = timedelta()
    warned: bool = False
    breached_at: datetime | None = None
    # Who has the task and for which department it counts; after the breach those who had it then.
    person: UUID | None = None
    department: UUID | None = None
    # How often each action was done.
    done: Mapping[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether time counts."""
        return not self.held


class SubscriptionKind(StrEnum):
    """What a subscription waits for."""

    MESSAGE = "message"
    SIGNAL = "signal"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Something from outside that the instance waits for."""

    id: int
    node: str
    owner: int
    kind: SubscriptionKind
    # Message or signal name; empty for conditions.
    name: str = ""
    # Correlation key as text; empty when the message needs none.
    key: str = ""
    # Conditions: whether it held when last asked; it fires when it becomes true.
    held: bool = False
    # The clock that stands still while the condition holds.
    clock: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """Something that went wrong and waits for an admin."""

    id: int
    token: int
    node: str
    # Stable code, for example "process.no_flow_taken".
    code: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The last completion of a user task: what return, take back and withdraw start from."""

    node: str
    scope: int
    thread: tuple[int, ...]
    by: UUID | None
    # Counter of completions, to tell earlier from later.
    serial: int
    outcome: str = ""
    # Everybody who approved there.
    approvers: tuple[UUID, ...] = ()
    # Version of the subject that they approved; 0 where nobody keeps count.
    seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceState:
    """Everything that is live of one instance. Values are immutable; a step returns a new state."""

    status: InstanceStatus = InstanceStatus.CREATED
    suspended: bool = False
    initiator: UUID | None = None
    # Token of the calling instance; None for instances of their own.
    called: bool = False
    # People whom the initiator has chosen for later steps, by user task.
    choices: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    # Ids of tokens, scopes, tasks, timers, subscriptions and incidents come from one counter.
    next_id: int = ROOT
    serial: int = 0
    tokens: Mapping[int, Token] = field(default_factory=dict)
    scopes: Mapping[int, Scope] = field(default_factory=dict)
    tasks: Mapping[int, Task] = field(default_factory=dict)
    approvals: Mapping[int, Approval] = field(default_factory=dict)
    timers: Mapping[int, Timer] = field(default_factory=dict)
    clocks: Mapping[int, Clock] = field(default_factory=dict)
    subscriptions: Mapping[int, Subscription] = field(default_factory=dict)
    incidents: Mapping[int, OpenIncident] = field(default_factory=dict)
    passed: Mapping[str, Passed] = field(default_factory=dict)
    # Variables by scope; those of the process stand under ROOT.
    variables: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more."""
        return self.status not in (InstanceStatus.CREATED, InstanceStatus.RUNNING)

    @property
    def process_variables(self) -> Mapping[str, Any]:
        """The variables of the process itself (they outlive its end)."""
        return self.variables.get(ROOT, {})

    def to_json(self) -> dict[str, Any]:
        """The state as JSON data with its format version."""
        return {"format": FORMAT, **self.head(), **{name: self.rows(name) for name in TABLES}}

    def head(self) -> dict[str, Any]:
        """What stands once for each instance: status, counters, initiator."""
        plain: dict[str, Any] = {} if self.status is InstanceStatus.CREATED else {"status": self.status.value}
        if self.suspended:
            plain["suspended"] = True
        if self.initiator is not None:
            plain["initiator"] = str(self.initiator)
        if self.called:
            plain["called"] = True
        if self.choices:
            plain["choices"] = encode(self.choices)
        if self.next_id != ROOT:
            plain["next_id"] = self.next_id
        if self.serial:
            plain["serial"] = self.serial
        return plain

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of one of :data:`TABLES` as JSON data, in order of creation."""
        if table == "variables":
            return [{"scope": scope, "values": encode(dict(values))} for scope, values in self.variables.items()]
        return [to_plain(row) for row in getattr(self, table).values()]

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> InstanceState:
        """The state that :meth:`to_json` wrote. A ``ValueError`` for an unknown format."""
        if data.get("format") != FORMAT:
            raise ValueError(f"process state of format {data.get('format')!r}; this engine reads format {FORMAT}")
        tables: dict[str, Any] = {
            name: {getattr(row, key): row for row in (from_plain(cls, part) for part in data.get(name, ()))}
            for name, (cls, key) in _ROW_TYPES.items()
        }
        tables["variables"] = {row["scope"]: decode(row["values"]) for row in data.get("variables", ())}
        head = from_plain(InstanceState, {name: data[name] for name in _HEAD if name in data})
        return InstanceState(**{name: getattr(head, name) for name in _HEAD}, **tables)

    def changes(self, before: InstanceState) -> Iterator[tuple[str, int | str, Any]]:
        """(table, key, row or None when it is gone) for every row that differs from ``before``.

        Unchanged rows are the same objects, so this costs a look at each live row, not a comparison of values.
        """
        for table in TABLES:
            old, new = getattr(before, table), getattr(self, table)
            if old is new or not (old or new):
                continue
            for key, row in new.items():
                if old.get(key) is not row:
                    yield table, key, row
            for key in old:
                if key not in new:
                    yield table, key, None


_HEAD = ("status", "suspended", "initiator", "called", "choices", "next_id", "serial")
_ROW_TYPES: dict[str, tuple[type[Any], str]] = {
    "tokens": (Token, "id"),
    "scopes": (Scope, "id"),
    "tasks": (Task, "id"),
    "approvals": (Approval, "token"),
    "timers": (Timer, "id"),
    "clocks": (Clock, "id"),
    "subscriptions": (Subscription, "id"),
    "incidents": (OpenIncident, "id"),
    "passed": (Passed, "node"),
}
# The parts of a state that are kept as rows.
TABLES = (*_ROW_TYPES, "variables")

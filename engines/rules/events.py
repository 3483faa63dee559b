"""What rules are run on, and what a run gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from engines.core.ports import WorkingCalendar
from engines.rules.actions import RecordRef

if TYPE_CHECKING:
    from engines.feel import EvaluationContext
    from engines.rules.firing import Firing


class EventKind(StrEnum):
    """Kinds of events that rules can wait for."""

    RECORD_CREATED = "record.created"
    RECORD_UPDATED = "record.updated"
    RECORD_DELETED = "record.deleted"
    RECORD_RESTORED = "record.restored"
    PROCESS_STARTED = "process.started"
    PROCESS_COMPLETED = "process.completed"
    PROCESS_CANCELLED = "process.cancelled"
    TASK_CREATED = "task.created"
    TASK_CLAIMED = "task.claimed"
    TASK_COMPLETED = "task.completed"
    MESSAGE_ARRIVED = "message.arrived"
    SIGNAL_ARRIVED = "signal.arrived"
    # A timer, schedule, absence or date of one rule has come due, for one record where there is one.
    RULE_DUE = "rule.due"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvent:
    """One thing that happened, as rules see it. Expressions read it as ``event``: its payload, ``kind`` and ``at``."""

    kind: EventKind
    # Instant of the command, aware, UTC.
    at: datetime
    # What it is about: the record itself, or the subject of the process or task; None for a plain message.
    record: RecordRef | None = None
    # Process name, "process.task", message or signal name; the rule's name for ``rule.due``.
    name: str = ""
    # Fields whose value changed (record.updated); for record.created it is worked out from the values.
    changed: frozenset[str] = frozenset()
    # Outcome, variables of a process, values of a message …
    payload: Mapping[str, Any] = field(default_factory=dict)
    # For ``rule.due``: which of the rule's triggers.
    trigger: int = 0
    # For ``rule.due``: the key under which the runtime keeps that it has fired (see ``Sweep``).
    spell: str = ""
    # Id of the core event, kept in traces.
    id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """What the runtime keeps per rule and record, for rules that need it (``Firing.memory``, ``Rule.remembers``)."""

    # Whether the condition held when the rule was last looked at.
    holds: bool = False
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleData:
    """What a run may read. Mappings may load lazily; only what ``RuleSet.reads`` lists is asked for."""

    # The event's record: fields, references as mappings, relations as lists of mappings; with ``id``.
    record: Mapping[str, Any]
    context: EvaluationContext
    # The record before the change; None where it did not exist or the event changes none.
    previous: Mapping[str, Any] | None = None
    # me, my_departments, settings and the like.
    variables: Mapping[str, Any] = field(default_factory=dict)
    # State of a rule for the event's record; None where none is kept yet.
    state: Callable[[str], RuleState | None] = lambda rule: None
    # Working calendars by name, for delays "by calendar".
    calendar: Callable[[str], WorkingCalendar | None] = lambda name: None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRequest:
    """A delay that began: at ``due_at`` raise ``rule.due`` with the same rule, trigger, record and payload."""

    rule: str
    trigger: int
    due_at: datetime
    record: RecordRef | None
    # What the event carried, to be handed back in the ``rule.due`` event.
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """Why a rule that was looked at did or did not fire."""

    rule: str
    fired: bool
    # fired, otherwise, condition, null, unless, not_meant, not_becoming, cool_down, not_valid or delayed.
    why: str
    # Values that the condition read, by path.
    inputs: Mapping[str, Any] = field(default_factory=dict)
    # Failures behind a null, as texts.
    failures: tuple[str, ...] = ()


class RuleResult(NamedTuple):
    """What rules made of one event."""

    # In the order in which they are to be carried out.
    firings: tuple[Firing, ...] = ()
    timers: tuple[TimerRequest, ...] = ()
    # New state of rules that remember, by rule; to be stored per (rule, record).
    states: Mapping[str, RuleState] = MappingProxyType({})
    # Empty unless tracing was asked for.
    trace: tuple[TraceEntry, ...] = ()

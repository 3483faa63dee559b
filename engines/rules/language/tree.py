"""The tree of a rules file: what the text says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from engines.core import Place

_NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Expr:
    """A FEEL expression as written."""

    text: str
    # Where its first character stands; not part of its meaning.
    place: Place = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every statement has: its place and its comments."""

    KIND: ClassVar[str] = ""
    place: Place = field(default=_NOWHERE, compare=False)
    # Comment lines above it, without "//".
    above: tuple[str, ...] = ()
    # The comment at the end of its line.
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time: an amount, evaluated when needed, of a unit."""

    amount: Expr
    # minutes, hours, days, weeks, months or years.
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A delay: the rule runs that long after its event, unless the condition then holds."""

    duration: Duration
    # Name of a working calendar in which the duration counts; "" for plain time.
    calendar: str = ""
    unless: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent(Node):
    """Something happened to a record of a form."""

    KIND = "record"
    form: str
    # created, updated, saved (created or updated), deleted or restored.
    what: str
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanged(Node):
    """A field has another value than before."""

    KIND = "changed"
    form: str
    field: str
    before: Expr | None = None
    after: Expr | None = None
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCrosses(Node):
    """A field has crossed a limit."""

    KIND = "crosses"
    form: str
    field: str
    # rises_above, reaches, falls_below or sinks_to.
    how: str
    limit: Expr
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvent(Node):
    """A process has begun or ended."""

    KIND = "process"
    process: str
    # started, completed or cancelled.
    what: str
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent(Node):
    """A task has moved on; a task that a rule gave is called by the rule's name."""

    KIND = "task"
    # "process.task", or the name of a task that a rule gave.
    task: str
    # created, claimed or completed.
    what: str
    outcome: Expr | None = None
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival(Node):
    """A message or signal has come in."""

    KIND = "arrival"
    # message or signal.
    what: str
    name: str
    delay: Delay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence(Node):
    """Nothing has come for a while: once per dry spell."""

    KIND = "absence"
    form: str
    relation: str
    where: Expr | None = None
    # Field of the related records that dates them; "" means their creation.
    dated_by: str = ""
    lasting: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReached(Node):
    """A date of a record is near, today or past."""

    KIND = "date"
    form: str
    field: str
    # before, today or past.
    side: str
    distance: Duration | None = None
    # once, yearly or lunar.
    repeat: str = "once"
    # Local time of day, "HH:MM"; "" is the start of the day.
    at: str = ""
    # Which records are meant; None means all.
    where: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Node):
    """A time that comes again and again."""

    KIND = "schedule"
    # hour, day, week, month, quarter, half_year, year or cron.
    rhythm: str
    cron: str = ""
    # Day of the week (1 is Monday), of the month, of the quarter, half year or year; counts from the end when above.
    on_day: int = 1
    at: str = ""
    zone: str = ""
    calendar: str = ""
    # any, only (skips days off) or next (moves to the next working day).
    working_days: str = "any"
    # Form whose records it runs for; "" runs once, without a record.
    form: str = ""
    # Which of them are meant; None means all.
    where: Expr | None = None


Trigger = (
    RecordEvent | FieldChanged | FieldCrosses | ProcessEvent | TaskEvent | Arrival | Absence | DateReached | Schedule
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A name and its value."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is meant: a role, a person, somebody's manager, a department's head, a mail address."""

    # role, person, manager_of, department_head_of or address.
    by: str
    # Role name; "" for the others.
    role: str = ""
    value: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Node):
    """Gives fields of the record, or of one it refers to, new values."""

    KIND = "set"
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Node):
    """Creates a record of a form, from nothing or after the model of another record."""

    KIND = "create"
    form: str
    # Record whose fields of the same names, sub-tables among them, the new one begins with.
    template: Expr | None = None
    # Relations of the template whose records are made anew for the new record.
    including: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Node):
    """Gives fields of another record new values."""

    KIND = "update"
    record: Expr
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Node):
    """Moves a record to the recycle bin."""

    KIND = "delete"
    record: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag(Node):
    """Adds a tag, or several, to the record or takes them away."""

    KIND = "tag"
    add: bool
    tag: Expr
    record: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Node):
    """Puts the record into a named pool or takes it out."""

    KIND = "pool"
    add: bool
    pool: str
    record: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(Node):
    """Makes somebody the owner of the record."""

    KIND = "assign"
    record: Expr | None = None
    to: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveTask(Node):
    """Puts a task into people's inboxes."""

    KIND = "task_for"
    title: Expr
    people: tuple[Person, ...]
    due: Expr | None = None
    priority: Expr | None = None
    record: Expr | None = None
    saying: Expr | None = None
    values: tuple[Assignment, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Node):
    """Tells people something, through channels."""

    KIND = "notify"
    people: tuple[Person, ...]
    via: tuple[str, ...] = ()
    template: str = ""
    saying: Expr | None = None
    level: Expr | None = None
    record: Expr | None = None
    values: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Node):
    """Sends a link whose answer comes back as a message."""

    KIND = "ask"
    people: tuple[Person, ...]
    # Kind of answer: yes_no or score, or another that the product offers.
    answer: str
    via: tuple[str, ...] = ()
    template: str = ""
    saying: Expr | None = None
    record: Expr | None = None
    values: tuple[Assignment, ...] = ()
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess(Node):
    """Starts a process."""

    KIND = "start_process"
    process: str
    record: Expr | None = None
    values: tuple[Assignment, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Node):
    """Sends a message to waiting processes, or raises a signal for all."""

    KIND = "send"
    # message or signal.
    what: str
    message: str
    record: Expr | None = None
    values: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide(Node):
    """Calls a decision and keeps its outputs under a name."""

    KIND = "decide"
    decision: str
    values: tuple[Assignment, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recompute(Node):
    """Scores one record anew against the cut points in force."""

    KIND = "recompute"
    model: str
    record: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Node):
    """Refuses the command with a message, on a field where one is named."""

    KIND = "refuse"
    saying: Expr
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Node):
    """Asks the person to confirm before the command goes on."""

    KIND = "confirm"
    saying: Expr
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTimeline(Node):
    """Writes an entry to a record's timeline."""

    KIND = "timeline"
    saying: Expr
    record: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Node):
    """Ends this rule and keeps later rules from seeing the event."""

    KIND = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Actions in order."""

    actions: tuple[Action, ...] = ()
    # Comment lines before the word that closes it.
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Node):
    """A choice among actions."""

    KIND = "choose"
    condition: Expr
    then: Block
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach(Node):
    """Does actions for each element of a list, or for each record of a form that meets a condition."""

    KIND = "for_each"
    name: str
    # One of the two is given.
    items: Expr | None = None
    form: str = ""
    where: Expr | None = None
    do: Block


Action = (
    Set
    | Create
    | Update
    | Delete
    | Tag
    | Pool
    | Assign
    | GiveTask
    | Notify
    | Ask
    | StartProcess
    | Send
    | Decide
    | Recompute
    | Refuse
    | Confirm
    | WriteTimeline
    | Stop
    | Choose
    | ForEach
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Node):
    """One rule."""

    KIND = "rule"
    name: str
    # Visible name: FEEL text or a context of languages; "" where none is given.
    label: str = ""
    # Higher runs earlier.
    priority: int = 0
    # Fires only when the condition becomes true, not while it stays so.
    becoming: bool = False
    cool_down: Duration | None = None
    # ISO dates, both inclusive; "" is open.
    valid_from: str = ""
    valid_until: str = ""
    owned_by: str = ""
    reason: str = ""
    stop_after: bool = False
    switched_off: bool = False
    triggers: tuple[Trigger, ...]
    condition: Expr | None = None
    # Comment lines above "if".
    above_condition: tuple[str, ...] = ()
    then: Block
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """All rules of a file, in order."""

    rules: tuple[Rule, ...] = ()
    # Comment lines after the last rule.
    closing: tuple[str, ...] = ()
    # Language of most keywords: "en" or "zh".
    language: str = "en"

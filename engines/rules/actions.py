"""What rules want done, as data. ``builder`` carries it out; ``reply`` in each docstring is what it sends back.

A firing's steps are a generator: each action is computed when the one before it has been carried out, so that a
rule may use what a decision gave or what a new score is. See ``engines.rules.firing.carry_out``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRef:
    """A record by form and id."""

    # Name of the form, as the rule's app knows it; "" where it could not be told before the run.
    form: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is meant. ``builder`` resolves it through the directory."""

    # role, person, manager_of, department_head_of or address.
    by: str
    # Name of a role, for ``role``.
    role: str = ""
    # Person (``person``, ``manager_of``), or department (``department_head_of``).
    id: UUID | None = None
    # Mail address, for ``address``.
    address: str = ""


# A text as the rule gives it: one for all languages, or by language.
Text = str | Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    """Gives fields new values. Reply: None, or the values as stored."""

    record: RecordRef
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRecord:
    """Creates a record. Reply: the new record's values with its ``id``.

    With a ``template`` it begins with that record's values of fields that both forms have, and for each relation in
    ``including`` the template's records are made anew in the same way, for the new record.
    """

    form: str
    values: Values
    template: RecordRef | None = None
    including: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRecord:
    """Moves a record to the recycle bin. Reply: None."""

    record: RecordRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Adds tags to a record's tag field; those it has stay once. Reply: None."""

    record: RecordRef
    tags: tuple[str, ...]
    field: str = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Untag:
    """Takes tags away; those it has not are passed over. Reply: None."""

    record: RecordRef
    tags: tuple[str, ...]
    field: str = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToPool:
    """Puts a record into a named pool, once. Reply: None."""

    record: RecordRef
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFromPool:
    """Takes a record out of a named pool. Reply: None."""

    record: RecordRef
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Makes somebody the owner of a record. Reply: None."""

    record: RecordRef
    to: Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tells people something. Reply: None."""

    recipients: tuple[Recipient, ...]
    # Names of channels: in_app, mail, webhook or others that are plugged in; empty is the people's own choice.
    channels: tuple[str, ...] = ()
    # Name of a template; "" where ``text`` is given.
    template: str = ""
    text: Text = ""
    # "" is ordinary; the product knows "high" and "critical".
    level: str = ""
    record: RecordRef | None = None
    # Further values for the template.
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAnswer:
    """Sends a link that takes an answer without signing in; it comes back as a message. Reply: None."""

    recipients: tuple[Recipient, ...]
    # yes_no, score, or another kind that the product offers.
    answer: str
    channels: tuple[str, ...] = ()
    template: str = ""
    text: Text = ""
    record: RecordRef | None = None
    # Name of the message that carries the answer; "" only records it.
    reply_message: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTask:
    """Puts a task into inboxes. Reply: its values with ``id``."""

    title: Text
    recipients: tuple[Recipient, ...]
    due: datetime | date | None = None
    # "" is ordinary; "high", "low" …
    priority: str = ""
    record: RecordRef | None = None
    text: Text = ""
    values: Values = field(default_factory=dict)
    # Name under which "when task … is completed" knows it: the rule's name.
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess:
    """Starts a process. Reply: a mapping with ``id`` of the instance."""

    process: str
    record: RecordRef | None = None
    variables: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage:
    """Sends a message to processes that wait for it (about ``record`` where given). Reply: None."""

    message: str
    record: RecordRef | None = None
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """Raises a signal for everybody who listens. Reply: None."""

    signal: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Calls a decision. Reply: its output value."""

    decision: str
    inputs: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Scores one record anew against the cut points in force and stores it. Reply: the record's values, or None."""

    model: str
    record: RecordRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Refuses the command: an ``InputError`` at ``field`` ("" is the record). Reply: never comes."""

    text: Text
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Asks the person to confirm; until then the command is refused with severity "warning". Reply: None."""

    text: Text
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTimeline:
    """Writes an entry to a record's timeline. Reply: None."""

    record: RecordRef
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRecords:
    """Asks for the records of a form that meet a condition. Reply: a list of records' values, each with ``id``.

    ``engines.rules.where_clause`` turns the condition into SQL over the form's source.
    """

    form: str
    # What the rule calls each record.
    name: str
    # Condition as compiled; None takes all. Opaque to ``builder``.
    where: Any = None
    # Values of the names of the rule that the condition uses.
    variables: Values = field(default_factory=dict)
    # Paths of each record that the rule goes on to read.
    reads: frozenset[tuple[str, ...]] = frozenset()


Action = (
    SetFields
    | CreateRecord
    | DeleteRecord
    | Tag
    | Untag
    | AddToPool
    | RemoveFromPool
    | Assign
    | Notify
    | AskAnswer
    | CreateTask
    | StartProcess
    | SendMessage
    | SendSignal
    | Decide
    | Score
    | Refuse
    | Confirm
    | WriteTimeline
    | FindRecords
)

"""What comes back from records: one record, a change, a batch, a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engines.core import Event, InputProblem

MASK = "•••"
_SYSTEM = frozenset(
    ("id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "department", "deleted_at")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as somebody may see it."""

    # Qualified name of its form.
    form: str
    id: UUID
    version: int
    # Field name to value, computed ones included; what may not be seen is missing, what is masked is "•••".
    values: Mapping[str, Any]
    created_at: datetime
    created_by: UUID | None = None
    updated_at: datetime
    updated_by: UUID | None = None
    owner: UUID | None = None
    department: UUID | None = None
    # Set while it lies in the recycle bin.
    deleted_at: datetime | None = None
    # Reference field to the title of the record it points to, where that may be seen.
    titles: dict[str, str] = field(default_factory=dict)
    # Names of the fields that are shown as "•••".
    masked: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Any:
        """The value of a field, or of one that every record has; ``KeyError`` where it may not be seen."""
        return self.values[name] if name in self.values else self.system()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Like ``record[name]``, with a default for what may not be seen."""
        if name in self.values:
            return self.values[name]
        return getattr(self, name) if name in _SYSTEM else default

    def system(self) -> dict[str, Any]:
        """The fields that every record has, by the names that expressions use."""
        return {
            "id": self.id,
            "version": self.version,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
            "owner": self.owner,
            "department": self.department,
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as one mapping: system fields and values."""
        return {**self.system(), **self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChange:
    """What a write did."""

    record: Record
    # The record as it was; None for a new one.
    before: Record | None
    events: tuple[Event, ...]
    # Names of the fields that changed.
    changed: tuple[str, ...] = ()
    # Warnings and hints of the form's constraints; none of them refuses.
    problems: tuple[InputProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a batch did: everything that was right, unless it was to be all or nothing."""

    # Ids in the order of the rows; None for a row that was refused.
    ids: Sequence[UUID | None]
    # Row number (from 0) to what is wrong with it.
    problems: Mapping[int, tuple[InputProblem, ...]]
    events: tuple[Event, ...]

    @property
    def created(self) -> int:
        """How many records were made."""
        return sum(1 for found in self.ids if found is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many records there are, up to a cap."""

    value: int
    # True where there are more: "1,000+".
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list."""

    records: tuple[Record, ...]
    # Opaque cursor of the next page; None on the last.
    next: str | None
    # None where it was not asked for.
    count: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that a version changed."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVersion:
    """One version in a record's history, newest first in lists."""

    version: int
    at: datetime
    # Person who made it; None for the system.
    by: UUID | None
    # Id of the command that made it: who and why stand there.
    command: UUID | None
    # "created", "updated", "computed", "deleted" or "restored"
    kind: str
    changes: tuple[FieldChange, ...]

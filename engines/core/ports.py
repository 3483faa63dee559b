"""Small protocols through which engines receive what they may not fetch themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID


class Definitions(Protocol):
    """The definitions of one app and of those it may refer to, for checks across files."""

    def get(self, kind: str, name: str) -> Any | None:
        """The loaded definition of ``kind`` ("form", "process", "decision", "options", "role" …), or None.

        ``name`` is looked up in the app itself; "other_app.name" in another.
        """

    def names(self, kind: str) -> Sequence[str]:
        """All names of ``kind`` in the app itself, in file order."""


class Directory(Protocol):
    """People, roles and departments, as assignments and notifications need them."""

    def people_with_role(self, role: str) -> Sequence[UUID]:
        """Active people who hold a qualified role."""

    def manager_of(self, person: UUID, level: int = 1) -> UUID | None:
        """The person ``level`` steps up the reporting line, or None at its end."""

    def department_of(self, person: UUID) -> UUID | None:
        """The person's main department."""

    def members_of(self, department: UUID) -> Sequence[UUID]:
        """Active people in a department, with all departments below it."""

    def head_of(self, department: UUID) -> UUID | None:
        """Who leads a department."""

    def stand_in(self, person: UUID, at: datetime) -> UUID | None:
        """Who does a person's work at that instant: they themselves, whoever stands in for them, or None."""


class WorkingCalendar(Protocol):
    """Working time: hours, holidays and days worked in exchange for them."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The instant at which ``working`` time has passed since ``start``."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; negative where ``end`` is earlier."""

    def is_working_day(self, day: date) -> bool:
        """Whether people work on ``day``."""

    def of_department(self, department: UUID | None) -> WorkingCalendar:
        """The calendar with the hours of a department, where it has its own."""


class DecisionService(Protocol):
    """Calls a decision by name; how a process or a form asks the rules engine."""

    def decide(self, name: str, inputs: Mapping[str, Any]) -> Any:
        """The decision's output value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What the file store knows of a file; nothing that was sent with its id counts."""

    id: UUID
    name: str
    # In bytes.
    size: int
    # Media type, by content.
    type: str


class Locks(Protocol):
    """Who keeps records from being changed: a process that has them approved."""

    def check(self, form: str, record: UUID, fields: Collection[str]) -> None:
        """``StateConflict`` where ``fields`` of a record may not be changed now, by whomever."""


class Files(Protocol):
    """The files behind attachments, as writing a record needs them. All of it is part of the command's transaction."""

    def find(self, form: str, record: UUID | None, ids: Collection[UUID]) -> Mapping[UUID, StoredFile]:
        """Those of ``ids`` that who acts may put into a record of ``form``.

        Files that they uploaded for that form and have not used, files that the record held before, and files of
        other records that they may read there.
        """

    def attach(self, form: str, record: UUID, field: str, ids: Sequence[UUID]) -> Mapping[UUID, StoredFile]:
        """Binds found files to a field ("photo", "lines.photo") of a record; a file of another record is copied.

        Gives each file under the id it was asked for; that of a copy is new.
        """

    def erase(self, form: str, record: UUID, fields: Collection[str]) -> None:
        """Takes away what a record's fields hold or ever held, for good."""

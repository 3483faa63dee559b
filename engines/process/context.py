"""What a step may know besides graph, state and event. Everything in it is fixed for the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from engines.core import Principal
from engines.core.ports import DecisionService, Directory, WorkingCalendar
from engines.feel import Budget, EvaluationContext


class Workload(Protocol):
    """What people have to do, for ``distribute``."""

    def open_tasks(self, people: Sequence[UUID]) -> Mapping[UUID, int]:
        """Open tasks of each of ``people``, for "least_busy"."""

    def last_given(self, process: str, node: str, people: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When each of ``people`` was last given a task of this step, for "in_turn"; who never was is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """The fixed surroundings of one step."""

    # The one instant of the command, aware, UTC.
    now: datetime
    zone: ZoneInfo
    # App of the process: role names without a dot are its own.
    app: str = ""
    # Who acts; None is the system itself, which is not asked for rights.
    actor: Principal | None = None
    # What expressions read besides variables: subject, initiator, settings …
    values: Mapping[str, Any] = field(default_factory=dict)
    # Version of the subject, where the process locks it; 0 where nobody keeps count.
    subject_version: int = 0
    directory: Directory | None = None
    # Roles that administer the process: who is asked where nobody else is found.
    admins: tuple[str, ...] = ()
    decisions: DecisionService | None = None
    workload: Workload | None = None
    # Working calendars by name.
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)
    budget: Budget | None = None

    def feel(self) -> EvaluationContext:
        """The context in which expressions of this command are evaluated."""
        return EvaluationContext(now=self.now, zone=self.zone, budget=self.budget or Budget())

    def qualified(self, role: str) -> str:
        """``role`` with its app, as principals and the directory name it."""
        return role if "." in role or not self.app else f"{self.app}.{role}"

    def later(self, duration: timedelta, calendar: str = "", department: UUID | None = None) -> datetime:
        """``duration`` from now; see :meth:`moved`."""
        return self.moved(self.now, duration, calendar, department)

    def moved(
        self, start: datetime, duration: timedelta, calendar: str = "", department: UUID | None = None
    ) -> datetime:
        """``duration`` from ``start``, on the wall clock or in a working calendar (``KeyError`` for an unknown one).

        ``department``: whose hours the calendar takes, where they differ.
        """
        if calendar:
            return self.calendars[calendar].of_department(department).add(start, duration)
        return (start + duration).astimezone(UTC)

    def passed(self, start: datetime, end: datetime, calendar: str = "", department: UUID | None = None) -> timedelta:
        """Time from ``start`` to ``end`` by the same measure; negative where ``end`` is earlier."""
        if calendar:
            return self.calendars[calendar].of_department(department).between(start, end)
        return end - start

    @property
    def actor_id(self) -> UUID | None:
        """The acting person."""
        return self.actor.id if self.actor else None

"""In-app notices: rows of the command's own transaction, seen as soon as it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.texts import Texts
from builder.storage.runtime_tables import notification as table
from builder.workspace.work import Work
from engines.core import new_id

SEVERITIES = ("info", "warning", "alert", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice as a person reads it."""

    id: UUID
    at: datetime
    app: str
    # task, rule, mention, process, system
    kind: str
    # info, warning, alert, critical
    severity: str
    # By language.
    title: Mapping[str, str]
    body: Mapping[str, str]
    subject: tuple[str, UUID] | None
    task_id: UUID | None
    read_at: datetime | None


class Notifications:
    """The notices of a work: anybody's can be written, only one's own can be read."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def send(
        self,
        people: Iterable[UUID],
        *,
        title: Texts,
        body: Texts | None = None,
        app: str = "",
        kind: str = "system",
        severity: str = "info",
        subject: tuple[str, UUID] | None = None,
        task_id: UUID | None = None,
        key: str | None = None,
    ) -> int:
        """How many people were told. With a ``key``, each of them is told once, however often the cause comes back."""
        wanted = {person: f"{key}:{person}" if key else None for person in dict.fromkeys(people)}
        if key and wanted:
            known = sa.select(table.c.key).where(table.c.key.in_([k for k in wanted.values() if k]))
            told = set(self._work.connection.execute(known).scalars())
            wanted = {person: own for person, own in wanted.items() if own not in told}
        common = {
            "at": self._work.instant,
            "app": app,
            "kind": kind,
            "severity": severity if severity in SEVERITIES else "info",
            "title": dict(title),
            "body": dict(body) if body else None,
            "subject_form": subject[0] if subject else None,
            "subject_id": subject[1] if subject else None,
            "task_id": task_id,
            "read_at": None,
        }
        rows = [{"id": new_id(), "person": person, "key": own, **common} for person, own in wanted.items()]
        if rows:
            self._work.connection.execute(table.insert(), rows)
            self._work.set_off["message"] += len(rows)
        return len(rows)

    def unread(self) -> int:
        """How many notices the acting person has not read, at most 100."""
        mine = sa.and_(table.c.person == self._work.principal.id, table.c.read_at.is_(None))
        some = sa.select(table.c.id).where(mine).limit(100).subquery()
        return self._work.connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()

    def page(self, *, unread: bool = False, before: UUID | None = None, limit: int = 50) -> list[Notice]:
        """Notices of the acting person, newest first; ``before`` is the last one of the page above."""
        query = sa.select(table).where(table.c.person == self._work.principal.id)
        if unread:
            query = query.where(table.c.read_at.is_(None))
        if before is not None:
            query = query.where(table.c.id < before)
        rows = self._work.connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()
        return [_notice(row) for row in rows]

    def mark_read(self, ids: Iterable[UUID] | None = None) -> int:
        """How many of the acting person's notices became read: ``ids``, or all of them."""
        mine = sa.and_(table.c.person == self._work.principal.id, table.c.read_at.is_(None))
        if ids is not None:
            mine = sa.and_(mine, table.c.id.in_(list(ids)))
        return self._work.connection.execute(table.update().where(mine).values(read_at=self._work.instant)).rowcount


def _notice(row: sa.Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        at=row.at,
        app=row.app,
        kind=row.kind,
        severity=row.severity,
        title=row.title,
        body=row.body or {},
        subject=(row.subject_form, row.subject_id) if row.subject_form else None,
        task_id=row.task_id,
        read_at=row.read_at,
    )

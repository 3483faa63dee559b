"""The inbox: what one has to do, has started, has done, has been copied. Every page is an indexed query."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select

from builder.runtime.process import receipts
from builder.storage.runtime_tables import process_instance, task, task_candidate, task_copy
from builder.workspace.work import Work
from engines.core import InputError, InputProblem

BOXES = ("todo", "mine", "done", "copied")
MAX_PAGE = 200
_COUNTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """What a page of the inbox is narrowed to; empty values do not narrow."""

    app: str = ""
    # Qualified name of a process.
    process: str = ""
    # Part of the title of what the task is about.
    text: str = ""
    overdue: bool = False
    # Least priority: -1, 0, 1, 2
    priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One line of the inbox."""

    id: UUID
    app: str
    instance_id: UUID | None
    # Name of the process; empty for a task that a rule made.
    process: str
    node: str
    # By language.
    title: Mapping[str, str]
    subject: tuple[str, UUID] | None
    subject_title: str
    # open, completed, cancelled
    status: str
    assignee: UUID | None
    # Whether it is offered to several and nobody has taken it.
    offered: bool
    initiator: UUID | None
    priority: int
    due_at: datetime | None
    # "late", "today", "soon" (within a day) or ""
    due: str
    # How its time limits stand: running, warned, paused, breached; "" without any.
    sla: str
    created_at: datetime
    closed_at: datetime | None
    outcome: str
    # Copies: when it was read; None while unread.
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """One page."""

    items: Sequence[InboxItem]
    # Opaque cursor of the next page; None on the last.
    next: str | None


class Inbox:
    """``work.inbox``: the acting person's own, never anybody else's."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def page(
        self, box: str = "todo", filter: InboxFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> InboxPage:
        """Lines of a box: ``todo`` by due time, the others newest first.

        ``todo``: assigned to or offered to me; ``mine``: of processes that I started; ``done``: closed by me;
        ``copied``: sent to me for information. ``InputError`` for a cursor or box that is none.
        """
        limit = max(1, min(limit, MAX_PAGE))
        if self._work.principal.id is None:
            return InboxPage(items=(), next=None)
        cursor = _cursor(after) if after is not None else None
        wanted = filter or InboxFilter()
        order, query = self._query(box)
        if box == "todo" and wanted == InboxFilter():
            # The page is found on narrow index rows; only its own lines are read in full.
            query = query.where(task.c.id.in_(self._first_ids(cursor, limit + 1)))
        elif box == "todo":
            query = query.where(task.c.id.in_(sa.select(self._todo_ids().subquery().c.id)))
        query = self._narrow(query, wanted)
        if cursor is not None:
            query = query.where(_beyond(order, cursor, ascending=box == "todo"))
        direction = [column.asc() if box == "todo" else column.desc() for column in order]
        rows = self._work.connection.execute(query.order_by(*direction).limit(limit + 1)).all()
        items = [self._item(row) for row in rows[:limit]]
        more = len(rows) > limit
        return InboxPage(items=items, next=_encode(rows[limit - 1].position, rows[limit - 1].id) if more else None)

    def counts(self) -> Mapping[str, int]:
        """How many lines ``todo`` has, how many of them are ``late``, how many copies unread; 1000 is "or more"."""
        if self._work.principal.id is None:
            return {"todo": 0, "late": 0, "copied": 0}
        mine = self._todo_ids().limit(_COUNTED).subquery()
        late = sa.case((mine.c.sort_at < self._work.instant, 1))
        row = self._work.connection.execute(sa.select(sa.func.count(), sa.func.count(late)).select_from(mine)).one()
        unread = sa.and_(task_copy.c.person == self._work.principal.id, task_copy.c.read_at.is_(None))
        copies = sa.select(task_copy.c.task_id).where(unread).limit(_COUNTED).subquery()
        copied = self._work.connection.execute(sa.select(sa.func.count()).select_from(copies)).scalar_one()
        return {"todo": row[0], "late": row[1], "copied": copied}

    def mark_read(self, task_id: UUID) -> None:
        """Notes that the acting person has seen a task or a copy of it."""
        if self._work.principal.id is not None:
            receipts.mark_read(self._work.connection, task_id, self._work.principal.id, self._work.instant)

    # -- queries

    def _query(self, box: str) -> tuple[tuple[ColumnElement[Any], ColumnElement[Any]], Select[Any]]:
        me = self._work.principal.id
        columns = [*task.c, process_instance.c.process]
        joined = task.outerjoin(process_instance, process_instance.c.id == task.c.instance_id)
        no_copy = sa.null().label("copy_read_at")
        match box:
            case "todo":
                order = (task.c.sort_at, task.c.id)
                return order, sa.select(*columns, no_copy, task.c.sort_at.label("position")).select_from(joined)
            case "mine":
                order = (task.c.created_at, task.c.id)
                query = sa.select(*columns, no_copy, task.c.created_at.label("position")).select_from(joined)
                return order, query.where(process_instance.c.started_by == me)
            case "done":
                order = (task.c.closed_at, task.c.id)
                query = sa.select(*columns, no_copy, task.c.closed_at.label("position")).select_from(joined)
                return order, query.where(task.c.closed_by == me, task.c.status == "completed")
            case "copied":
                order = (task_copy.c.at, task.c.id)
                read = task_copy.c.read_at.label("copy_read_at")
                query = sa.select(*columns, read, task_copy.c.at.label("position")).select_from(
                    joined.join(task_copy, task_copy.c.task_id == task.c.id)
                )
                return order, query.where(task_copy.c.person == me)
        raise InputError([InputProblem(pointer="/box", code="inbox.unknown_box", params={"expected": list(BOXES)})])

    def _first_ids(self, cursor: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
        """Ids of the next ``limit`` open tasks that I have or may take: as many short index scans as I have names."""
        principal = self._work.principal
        table = task_candidate.c
        own = sa.select(task.c.id.label("id"), task.c.sort_at.label("sort_at"))
        branches = [(own.where(task.c.assignee == principal.id, task.c.status == "open"), (task.c.sort_at, task.c.id))]
        for kind, name in self._names():
            offered = sa.select(table.task_id.label("id"), table.sort_at.label("sort_at"))
            mine = (table.value == name, table.kind == kind, table.offered)
            branches.append((offered.where(*mine), (table.sort_at, table.task_id)))
        limited = []
        for query, order in branches:
            further = query if cursor is None else query.where(_beyond(order, cursor, ascending=True))
            limited.append(sa.select(further.order_by(*order).limit(limit).subquery()))
        found = sa.union(*limited).subquery()
        return sa.select(sa.select(found.c.id).order_by(found.c.sort_at, found.c.id).limit(limit).subquery())

    def _names(self) -> list[tuple[str, str]]:
        """All that a task can be offered to and that is me."""
        principal = self._work.principal
        roles = [("role", role) for role in sorted(principal.roles)]
        departments = [("department", str(found)) for found in sorted(principal.departments)]
        return [("person", str(principal.id)), *roles, *departments]

    def _todo_ids(self) -> Select[Any]:
        """Ids and due times of the open tasks that I have or may take; two indexed queries."""
        principal = self._work.principal
        own = sa.select(task.c.id, task.c.sort_at).where(task.c.assignee == principal.id, task.c.status == "open")
        names = [str(principal.id), *principal.roles, *(str(found) for found in principal.departments)]
        offered = sa.select(task_candidate.c.task_id, task_candidate.c.sort_at).where(
            task_candidate.c.value.in_(names), task_candidate.c.offered
        )
        both = sa.union(own, offered).subquery()
        return sa.select(both.c.id, both.c.sort_at)

    def _narrow(self, query: Select[Any], wanted: InboxFilter) -> Select[Any]:
        if wanted.app:
            query = query.where(task.c.app == wanted.app)
        if wanted.process:
            app, _, name = wanted.process.rpartition(".")
            query = query.where(process_instance.c.process == name, process_instance.c.app == app)
        if wanted.text:
            query = query.where(task.c.subject_title.icontains(wanted.text.strip(), autoescape=True))
        if wanted.overdue:
            query = query.where(task.c.sort_at < self._work.instant, task.c.status == "open")
        if wanted.priority is not None:
            query = query.where(task.c.priority >= wanted.priority)
        return query

    def _item(self, row: sa.Row[Any]) -> InboxItem:
        return InboxItem(
            id=row.id,
            app=row.app,
            instance_id=row.instance_id,
            process=row.process or "",
            node=row.node,
            title=row.title,
            subject=(row.subject_form, row.subject_id) if row.subject_form else None,
            subject_title=row.subject_title or "",
            status=row.status,
            assignee=row.assignee,
            offered=row.assignee is None and row.status == "open",
            initiator=row.initiator,
            priority=row.priority,
            due_at=row.due_at,
            due=self._due(row),
            sla=row.sla or "",
            created_at=row.created_at,
            closed_at=row.closed_at,
            outcome=row.outcome or "",
            read_at=row.copy_read_at,
        )

    def _due(self, row: sa.Row[Any]) -> str:
        if row.due_at is None or row.status != "open":
            return ""
        left = (row.due_at - self._work.instant).total_seconds()
        zone = self._work.zone
        today = row.due_at.astimezone(zone).date() == self._work.instant.astimezone(zone).date()
        if left < 0 or row.sla == "breached":
            return "late"
        return "today" if today else "soon" if left < 86400 or row.sla == "warned" else ""


def _beyond(
    order: tuple[ColumnElement[Any], ColumnElement[Any]], cursor: tuple[datetime, UUID], *, ascending: bool
) -> ColumnElement[bool]:
    place, own = order
    at, last = cursor
    further = place > at if ascending else place < at
    return sa.or_(further, sa.and_(place == at, own > last if ascending else own < last))


def _encode(at: datetime, last: UUID) -> str:
    text = json.dumps([at.astimezone(UTC).isoformat(), str(last)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(text: str) -> tuple[datetime, UUID]:
    try:
        at, last = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return datetime.fromisoformat(at), UUID(last)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError([InputProblem(pointer="/after", code="inbox.bad_cursor")]) from error

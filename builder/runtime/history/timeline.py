"""A record's timeline: changes, records that refer to it, process steps, rules that fired, notes and comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.runtime_tables import comment as comment_table
from builder.storage.runtime_tables import effect as effect_table
from builder.storage.runtime_tables import process_instance, rule_firing, task_event, timeline_entry
from builder.storage.runtime_tables import task as task_table
from builder.storage.values import decode, encode
from engines.core import AccessDenied, InputError, InputProblem, new_id

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.feel.sql import SqlColumn
    from engines.form import CompiledForm, FieldChange, Record

KINDS = ("change", "related", "task", "process", "rule", "note", "comment", "message")
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItem:
    """One line of a timeline."""

    at: datetime
    # One of KINDS.
    kind: str
    # By language; empty where ``data`` says it all.
    title: Mapping[str, str] = field(default_factory=dict)
    # Person; None for the system.
    actor: UUID | None = None
    # change: {fields: [{field, before, after}], version, kind}; related: {form, id, relation, record};
    # task: {task, verb, outcome, comment, node}; process: {process, instance, status}; rule: {rule, cause, actions};
    # comment: {id, text}
    data: Mapping[str, Any] = field(default_factory=dict)
    # Orders lines of one instant.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage:
    """Some lines of a timeline, newest first."""

    items: list[TimelineItem]
    # Earlier lines stand before this instant; None where there are none.
    earlier: datetime | None = None


class Timeline:
    """``work.timeline(form, id)``: what the acting person may see of what has happened to a record."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._work = around.work

    def __call__(
        self,
        form: str,
        record_id: UUID,
        *,
        relations: Sequence[str] = (),
        before: datetime | None = None,
        limit: int = 50,
        kinds: Iterable[str] | None = None,
    ) -> list[TimelineItem]:
        """Lines newest first; ``relations`` add the records behind them; ``before`` is the last one's ``at`` above.

        ``AccessDenied`` where the record may not be seen. Related records are those that the person may see. Lines of
        one instant stay on one page, so that there may be fewer than ``limit``.
        """
        return self.page(form, record_id, relations=relations, before=before, limit=limit, kinds=kinds).items

    def page(
        self,
        form: str,
        record_id: UUID,
        *,
        relations: Sequence[str] = (),
        before: datetime | None = None,
        limit: int = 50,
        kinds: Iterable[str] | None = None,
    ) -> TimelinePage:
        """The same lines, and whether there are earlier ones."""
        self._require(form, record_id)
        wanted, limit = frozenset(kinds or KINDS), limit + 1
        sources = {
            "change": lambda: self._changes(form, record_id, before, limit),
            "related": lambda: self._related(form, record_id, relations, before, limit),
            "task": lambda: self._tasks(form, record_id, before, limit),
            "process": lambda: self._processes(form, record_id, before, limit),
            "rule": lambda: self._rules(form, record_id, before, limit),
            "note": lambda: self._notes(form, record_id, before, limit),
            "comment": lambda: self._comments(form, record_id, before, limit),
            "message": lambda: self._messages(form, record_id, before, limit),
        }
        items = [item for kind, read in sources.items() if kind in wanted for item in read()]
        found = sorted(items, key=lambda item: (item.at, item.key), reverse=True)[:limit]
        if len(found) < limit:
            return TimelinePage(items=found)
        cut = found[-1].at
        whole = [item for item in found if item.at != cut] or found[:-1]
        return TimelinePage(items=whole, earlier=whole[-1].at)

    def comment(self, form: str, record_id: UUID, text: str, *, mentions: Sequence[UUID] = ()) -> UUID:
        """The id of a new comment; people mentioned are told, as far as they may see the record themselves.

        ``AccessDenied`` where the person may not comment on the record.
        """
        self._require(form, record_id)
        if not self._work.records.may(form, "comment", record_id):
            raise AccessDenied("comment", form)
        if not text.strip() or len(text) > MAX_TEXT:
            code = "comment.empty" if not text.strip() else "comment.too_long"
            raise InputError([InputProblem(pointer="/text", code=code, params={"limit": MAX_TEXT})])
        row = {
            "id": new_id(),
            "form": form,
            "record_id": record_id,
            "at": self._work.instant,
            "author": self._work.principal.id,
            "text": text.strip(),
            "mentions": encode(list(mentions)),
        }
        self._work.connection.execute(comment_table.insert(), row)
        name = self._around.name_of(self._work.principal.id)
        title = self._around.title_of((form, record_id))
        self._around.notifications.send(
            mentions,
            title={"zh": f"{name} 提到了您：{title}", "en": f"{name} mentioned you: {title}"},
            app=form.split(".", 1)[0],
            kind="mention",
            subject=(form, record_id),
        )
        return row["id"]  # type: ignore[return-value]

    def _require(self, form: str, record_id: UUID) -> None:
        if self._work.records.get(form, record_id) is None:
            raise AccessDenied("see", form)

    def _changes(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        for version in self._work.records.history(form, record_id):
            changes = [c for c in version.changes if version.kind != "computed" or self._is_new_class(form, c)]
            if changes and (before is None or version.at < before):
                fields = [{"field": c.field, "before": c.before, "after": c.after} for c in changes]
                data = {"fields": fields, "version": version.version, "kind": version.kind, "command": version.command}
                # The command's id is older than whatever the command set off, and so are its changes.
                key = f"{version.command}:{version.version:06}"
                yield TimelineItem(at=version.at, kind="change", actor=version.by, data=data, key=key)
                limit -= 1
                if limit <= 0:
                    return

    def _is_new_class(self, form: str, change: FieldChange) -> bool:
        """Computed figures move with every order, and nobody wants to read so; a class that changes is worth a line."""
        field = self._work.records.of(form).world.form(form).compiled.fields.get(change.field)
        chosen = field is not None and field.definition.type == "choice"
        return chosen and change.before is not None and change.after is not None

    def _related(
        self, form: str, record_id: UUID, relations: Sequence[str], before: datetime | None, limit: int
    ) -> Iterator[TimelineItem]:
        records = self._work.records
        source = records.source(form)
        for name in relations:
            join = source.relation(name)
            if join is None:
                continue
            target = source.form.compiled.relations[name].form
            compiled = records.of(target).world.form(target).compiled
            child = join.selectable.c
            dated = join.source.column(compiled.definition.dated_by) if compiled.definition.dated_by else None
            query = (
                sa.select(child.id)
                .join_from(source.selectable, join.selectable, join.on)
                .where(source.selectable.c.id == record_id)
            )
            newest = (dated.element.desc().nulls_last(),) if dated else ()
            if before is not None:
                query = query.where(self._earlier(compiled, dated, child.created_at, before))
            query = query.order_by(*newest, child.created_at.desc()).limit(limit)
            ids = list(self._work.connection.execute(query).scalars())
            for record in records.get_many(target, ids):
                at = self._happened(compiled, record)
                if before is None or at < before:
                    data = {"form": target, "id": record.id, "relation": name, "record": record}
                    yield TimelineItem(at=at, kind="related", actor=record.created_by, data=data, key=str(record.id))

    def _earlier(
        self, form: CompiledForm, dated: SqlColumn | None, made: sa.ColumnElement[Any], before: datetime
    ) -> sa.ColumnElement[bool]:
        """What may have happened before an instant: a day counts whole."""
        if dated is None:
            return made < before
        is_day = form.fields[form.definition.dated_by].definition.type == "date"
        limit = before.astimezone(self._work.zone).date() if is_day else before
        return sa.func.coalesce(dated.element <= limit, made < before)

    def _happened(self, form: CompiledForm, record: Record) -> datetime:
        """When it happened as the record itself says, else when it was made; on the day it was made, at that time."""
        said = record.values.get(form.definition.dated_by) if form.definition.dated_by else None
        if isinstance(said, datetime):
            return said
        if not isinstance(said, date) or said == record.created_at.astimezone(self._work.zone).date():
            return record.created_at
        return datetime.combine(said, time(), tzinfo=self._work.zone)

    def _tasks(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        about = (task_table.c.subject_form == form, task_table.c.subject_id == record_id)
        columns = (task_event, task_table.c.title, task_table.c.node)
        query = sa.select(*columns).join(task_table, task_table.c.id == task_event.c.task_id).where(*about)
        for row in self._newest(query, task_event, before, limit):
            data = {"task": row.task_id, "verb": row.kind, "node": row.node, **row.data}
            yield TimelineItem(at=row.at, kind="task", title=row.title, actor=row.actor, data=data, key=str(row.id))
        # That a task was opened and closed stands in its own row.
        for column in (task_table.c.created_at, task_table.c.closed_at):
            query = sa.select(task_table).where(*about, column.is_not(None))
            if before is not None:
                query = query.where(column < before)
            newest = query.order_by(column.desc(), task_table.c.id.desc()).limit(limit)
            for row in self._work.connection.execute(newest):
                yield _opened(row) if column is task_table.c.created_at else _closed(row)

    def _processes(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        table = process_instance
        query = sa.select(table).where(table.c.subject_form == form, table.c.subject_id == record_id)
        rows = self._work.connection.execute(query.order_by(table.c.started_at.desc()).limit(limit)).all()
        for row in rows:
            common = {"process": f"{row.app}.{row.process}", "instance": row.id}
            if before is None or row.started_at < before:
                yield TimelineItem(
                    at=row.started_at,
                    kind="process",
                    actor=row.started_by,
                    data={**common, "status": "started"},
                    key=str(row.id),
                )
            if row.ended_at is not None and (before is None or row.ended_at < before):
                data = {**common, "status": row.status}
                yield TimelineItem(at=row.ended_at, kind="process", data=data, key=str(row.id))

    def _rules(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        table = rule_firing
        query = sa.select(table).where(table.c.form == form, table.c.record_id == record_id)
        for row in self._newest(query, table, before, limit):
            data = {"rule": f"{row.app}.{row.rule}", "cause": row.cause, "actions": decode(row.actions)}
            yield TimelineItem(at=row.at, kind="rule", data={**data, "release": row.release}, key=str(row.id))

    def _notes(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        table = timeline_entry
        query = sa.select(table).where(table.c.form == form, table.c.record_id == record_id)
        for row in self._newest(query, table, before, limit):
            yield TimelineItem(
                at=row.at, kind="note", title=row.title, actor=row.actor, data=decode(row.data), key=str(row.id)
            )

    def _comments(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        table = comment_table
        query = sa.select(table).where(
            table.c.form == form, table.c.record_id == record_id, table.c.deleted_at.is_(None)
        )
        for row in self._newest(query, table, before, limit):
            data = {"id": row.id, "text": row.text, "mentions": decode(row.mentions)}
            yield TimelineItem(at=row.at, kind="comment", actor=row.author, data=data, key=str(row.id))

    def _messages(self, form: str, record_id: UUID, before: datetime | None, limit: int) -> Iterator[TimelineItem]:
        table = effect_table
        query = sa.select(table.c.id, table.c.created_at.label("at"), table.c.channel, table.c.state).where(
            table.c.subject_form == form, table.c.subject_id == record_id
        )
        if before is not None:
            query = query.where(table.c.created_at < before)
        for row in self._work.connection.execute(query.order_by(table.c.id.desc()).limit(limit)):
            yield TimelineItem(
                at=row.at,
                kind="message",
                data={"channel": row.channel, "state": row.state, "id": row.id},
                key=str(row.id),
            )

    def _newest(self, query: Any, table: sa.Table, before: datetime | None, limit: int) -> Sequence[sa.Row[Any]]:
        if before is not None:
            query = query.where(table.c.at < before)
        return self._work.connection.execute(query.order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)).all()


def _opened(row: sa.Row[Any]) -> TimelineItem:
    data = {"task": row.id, "verb": "created", "node": row.node}
    return TimelineItem(at=row.created_at, kind="task", title=row.title, data=data, key=f"{row.id}:1")


def _closed(row: sa.Row[Any]) -> TimelineItem:
    said = {"outcome": row.outcome, "comment": row.comment}
    data = {"task": row.id, "verb": row.status, "node": row.node, **{k: v for k, v in said.items() if v}}
    return TimelineItem(
        at=row.closed_at, kind="task", title=row.title, actor=row.closed_by, data=data, key=f"{row.id}:2"
    )

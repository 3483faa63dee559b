"""Carries out what rules want, one action after the other, with the rights of the rule's app and never more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime import loading
from builder.runtime.process import tasks
from builder.runtime.recipients import Receivers, identity, resolve
from builder.runtime.rules import copying, pools
from builder.runtime.timeline import write_entry
from builder.storage.runtime_tables import task as task_table
from builder.storage.runtime_tables import task_candidate
from engines import rules
from engines.core import InputError, InputProblem, LocalizedText
from engines.core.source import pointer_of
from engines.rules import actions as a

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.rules import Firing

# Records that one "for each" may go through within a command; more is a job's work.
MAX_FOUND = 10_000
# What a silent command passes over.
LOUD = (a.Notify, a.AskAnswer, a.CreateTask, a.StartProcess, a.SendMessage, a.SendSignal)
Reply = Any


class Executor:
    """Executes the actions of one firing."""

    def __init__(self, around: Around, app: str, firing: Firing) -> None:
        self._around = around
        self._work = around.work
        self._app = app
        self._firing = firing
        self._count = 0
        # What was done, in words that "why" and the firing's row keep.
        self.done: list[dict[str, Any]] = []
        # Decisions called so far: what explains values set after them.
        self._decided: list[Mapping[str, Any]] = []

    def execute(self, action: a.Action) -> Reply:
        """Does it, and what the rule is told back."""
        self._count += 1
        if self._work.silent and isinstance(action, LOUD):
            return None
        reply = self._records(action)
        words = described(action)
        if isinstance(action, a.Decide):
            words["explained"] = self._decided[-1]
        self.done.append(words)
        return reply

    def _records(self, action: a.Action) -> Reply:
        """Actions on records; the others are passed on."""
        write = self._around.write(self._app)
        match action:
            case a.SetFields():
                stored = write.update(*self._place(action.record), action.values, source=self._source(action))
                return self._readable(action.record, stored)
            case a.CreateRecord():
                return self._create(action)
            case a.DeleteRecord():
                write.delete(*self._place(action.record))
            case a.Tag() | a.Untag():
                self._tag(action)
            case a.AddToPool() | a.RemoveFromPool():
                self._pool(action)
            case a.Assign():
                self._assign(action)
            case a.FindRecords():
                return self._find(action)
            case a.Score():
                changed = self._around.scoring.score_one(
                    self._app, action.model, action.record.id, cause=f"rule:{self._firing.rule}"
                )
                return self._readable(action.record, changed) if changed is not None else None
            case a.WriteTimeline():
                self._timeline(action)
            case _:
                return self._people(action)
        return None

    def _people(self, action: a.Action) -> Reply:
        """Actions that tell or ask people, or refuse what they do; the others are passed on."""
        match action:
            case a.Notify():
                self._notify(action)
            case a.AskAnswer():
                self._ask(action)
            case a.CreateTask():
                return self._create_task(action)
            case a.Refuse():
                raise InputError([self._problem(action, "rules.refused", "error")])
            case a.Confirm():
                if not self._is_confirmed():
                    raise InputError([self._problem(action, "rules.confirm", "warning")])
            case _:
                return self._processes(action)
        return None

    def _processes(self, action: a.Action) -> Reply:
        """Actions on processes and decisions."""
        shell = self._around.processes.shell
        match action:
            case a.StartProcess():
                name = action.process if "." in action.process else f"{self._app}.{action.process}"
                subject = self._place(action.record) if action.record else None
                return {"id": shell.begin(name, subject=subject, variables=action.variables).id}
            case a.SendMessage():
                subject = self._place(action.record) if action.record else None
                shell.message(self._app, action.message, variables=action.values, subject=subject)
            case a.SendSignal():
                shell.signal(self._app, action.signal, action.values)
            case a.Decide():
                result = self._around.decisions_of(self._app).explained(action.decision, action.inputs)
                self._decided.append(result.explanation)
                return result.value
            case other:
                raise NotImplementedError(type(other).__name__)
        return None

    # -- names, texts, origin

    def _form(self, name: str) -> str:
        return self._around.form_name(self._app, name)

    def _place(self, record: a.RecordRef) -> tuple[str, UUID]:
        return self._form(record.form), record.id

    def _readable(self, record: a.RecordRef, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Stored values that expressions may read as they are; references stay what was loaded."""
        fields = self._around.records(self._app).world.form(self._form(record.form)).compiled.fields
        plain = (n for n, f in fields.items() if f.rows is None and not f.target and f.kind.name not in PEOPLE)
        return {name: stored[name] for name in plain if name in stored}

    def _source(self, action: a.Action) -> dict[str, Any]:
        source: dict[str, Any] = {"kind": "rule", "name": self._firing.rule, "event": self._firing.event.kind.value}
        if self._firing.reason:
            source["reason"] = self._firing.reason
        if self._decided:
            source["decisions"] = list(self._decided)
        return source

    def _key(self) -> str:
        event = self._firing.event
        spell = event.spell or event.id or self._work.command_id
        record = self._firing.record.id if self._firing.record else ""
        return f"{self._app}.{self._firing.rule}:{record}:{spell}:{self._count}"

    def _resolve(self, recipients: tuple[a.Recipient, ...]) -> Receivers:
        return resolve(self._around.directory, self._app, recipients)

    def _texts(self, template: str, text: a.Text, values: Mapping[str, Any]) -> tuple[Any, Any, str]:
        if template:
            return self._around.render(self._app, template, self._template_values(template, values))
        return LocalizedText.of(text).texts, {}, ""

    def _template_values(self, template: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values given, records among them with what the template reads of them."""
        reads = self._around.app(self._app).templates[template].reads
        record = self._firing.record
        found: dict[str, Any] = {"record": {"id": record.id} if record else None, **values}
        for name, value in found.items():
            paths = {path[1:] for path in reads if path[0] == name and len(path) > 1}
            key = identity(value) if isinstance(value, Mapping) else None
            form = self._form_of(key) if key and paths else None
            if form is not None:
                found[name] = self._around.load(self._app, form, key, paths)
        return found

    def _form_of(self, record_id: UUID | None) -> str | None:
        """The form of a record that the rule's own record is, or points to."""
        record = self._firing.record
        if record is None:
            return None
        form = self._form(record.form)
        if record.id == record_id:
            return form
        records = self._around.records(self._app)
        own = records.get(form, record.id)
        fields = records.world.form(form).compiled.fields.items()
        targets = (f.target for name, f in fields if f.target and own is not None and own.get(name) == record_id)
        return next(targets, None)

    # -- records

    def _tag(self, action: a.Tag | a.Untag) -> None:
        form, record_id = self._place(action.record)
        found = self._around.records(self._app).get(form, record_id)
        now = list((found.get(action.field) if found else None) or [])
        if isinstance(action, a.Tag):
            tags = now + [tag for tag in dict.fromkeys(action.tags) if tag not in now]
        else:
            tags = [tag for tag in now if tag not in action.tags]
        if tags != now:
            self._around.write(self._app).update(form, record_id, {action.field: tags}, source=self._source(action))

    def _create(self, action: a.CreateRecord) -> dict[str, Any]:
        """The new record; after a template where one is given, with the records that belong to it."""
        write, form = self._around.write(self._app), self._form(action.form)
        if action.template is None:
            return write.create(form, action.values, source=self._source(action))
        records, model = self._around.records(self._app), self._place(action.template)
        values = {**copying.copied_values(records, *model, form), **action.values}
        made = write.create(form, values, source=self._source(action))
        for relation in action.including:
            for other, field, copied in copying.belonging(records, *model, relation, form):
                write.create(other, {**copied, field: made["id"]}, source=self._source(action))
        return made

    def _pool(self, action: a.AddToPool | a.RemoveFromPool) -> None:
        change = pools.join if isinstance(action, a.AddToPool) else pools.leave
        change(self._work, self._app, action.pool, *self._place(action.record), rule=self._firing.rule)

    def _assign(self, action: a.Assign) -> None:
        people = self._resolve((action.to,)).people
        if people:
            form, record_id = self._place(action.record)
            self._around.write(self._app).update(form, record_id, {"owner": people[0]}, source=self._source(action))

    def _find(self, action: a.FindRecords) -> list[dict[str, Any]]:
        records, form = self._around.records(self._app), self._form(action.form)
        source = records.source(form)
        dialect = self._work.connection.dialect.name
        own = source.selectable.c.id
        query = sa.select(own).where(rules.where_clause(action, source, dialect, self._around.feel))
        ids = list(self._work.connection.execute(query.order_by(own).limit(MAX_FOUND + 1)).scalars())
        if len(ids) > MAX_FOUND:
            raise InputError([InputProblem(pointer="", code="rules.too_many_records", params={"limit": MAX_FOUND})])
        found = loading.load_many(records, form, ids, action.reads)
        return [found[record_id] for record_id in ids if record_id in found]

    def _timeline(self, action: a.WriteTimeline) -> None:
        write_entry(
            self._work,
            *self._place(action.record),
            kind="note",
            title=LocalizedText.of(action.text).texts,
            data={"rule": self._firing.rule, "app": self._app},
        )

    # -- people

    def _notify(self, action: a.Notify) -> None:
        title, body, severity = self._texts(action.template, action.text, action.values)
        self._around.messenger.tell(
            self._resolve(action.recipients),
            app=self._app,
            title=title,
            body=body,
            channels=action.channels,
            severity=action.level or severity,
            subject=self._place(action.record) if action.record else self._subject(),
            caused_by={"kind": "rule", "name": self._firing.rule},
            key=self._key(),
        )

    def _subject(self) -> tuple[str, UUID] | None:
        return self._place(self._firing.record) if self._firing.record else None

    def _is_confirmed(self) -> bool:
        confirmed = self._work.confirmed
        return confirmed if isinstance(confirmed, bool) else f"{self._app}.{self._firing.rule}" in confirmed

    def _problem(self, action: a.Refuse | a.Confirm, code: str, severity: str) -> InputProblem:
        return InputProblem(
            pointer=pointer_of(action.field) if action.field else "",
            code=code,
            params={"rule": f"{self._app}.{self._firing.rule}"},
            text=LocalizedText.of(action.text).texts,
            severity=severity,
        )

    def _ask(self, action: a.AskAnswer) -> None:
        title, body, _ = self._texts(action.template, action.text, action.values)
        self._around.answers.ask(
            self._resolve(action.recipients),
            app=self._app,
            kind=action.answer,
            title=title,
            body=body,
            message=action.reply_message,
            subject=self._place(action.record) if action.record else self._subject(),
            instance=identity(self._firing.event.payload.get("instance")),
            channels=action.channels,
            caused_by={"kind": "rule", "name": self._firing.rule},
            key=self._key(),
        )

    def _create_task(self, action: a.CreateTask) -> dict[str, Any]:
        people = self._resolve(tuple(r for r in action.recipients if r.by != "role")).people
        roles = tasks.qualified(self._app, (r.role for r in action.recipients if r.by == "role"))
        subject = self._place(action.record) if action.record else self._subject()
        alone = people[0] if len(people) == 1 and not roles else None
        due = _due(action.due, self._work.zone)
        row = tasks.plain_row(
            app=self._app,
            name=action.name or self._firing.rule,
            title=LocalizedText.of(action.title).texts,
            text=LocalizedText.of(action.text).texts,
            subject=subject,
            subject_title=self._around.title_of(subject),
            assignee=alone,
            priority=action.priority,
            due=due,
            at=self._work.instant,
            release=self._around.app(self._app).release,
            values=action.values,
        )
        self._work.connection.execute(task_table.insert(), row)
        offer = tasks.Offer(people=people, roles=roles)
        if rows := offer.rows(row["id"], offered=alone is None, sort_at=row["sort_at"]):
            self._work.connection.execute(task_candidate.insert(), rows)
        tasks.note(self._work.connection, row["id"], "created", at=self._work.instant, actor=None)
        holders = [p for role in roles for p in self._around.directory.people_with_role(role)]
        self._around.notifications.send(
            [*people, *holders], title=row["title"], app=self._app, kind="task", subject=subject, task_id=row["id"]
        )
        self._around.raise_event("task.created", app=self._app, subject=subject, name=row["node"], task=row["id"])
        return {"id": row["id"], "due": due, **action.values}


PEOPLE = frozenset({"person", "department"})


def _due(due: datetime | date | None, zone: Any) -> datetime | None:
    """The instant of a due time; a day ends at its last second."""
    if due is None or isinstance(due, datetime):
        return due
    return datetime.combine(due, time(23, 59, 59), zone)


def described(action: a.Action) -> dict[str, Any]:
    """What an action did, in a few words for the firing's row."""
    words: dict[str, Any] = {"action": type(action).__name__}
    record = getattr(action, "record", None)
    if record is not None:
        words["record"] = _plain(record)
    for name in ("form", "process", "message", "signal", "decision", "model", "template", "pool", "tags"):
        if value := getattr(action, name, None):
            words[name] = _plain(value)
    if isinstance(action, a.SetFields | a.CreateRecord):
        words["fields"] = sorted(action.values)
    return words


def _plain(value: Any) -> Any:
    if isinstance(value, a.RecordRef):
        return {"form": value.form, "id": value.id}
    return list(value) if isinstance(value, tuple) else value

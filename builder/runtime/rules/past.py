"""The past of an app's records as its rules would have seen it: each change an event, with the data of that instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.runtime.rules.lazy import LazyRecord, Paths
from engines import form
from engines.feel import Budget, EvaluationContext
from engines.form import SYSTEM_FIELDS, PastChange, PastRecords
from engines.rules import EventKind, RuleData, RuleEvent, TimerRequest
from engines.rules.actions import RecordRef

if TYPE_CHECKING:
    from builder.runtime.around import Around

_KINDS: Mapping[str, EventKind] = {
    "created": EventKind.RECORD_CREATED,
    "updated": EventKind.RECORD_UPDATED,
    "deleted": EventKind.RECORD_DELETED,
    "restored": EventKind.RECORD_RESTORED,
}
_MOMENT = timedelta(microseconds=1)
_PEOPLE = frozenset({"person", "department"})


class Past:
    """What happened to the records of one form."""

    def __init__(self, around: Around, app: str, name: str, reads: Paths) -> None:
        """``name``: of the form, as the app has it; ``reads``: what expressions may ask of a record."""
        self._around = around
        self._app = app
        self._form = name
        self._name = around.form_name(app, name)
        self._reads = reads
        self._world = around.records(app).world
        self._fields = self._world.form(self._name).compiled.fields
        self._variables = around.variables(app)
        # Names of people are looked up where an expression asks for them; else the version's own values are enough.
        self._is_plain = not any(len(path) > 1 and self._names_somebody(path[0]) for path in reads)

    def _names_somebody(self, name: str) -> bool:
        field = self._fields.get(name)
        return name in SYSTEM_FIELDS if field is None else field.kind.name in _PEOPLE

    def changes(self, since: datetime, until: datetime, ids: Sequence[UUID] | None = None) -> Iterator[PastChange]:
        """What happened from ``since`` to before ``until``, record by record, oldest first, as the app may see it."""
        return form.changes(self._world, self._name, since, until, ids)

    def events(
        self, since: datetime, until: datetime, ids: Sequence[UUID] | None = None
    ) -> Iterator[tuple[RuleEvent, RuleData]]:
        """The same as rules would have seen it."""
        for change in self.changes(since, until, ids):
            yield self.event(change), self.data_of(change)

    def event(self, change: PastChange) -> RuleEvent:
        """A change as an event."""
        return RuleEvent(
            kind=_KINDS[change.kind],
            at=change.at,
            record=RecordRef(form=self._form, id=change.id),
            changed=change.changed if change.kind == "updated" else frozenset(),
        )

    def data_of(self, change: PastChange) -> RuleData:
        """What rules could read at a change."""
        is_gone = change.kind == "deleted"
        record = self._record(change.id, change.at, change.before if is_gone else change.after, is_gone=is_gone)
        before = None
        if change.before is not None and not is_gone and change.kind == "updated":
            reads = frozenset(path[1:] for path in self._reads if path[0] == "previous" and len(path) > 1)
            before = self._record(change.id, change.at - _MOMENT, change.before, reads)
        return self._data(record, change.at, before)

    def at_due(self, timer: TimerRequest, until: datetime) -> RuleData | None:
        """What a rule could read when its delay ended; None after ``until``, and where the record was gone."""
        if timer.record is None or timer.due_at >= until:
            return None
        return self.data_at(timer.record.id, timer.due_at)

    def data_at(self, record_id: UUID, instant: datetime) -> RuleData | None:
        """What a rule could read of a record at an instant; None where it was not there."""
        record = self._record(record_id, instant)
        return self._data(record, instant) if record.exists else None

    def _record(
        self,
        record_id: UUID,
        instant: datetime,
        values: Mapping[str, Any] | None = None,
        reads: Paths | None = None,
        *,
        is_gone: bool = False,
    ) -> LazyRecord:
        own = self._contexts(values) if values is not None and self._is_plain else None
        return LazyRecord(
            self._around,
            self._app,
            self._name,
            record_id,
            self._reads if reads is None else reads,
            values if is_gone else None,
            own,
            PastRecords(self._world, instant),
        )

    def _contexts(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Stored values as expressions see them: what points to something is a context with its id."""
        found = dict(values)
        for name, value in values.items():
            field = self._fields.get(name)
            points = self._names_somebody(name) or bool(field is not None and field.target)
            if points and isinstance(value, UUID) and name != "id":
                found[name] = {"id": value}
        return found

    def _data(self, record: Mapping[str, Any], at: datetime, previous: Mapping[str, Any] | None = None) -> RuleData:
        return RuleData(
            record=record,
            previous=previous,
            context=self.context(at),
            variables=self._variables,
            calendar=lambda name: self._around.calendar(self._app, name),
        )

    def context(self, at: datetime) -> EvaluationContext:
        """The context of expressions at an instant; a budget for each event, as each was a command of its own."""
        return replace(self._around.feel_of(self._app), now=at, budget=Budget())

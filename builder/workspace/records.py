"""Records in a unit of work: the form engine's one way in, with each app's settings, telling what happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.identity_tables import department, person
from builder.storage.share_tables import record_share
from builder.workspace.physical_names import DatabasePhysicalNames
from engines.core import Event, Principal
from engines.form import (
    BatchResult,
    Count,
    DirectoryTables,
    Duplicate,
    FormSet,
    FormSource,
    Groups,
    ListQuery,
    Page,
    Record,
    RecordChange,
    Records,
    RecordVersion,
    SearchGroup,
    SearchHit,
    StoredForm,
)

if TYPE_CHECKING:
    from builder.workspace.work import Work

DIRECTORY = DirectoryTables(
    people=sa.select(person.c.id, person.c.name).subquery("people"),
    departments=sa.select(department.c.id, department.c.name).subquery("departments"),
)


def form_set(work: Work) -> FormSet:
    """The stored forms of all apps in force; made once per set of releases, each form once per hash."""
    found = work.app_set.cache.get("forms")
    if not isinstance(found, FormSet):
        names = DatabasePhysicalNames(work.connection)
        kept = work.workspace.catalogue.stored_forms
        for app in work.apps.values():
            for form in app.forms.values():
                if (form.name, form.hash) not in kept:
                    kept[form.name, form.hash] = StoredForm(form, names)
        forms = [kept[form.name, form.hash] for app in work.apps.values() for form in app.forms.values()]
        found = work.app_set.cache["forms"] = FormSet(forms)
    return found


def records_of(work: Work, principal: Principal, app: str) -> Records:
    """Records as ``principal`` may see and change them, with the settings of ``app``. Raises no events by itself."""
    from builder.files.work_files import WorkFiles

    return Records(
        work.connection,
        form_set(work),
        principal,
        work.context,
        DIRECTORY,
        shares=record_share,
        settings=work.settings(app),
        command=None if work.read_only else work.command_id,
        app=app,
        release=work.apps[app].release if app in work.apps else 0,
        files=WorkFiles(work, principal),
        locks=work.locks,
    )


class WorkRecords:
    """The records of all apps for the acting principal. Form names are qualified: "library.book".

    Has the methods of ``engines.form.Records``; every write hands its events to ``work.emit``.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._by_app: dict[str, Records] = {}

    def of(self, name: str) -> Records:
        """The form engine's records for the app of a qualified form name; it raises no events by itself."""
        app = name.partition(".")[0]
        if app not in self._by_app:
            self._by_app[app] = records_of(self._work, self._work.principal, app)
        return self._by_app[app]

    def source(self, name: str, as_of: datetime | None = None) -> FormSource:
        """The rows of a form for rules and reports, under the rights of who acts."""
        return self.of(name).source(name, as_of)

    def get(self, name: str, id: UUID, *, deleted: bool = False) -> Record | None:
        """One record, or None where there is none that may be seen."""
        return self.of(name).get(name, id, deleted=deleted)

    def get_many(self, name: str, ids: Sequence[UUID]) -> list[Record]:
        """The records among ``ids`` that may be seen, in the order of ``ids``."""
        return self.of(name).get_many(name, ids)

    def page(self, name: str, query: ListQuery) -> Page:
        """One page of a list."""
        return self.of(name).page(name, query)

    def count(self, name: str, query: ListQuery, cap: int = 1000) -> Count:
        """How many records a list holds, counted up to ``cap``."""
        return self.of(name).count(name, query, cap)

    def groups(self, name: str, query: ListQuery, by: str, sums: Sequence[str] = ()) -> Groups:
        """How the records of a list fall into groups by a field, with the sums of others."""
        return self.of(name).groups(name, query, by, sums)

    def which(self, name: str, ids: Sequence[UUID], condition: str) -> frozenset[UUID]:
        """Those of the records for which a condition that the form's definition states is true."""
        return self.of(name).which(name, ids, condition)

    def search(self, text: str, names: Iterable[str] | None = None, limit: int = 20) -> list[SearchHit]:
        """Records of any form (or of those named) whose searched texts hold all words of ``text``."""
        wanted = (
            list(names) if names is not None else [f.name for a in self._work.apps.values() for f in a.forms.values()]
        )
        found: list[SearchHit] = []
        for app in dict.fromkeys(name.partition(".")[0] for name in wanted):
            mine = [name for name in wanted if name.startswith(f"{app}.")]
            found += self.of(f"{app}.").search(text, mine, limit)
        return found[:limit]

    def search_groups(self, text: str, apps: Iterable[str], limit: int) -> list[SearchGroup]:
        """What a search finds in the forms of some apps: the newest hits of each form, and how many there are."""
        found: list[SearchGroup] = []
        for app in apps:
            names = [form.name for form in self._work.apps[app].forms.values()]
            found += self.of(f"{app}.").search_groups(text, names, limit)
        return found

    def history(self, name: str, id: UUID) -> list[RecordVersion]:
        """All versions of a record with the fields each one changed, newest first."""
        return self.of(name).history(name, id)

    def as_of(self, name: str, id: UUID, instant: datetime) -> Record | None:
        """The record as it was at ``instant``."""
        return self.of(name).as_of(name, id, instant)

    def may(self, name: str, operation: str, id: UUID | None = None) -> bool:
        """Whether an operation is allowed: at all, or on one record."""
        return self.of(name).may(name, operation, id)

    def access(self, name: str, id: UUID) -> dict[str, str]:
        """What may be done with each field (and column, "lines.price") of one record."""
        return self.of(name).access(name, id)

    def create(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        id: UUID | None = None,
        layout: str = "",
        vouched: Collection[str] = (),
    ) -> RecordChange:
        """Makes a record; ``vouched``: reference fields that somebody with the right to has filled."""
        return self._told(self.of(name).create(name, values, id=id, layout=layout, vouched=vouched))

    def update(
        self,
        name: str,
        id: UUID,
        values: Mapping[str, Any],
        *,
        base_version: int | None = None,
        computed: bool = False,
        layout: str = "",
    ) -> RecordChange:
        """Changes a record; ``base_version`` is the version that the values were edited against."""
        records = self.of(name)
        return self._told(records.update(name, id, values, base_version=base_version, computed=computed, layout=layout))

    def delete(self, name: str, id: UUID, *, base_version: int | None = None) -> RecordChange:
        """Puts a record into the recycle bin."""
        return self._told(self.of(name).delete(name, id, base_version=base_version))

    def restore(self, name: str, id: UUID) -> RecordChange:
        """Takes a record out of the recycle bin."""
        return self._told(self.of(name).restore(name, id))

    def create_many(
        self, name: str, rows: Sequence[Mapping[str, Any]], *, operation: str = "import", all_or_nothing: bool = False
    ) -> BatchResult:
        """Makes many records in one go; refused rows are told by their number."""
        result = self.of(name).create_many(name, rows, operation=operation, all_or_nothing=all_or_nothing)
        self._work.emit(result.events)
        return result

    def upsert(self, name: str, source: str, key: str, values: Mapping[str, Any]) -> RecordChange:
        """Changes the record that the system ``source`` knows by ``key``, or makes it and notes the key."""
        return self._told(self.of(name).upsert(name, source, key, values))

    def duplicates(self, name: str, values: Mapping[str, Any], but: UUID | None = None) -> list[Duplicate]:
        """Records that the form's rules find alike to ``values``, the likest first; ``but`` is the record itself."""
        return self.of(name).duplicates(name, values, but)

    def merge(
        self, name: str, keep: UUID, others: Sequence[UUID], values: Mapping[str, Any] | None = None
    ) -> RecordChange:
        """Makes one record of several, with everything that refers to them; the others go into the recycle bin."""
        return self._told(self.of(name).merge(name, keep, others, values))

    def erase(self, name: str, id: UUID) -> RecordChange:
        """Empties the personal fields of a record in all its versions, for good."""
        return self._told(self.of(name).erase(name, id))

    def lock(self, name: str, ids: Iterable[UUID]) -> None:
        """Keeps other commands from changing the records until this one ends."""
        self.of(name).lock(name, ids)

    def recompute(self, name: str, ids: Sequence[UUID]) -> tuple[Event, ...]:
        """Computes the stored formulas and figures of records anew."""
        events = self.of(name).recompute(name, ids)
        self._work.emit(events)
        return events

    def _told(self, change: RecordChange) -> RecordChange:
        self._work.emit(change.events)
        return change

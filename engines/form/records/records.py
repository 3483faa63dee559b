"""The one way to records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, FromClause, Select, select

from engines.core import AccessDenied, Event, InputError, Principal, new_id
from engines.core.ports import Files, Locks
from engines.feel import EvaluationContext
from engines.form.compiled import CompiledPermission, Mode
from engines.form.pipeline import FormInput, FormResult, run
from engines.form.records.attachments import attach_files, check_files, erase_files
from engines.form.records.batch import create_batch
from engines.form.records.computing import compute_again, is_kept, maintain, write_values
from engines.form.records.conflicts import merge_edits
from engines.form.records.duplicates import Duplicate, find_duplicates, move_references
from engines.form.records.grouping import Groups, group_records, which_meet
from engines.form.records.history import read_history
from engines.form.records.keys import KeyBook
from engines.form.records.loading import load_references, load_stored
from engines.form.records.numbering import next_numbers
from engines.form.records.parts import knowable, read_rows, read_values, related_ids
from engines.form.records.personal import PersonalValue, erase_values, personal_values
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.query import ListQuery, count_records, page_records
from engines.form.records.raising import batch_event, record_event
from engines.form.records.reading import names_of, read_records, visible_record
from engines.form.records.record import BatchResult, Count, Page, Record, RecordChange, RecordVersion
from engines.form.records.references import unknown_references
from engines.form.records.rights import access_of
from engines.form.records.search import SearchGroup, SearchHit, index_records, search_all, search_groups
from engines.form.records.source import FormSource, own_source, source_of
from engines.form.records.stamps import changed_since, new_system_values
from engines.form.records.world import DirectoryTables, FormSet, World
from engines.form.records.writing import insert_record, refresh_keys, update_record
from engines.form.storage.tables import StoredForm


class Records:
    """Reads and writes records for one principal within one command's transaction. Never commits.

    Every method takes qualified form names ("shop.account"); unknown ones are a ``KeyError``. What the rights do not
    allow is an ``AccessDenied``; records that may not be seen are as if they were not there.
    """

    def __init__(
        self,
        connection: Connection,
        forms: FormSet,
        principal: Principal,
        context: EvaluationContext,
        directory: DirectoryTables | None = None,
        *,
        shares: FromClause | None = None,
        settings: Mapping[str, Any] | None = None,
        command: UUID | None = None,
        app: str = "",
        release: int = 0,
        files: Files | None = None,
        locks: Locks | None = None,
    ) -> None:
        self.world = World(
            connection=connection,
            forms=forms,
            principal=principal,
            context=context,
            directory=directory,
            shares=shares,
            settings=settings or {},
            command=command,
            app=app,
            release=release,
            files=files,
            locks=locks,
        )
        self.keys = KeyBook(self.world)

    # -- reading

    def source(self, name: str, as_of: datetime | None = None) -> FormSource:
        """The records of a form as rows for rules and reports, under the rights of who acts.

        ``source.selectable`` stands in FROM; its rows must be limited by ``source.visible_rows()``.
        """
        return source_of(self.world, self.world.form(name), as_of=as_of)

    def get(self, name: str, id: UUID, *, deleted: bool = False) -> Record | None:
        """One record, or None where there is none that may be seen."""
        return next(iter(read_records(self.world, self.world.form(name), [id], deleted=deleted)), None)

    def get_many(self, name: str, ids: Sequence[UUID]) -> list[Record]:
        """The records among ``ids`` that may be seen, in the order of ``ids``."""
        found = {record.id: record for record in read_records(self.world, self.world.form(name), ids)}
        return [found[id] for id in ids if id in found]

    def values(self, name: str, ids: Iterable[UUID], fields: Iterable[str]) -> dict[UUID, dict[str, Any]]:
        """Fields of the records among ``ids`` that may be seen, with their ``id``, by id; references as ids."""
        return read_values(self.world, self.world.form(name), ids, fields)

    def known(self, name: str, stored: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
        """What ``values`` gives of a record just written as ``stored``; None where only the database can tell."""
        return knowable(self.world, self.world.form(name), fields).values(stored)

    def rows(
        self, name: str, ids: Iterable[UUID], table: str, columns: Iterable[str]
    ) -> dict[UUID, list[dict[str, Any]]]:
        """Columns of a sub-table's rows, in their order, by the id of their record."""
        return read_rows(self.world, self.world.form(name), ids, table, columns)

    def related(self, name: str, ids: Sequence[UUID], relation: str) -> list[tuple[UUID, UUID]]:
        """Pairs of a record's id and that of one that a relation leads to and that may be seen."""
        return related_ids(self.world, self.world.form(name), ids, relation)

    def names(self, people: Iterable[UUID], departments: Iterable[UUID] = ()) -> dict[UUID, str]:
        """Names of people and departments by id."""
        return names_of(self.world, people, departments)

    def page(self, name: str, query: ListQuery) -> Page:
        """One page of a list."""
        return page_records(self.world, self.world.form(name), query)

    def count(self, name: str, query: ListQuery, cap: int = 1000) -> Count:
        """How many records a list holds, counted up to ``cap``."""
        return count_records(self.world, self.world.form(name), query, cap)

    def groups(self, name: str, query: ListQuery, by: str, sums: Sequence[str] = ()) -> Groups:
        """How the records of a list fall into groups by a field, with the sums of others."""
        return group_records(self.world, self.world.form(name), query, by, sums)

    def which(self, name: str, ids: Sequence[UUID], condition: str) -> frozenset[UUID]:
        """Those of the records for which a condition that the form's definition states is true."""
        return which_meet(self.world, self.world.form(name), ids, condition)

    def search(self, text: str, names: Iterable[str] | None = None, limit: int = 20) -> list[SearchHit]:
        """Records of any form (or of those named) whose searched texts hold all words of ``text``."""
        return search_all(self.world, text, names, limit)

    def search_groups(self, text: str, names: Iterable[str], limit: int) -> list[SearchGroup]:
        """What a search finds in each of some forms: the newest hits, and how many there are."""
        return search_groups(self.world, text, names, limit)

    def history(self, name: str, id: UUID) -> list[RecordVersion]:
        """All versions of a record with the fields each one changed, newest first; empty where it may not be seen."""
        return read_history(self.world, self.world.form(name), id)

    def as_of(self, name: str, id: UUID, instant: datetime) -> Record | None:
        """The record as it was at ``instant``, under today's rights; None where it was not there."""
        return next(iter(read_records(self.world, self.world.form(name), [id], as_of=instant)), None)

    def may(self, name: str, operation: str, id: UUID | None = None) -> bool:
        """Whether an operation is allowed: at all, or on one record."""
        form = self.world.form(name)
        if id is None or not self.world.rights(form).may(operation):
            return self.world.rights(form).may(operation)
        return self._is_open(form, id, operation)

    def access(self, name: str, id: UUID) -> dict[str, str]:
        """ "hidden", "masked", "read" or "write" for each field (and column, "lines.price") of one record."""
        form = self.world.form(name)
        rights = self.world.rights(form)
        names = form.compiled.rights_names()
        if rights.unlimited:
            return dict.fromkeys(names, "write")
        held = {o: self._open(form, o, id) if self._is_open(form, id, o) else () for o in ("see", "edit")}
        return {name: access_of(name, held["see"], held["edit"]) for name in names}

    # -- writing

    def create(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        id: UUID | None = None,
        layout: str = "",
        vouched: Collection[str] = (),
    ) -> RecordChange:
        """Makes a record; ``InputError`` with everything that is wrong with ``values``.

        ``vouched``: reference fields that somebody with the right to has filled, such as whoever sent a public link;
        the creator need not see the records that they point to.
        """
        form = self.world.form(name)
        rights = self.world.rights(form)
        if not rights.may("create"):
            raise AccessDenied("create", name)
        result = self._run(form, values, None, layout, rights.writable_with("create"), vouched)
        values = {**result.values}
        self._number(form, [values])
        system = new_system_values(self.world, id or new_id(), values)
        attach_files(self.world, form, system["id"], values, None)
        insert_record(self.world, form, system, values)
        self._check_new(form, system["id"])
        after = {**system, **values}
        index_records(self.world, form, [after])
        events = [record_event(self.world, "record.created", form, None, after, tuple(form.compiled.fields))]
        events += maintain(self.world, form, [after])
        record = visible_record(self.world, form, after)
        return RecordChange(
            record=record,
            before=None,
            events=tuple(events),
            changed=tuple(form.compiled.fields),
            problems=result.problems,
        )

    def update(
        self,
        name: str,
        id: UUID,
        values: Mapping[str, Any],
        *,
        base_version: int | None = None,
        computed: bool = False,
        layout: str = "",
        closed: Collection[str] = (),
    ) -> RecordChange:
        """Changes a record.

        ``base_version`` is the version that the values were edited against: ``StateConflict`` "record.changed" where a
        field that this edit changes has been changed by somebody else since. ``computed`` values leave the version.
        ``closed``: fields (and columns, "lines.price") that may not be written here, whatever the rights allow.
        """
        form = self.world.form(name)
        before, entries = self._load(form, id, "edit")
        if base_version is not None and base_version < before["version"]:
            values = merge_edits(self.world, form, before, values, base_version)
        rights = self.world.rights(form)
        names = form.compiled.rights_names()
        writable = None if rights.unlimited else rights.writable(names, entries)
        if closed:
            writable = frozenset(writable if writable is not None else names).difference(closed)
        result = self._run(form, values, before, layout, writable)
        taken = dict(result.values)
        attach_files(self.world, form, id, taken, before)
        return self._write(form, before, replace(result, values=taken), computed=computed)

    def delete(self, name: str, id: UUID, *, base_version: int | None = None) -> RecordChange:
        """Puts a record into the recycle bin."""
        form = self.world.form(name)
        before, _ = self._load(form, id, "delete")
        if base_version is not None and base_version < before["version"]:
            raise changed_since(before, [])
        return self._bin(form, before, self.world.now, "record.deleted")

    def restore(self, name: str, id: UUID) -> RecordChange:
        """Takes a record out of the recycle bin; needs the right to delete."""
        form = self.world.form(name)
        before, _ = self._load(form, id, "delete", deleted=True)
        return self._bin(form, before, None, "record.restored")

    def create_many(
        self, name: str, rows: Sequence[Mapping[str, Any]], *, operation: str = "import", all_or_nothing: bool = False
    ) -> BatchResult:
        """Makes many records in one go: the same checks, one statement a table, one event for all.

        Rows that are refused are told by their number, and the others are made, unless ``all_or_nothing``.
        """
        form = self.world.form(name)
        if not self.world.rights(form).may(operation):
            raise AccessDenied(operation, name)
        made, ids, problems = create_batch(self.world, form, rows, operation, self._number, all_or_nothing)
        index_records(self.world, form, made)
        events = (
            [batch_event(self.world, "records.batch_created", form, [row["id"] for row in made], (), False)]
            if made
            else []
        )
        events += maintain(self.world, form, made)
        return BatchResult(ids=ids, problems=problems, events=tuple(events))

    def upsert(self, name: str, source: str, key: str, values: Mapping[str, Any]) -> RecordChange:
        """Changes the record that the system ``source`` knows by ``key``, or makes it and notes the key."""
        known = self.keys.find(name, source, [key]).get(key)
        if known is not None:
            return self.update(name, known, values)
        change = self.create(name, values)
        self.keys.add(name, source, {key: change.record.id})
        return change

    def duplicates(self, name: str, values: Mapping[str, Any], but: UUID | None = None) -> list[Duplicate]:
        """Records that the form's rules find alike to ``values``, the likest first; ``but`` is the record itself."""
        return find_duplicates(self.world, self.world.form(name), values, but)

    def merge(
        self, name: str, keep: UUID, others: Sequence[UUID], values: Mapping[str, Any] | None = None
    ) -> RecordChange:
        """Makes one record of several: ``keep`` takes ``values``, the references and the external keys of ``others``.

        The others go into the recycle bin. Needs the right to edit the first and to delete the others.
        """
        form = self.world.form(name)
        gone = [id for id in dict.fromkeys(others) if id != keep]
        for id in gone:
            self._load(form, id, "delete")
        change = self.update(name, keep, values or {})
        events = [*change.events]
        for target, ids in move_references(self.world, form, keep, gone).items():
            events += compute_again(self.world, self.world.form(target), ids, 0)
            events.append(batch_event(self.world, "records.batch_updated", self.world.form(target), ids, (), True))
        for id in gone:
            events += self.delete(name, id).events
        events += compute_again(self.world, form, [keep], 0)
        return replace(change, events=tuple(events))

    def personal(self, name: str, id: UUID) -> list[PersonalValue]:
        """Everything that a record's personal fields hold or held; needs the right to export it."""
        form = self.world.form(name)
        # Read only: nothing is locked.
        if not self.may(name, "export", id):
            raise AccessDenied("export", form.name)
        return personal_values(self.world, form, id)

    def erase(self, name: str, id: UUID) -> RecordChange:
        """Empties the personal fields of a record in all its versions, for good; needs the right to delete it."""
        form = self.world.form(name)
        before, _ = self._load(form, id, "delete")
        self._check_lock(form, id, ["deleted_at"])
        emptied = erase_values(self.world, form, id)
        erase_files(self.world, form, id, emptied)
        fields = sorted({field.partition(".")[0] for field in emptied})
        after = load_stored(self.world, form, [id])[id]
        # What was erased does not live on in the event either.
        event = record_event(self.world, "record.updated", form, after, after, tuple(fields))
        shown = visible_record(self.world, form, after)
        events = [event, *maintain(self.world, form, [before, after])] if fields else []
        return RecordChange(record=shown, before=None, events=tuple(events), changed=tuple(fields))

    def compute(self, name: str, values: Mapping[UUID, Mapping[str, Any]]) -> tuple[Event, ...]:
        """Writes what the system computed into many records, with the formulas that follow; versions do not rise.

        Numbers are rounded as their fields say. Records that are gone, or that the rights do not open to ``edit``, are
        passed over. One statement a set of fields, and one event for all.
        """
        form = self.world.form(name)
        if not self.world.rights(form).may("edit"):
            raise AccessDenied("edit", name)
        stored = load_stored(self.world, form, values, "edit", lock=True)
        return tuple(write_values(self.world, form, stored, values))

    def lock(self, name: str, ids: Iterable[UUID]) -> None:
        """Keeps other commands from changing the records until this one ends; in the order of ids.

        On SQLite a write command holds the only write lock already.
        """
        if self.world.connection.dialect.name == "postgresql":
            table = self.world.form(name).table
            query = select(table.c.id).where(table.c.id.in_(sorted(ids))).order_by(table.c.id).with_for_update()
            self.world.connection.execute(query)

    def recompute(self, name: str, ids: Sequence[UUID]) -> tuple[Event, ...]:
        """Computes what is stored beside the entered values anew: formulas, figures, sort keys, the search index."""
        form = self.world.form(name)
        refresh_keys(self.world, form, ids)
        return tuple(compute_again(self.world, form, ids, 0))

    # -- inside

    def _load(
        self, form: StoredForm, id: UUID, operation: str, *, deleted: bool = False
    ) -> tuple[dict[str, Any], Sequence[CompiledPermission]]:
        """The stored record, locked, and the permissions that open it to ``operation``; else ``AccessDenied``."""
        rights = self.world.rights(form)
        if not rights.may(operation):
            raise AccessDenied(operation, form.name)
        found = load_stored(self.world, form, [id], operation, deleted=deleted, lock=True).get(id)
        if found is None:
            raise AccessDenied(operation, form.name)
        return found, self._open(form, operation, id)

    def _open(self, form: StoredForm, operation: str, id: UUID) -> Sequence[CompiledPermission]:
        """The entries that allow an operation and whose row conditions hold for one record."""
        entries = self.world.rights(form).granting(operation)
        limited = [entry for entry in entries if entry.limited]
        if len(entries) < 2 or not limited:
            return entries

        def make(world: World, match: Match) -> tuple[Select[Any], None]:
            source = own_source(world, form)
            return select(*map(source.condition, limited)).where(match(source.selectable.c.id)), None

        ((_, rows),) = run_by_ids(self.world, ("open", form.name, operation), [id], make)
        holds = dict(zip(limited, rows.one(), strict=True))
        return [entry for entry in entries if not entry.limited or holds[entry]]

    def _is_open(self, form: StoredForm, id: UUID, operation: str) -> bool:
        """Whether a record is there and the rights open it to an operation."""

        def make(world: World, match: Match) -> tuple[Select[Any], None]:
            source = own_source(world, form)
            own = source.selectable.c.id
            return select(own).where(match(own), source.visible_rows(operation)), None

        ((_, rows),) = run_by_ids(self.world, ("is open", form.name, operation), [id], make)
        return rows.first() is not None

    def _run(
        self,
        form: StoredForm,
        values: Mapping[str, Any],
        current: Mapping[str, Any] | None,
        layout: str,
        writable: frozenset[str] | None,
        vouched: Collection[str] = (),
    ) -> FormResult:
        given = FormInput(
            values=values,
            current=current,
            layout=layout,
            principal=self.world.principal,
            context=self.world.context,
            references=load_references(self.world, form, values, current),
            around=self.world.around,
            writable=writable,
        )
        result = run(form.compiled, given)
        taken = dict(result.values)
        problems = [*result.problems, *unknown_references(self.world, form, taken, current, vouched)]
        problems += check_files(self.world, form, (current or {}).get("id"), taken, current)
        if any(problem.severity == "error" for problem in problems):
            raise InputError(problems)
        return replace(result, values=taken)

    def _number(self, form: StoredForm, records: Sequence[dict[str, Any]]) -> None:
        """Gives autonumbers to new records."""
        for name, field in form.compiled.fields.items():
            if field.kind.name == "autonumber" and records:
                numbers = next_numbers(self.world, form.name, field, len(records))
                for record, number in zip(records, numbers, strict=True):
                    record[name] = number

    def _check_new(self, form: StoredForm, id: UUID) -> None:
        """A new record must meet the rows of a permission to create; else the command fails and nothing was made."""
        rights = self.world.rights(form)
        if rights.unlimited or any(not entry.limited for entry in rights.granting("create")):
            return
        if not self._is_open(form, id, "create"):
            raise AccessDenied("create", form.name)

    def _write(
        self, form: StoredForm, before: Mapping[str, Any], result: FormResult, *, computed: bool, depth: int = 0
    ) -> RecordChange:
        changed = {n: v for n, v in result.values.items() if v != before.get(n) and is_kept(form, n)}
        shown = visible_record(self.world, form, before)
        if not changed:
            return RecordChange(record=shown, before=shown, events=(), problems=result.problems)
        if not computed:
            self._check_lock(form, before["id"], [name for name in changed if _is_entered(form, name)])
        system = self._stamp(before, computed)
        system |= {name: changed[name] for name in ("owner", "department") if name in changed}
        update_record(self.world, form, before, system, changed)
        after = {**before, **system, **changed}
        if not form.searched.keys().isdisjoint(changed):
            index_records(self.world, form, [after])
        events = [record_event(self.world, "record.updated", form, before, after, tuple(changed), computed)]
        events += maintain(self.world, form, [before, after], depth)
        return RecordChange(
            record=visible_record(self.world, form, after),
            before=shown,
            events=tuple(events),
            changed=tuple(changed),
            problems=result.problems,
        )

    def _check_lock(self, form: StoredForm, id: UUID, fields: Collection[str]) -> None:
        """``StateConflict`` where a process keeps the record from being changed."""
        if fields and self.world.locks is not None:
            self.world.locks.check(form.name, id, fields)

    def _stamp(self, before: Mapping[str, Any], computed: bool) -> dict[str, Any]:
        if computed:
            return {}
        return {
            "version": before["version"] + 1,
            "updated_at": self.world.now,
            "updated_by": self.world.principal.id,
        }

    def _bin(self, form: StoredForm, before: dict[str, Any], at: datetime | None, event: str) -> RecordChange:
        self._check_lock(form, before["id"], ["deleted_at"])
        system = {**self._stamp(before, False), "deleted_at": at}
        update_record(self.world, form, before, system, {})
        after = {**before, **system}
        events = [
            record_event(self.world, event, form, before, after, ("deleted_at",)),
            *maintain(self.world, form, [before]),
        ]
        if at is None:
            events += compute_again(self.world, form, [before["id"]], 0)
        return RecordChange(
            record=visible_record(self.world, form, after),
            before=visible_record(self.world, form, before),
            events=tuple(events),
            changed=("deleted_at",),
        )


def _is_entered(form: StoredForm, name: str) -> bool:
    field = form.compiled.fields.get(name)
    return field is None or field.mode is Mode.ENTERED

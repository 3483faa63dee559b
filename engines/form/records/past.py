"""Records as they were: read at an instant of the past, or change by change over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from engines.form.records.parts import read_rows, read_values, related_ids
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.reading import names_of
from engines.form.records.source import FormSource, now_and_before, own_source, source_of, versions_of
from engines.form.records.world import World
from engines.form.scope import SYSTEM_FIELDS
from engines.form.storage.tables import StoredForm

# Records whose versions are read at once.
_PORTION = 500
_STAMPS = ("id", "version", "valid_from", "valid_to", "deleted_at", "updated_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """One version of a record, with what it changed."""

    id: UUID
    at: datetime
    version: int
    # created, updated, deleted or restored; what the system computes is an update.
    kind: str
    # Person who made it; None for the system.
    by: UUID | None
    # Names of the fields whose value changed; those of all sub-tables where none of its own did.
    changed: frozenset[str]
    # Stored values; None where the record did not exist before.
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class PastRecords:
    """What ``Records`` reads of its ``world``, as it was at an instant, under today's rights."""

    def __init__(self, world: World, instant: datetime) -> None:
        self.world = world
        self.instant = instant

    def source(self, name: str) -> FormSource:
        """The records of a form as rows, as they were."""
        return source_of(self.world, self.world.form(name), as_of=self.instant)

    def values(self, name: str, ids: Iterable[UUID], fields: Iterable[str]) -> dict[UUID, dict[str, Any]]:
        """Fields of the records among ``ids`` that were there and may be seen."""
        return read_values(self.world, self.world.form(name), ids, fields, self.instant)

    def rows(
        self, name: str, ids: Iterable[UUID], table: str, columns: Iterable[str]
    ) -> dict[UUID, list[dict[str, Any]]]:
        """Columns of a sub-table's rows, in their order, by the id of their record."""
        return read_rows(self.world, self.world.form(name), ids, table, columns, self.instant)

    def related(self, name: str, ids: Sequence[UUID], relation: str) -> list[tuple[UUID, UUID]]:
        """Pairs of a record's id and that of one that a relation led to."""
        return related_ids(self.world, self.world.form(name), ids, relation, self.instant)

    def names(self, people: Iterable[UUID], departments: Iterable[UUID] = ()) -> dict[UUID, str]:
        """Names of people and departments by id, as they are now."""
        return names_of(self.world, people, departments)


def versions(world: World, name: str) -> tuple[FormSource, FormSource]:
    """The records of a form as they are now and in all earlier versions, with ``valid_from`` and ``valid_to``."""
    return now_and_before(world, world.form(name))


def changes(
    world: World, name: str, since: datetime, until: datetime, ids: Sequence[UUID] | None = None
) -> Iterator[PastChange]:
    """The changes of all records of a form (or of ``ids``) from ``since`` to before ``until``.

    Record by record, oldest first; only of records that who acts may see as the version had them. Fields that may never
    be read are left out.
    """
    form = world.form(name)
    portions = _portions(world, form) if ids is None else [ids]
    for portion in portions:
        for _, rows in groupby(_versions(world, form, portion, until), key=lambda row: row["id"]):
            yield from _changes(form, rows, since)


def _portions(world: World, form: StoredForm) -> Iterator[Sequence[UUID]]:
    """The ids of all records, those in the recycle bin too, in order."""
    own = own_source(world, form, limited=False).selectable.c.id
    last: UUID | None = None
    while True:
        query = select(own).order_by(own).limit(_PORTION)
        found = world.connection.execute(query if last is None else query.where(own > last)).scalars().all()
        if not found:
            return
        yield found
        last = found[-1]


def _versions(world: World, form: StoredForm, ids: Sequence[UUID], until: datetime) -> Iterator[dict[str, Any]]:
    """Stored values of the versions of records, oldest first."""

    def make(world: World, match: Match) -> tuple[Select[Any], list[str]]:
        source = versions_of(world, form)
        c = source.selectable.c
        names = [name for name in (*form.rows.columns, *_values_of_system()) if source.column(name) is not None]
        columns = [source.column(name).element for name in names]  # type: ignore[union-attr]
        query = select(*(c[name] for name in _STAMPS), *columns)
        query = query.where(match(c.id), c.valid_from < until, source.allowed("see"))
        return query.order_by(c.id, c.version, c.valid_from), names

    for names, rows in run_by_ids(world, None, sorted(set(ids)), make):
        for row in rows:
            stamps = dict(zip(_STAMPS, row, strict=False))
            yield {**stamps, "values": {"id": stamps["id"], **dict(zip(names, row[len(_STAMPS) :], strict=True))}}


def _values_of_system() -> list[str]:
    return [name for name in SYSTEM_FIELDS if name != "id"]


def _changes(form: StoredForm, versions: Iterable[Mapping[str, Any]], since: datetime) -> Iterator[PastChange]:
    before: Mapping[str, Any] | None = None
    for version in versions:
        if version["valid_from"] >= since:
            yield _change(form, before, version)
        before = version


def _change(form: StoredForm, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> PastChange:
    values, old = after["values"], before["values"] if before else None
    fields = [name for name in values if name in form.rows.columns or name in ("owner", "department")]
    changed = {name for name in fields if (old or {}).get(name) != values[name]}
    return PastChange(
        id=after["id"],
        at=after["valid_from"],
        version=after["version"],
        kind=_kind(before, after),
        by=after["updated_by"],
        changed=frozenset(changed or (form.children if before else ())),
        before=old,
        after=values,
    )


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None:
        return "created"
    if bool(before["deleted_at"]) != bool(after["deleted_at"]):
        return "deleted" if after["deleted_at"] else "restored"
    return "updated"

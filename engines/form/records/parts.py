"""Parts of records as who acts may see them: what expressions elsewhere (rules, processes, texts) read, and no more."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.types import TypeEngine

from engines.feel.storage import ScaledDecimal
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.rights import Rights
from engines.form.records.source import FormSource, source_of
from engines.form.records.world import World
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.tables import StoredForm


def read_values(
    world: World, form: StoredForm, ids: Iterable[UUID], fields: Iterable[str], as_of: datetime | None = None
) -> dict[UUID, dict[str, Any]]:
    """Fields of the records among ``ids`` that may be seen, by id; references as ids.

    A name that is no field with a value of its own, or one that may never be read, is left out. With ``as_of`` as they
    were at that instant, here and below.
    """
    wanted = tuple(sorted(set(fields) - {"id"}))

    def make(world: World, match: Match) -> tuple[Select[Any], list[str]]:
        source = source_of(world, form, as_of=as_of)
        columns = {name: found.element for name in wanted if (found := source.column(name)) is not None}
        own = source.selectable.c.id
        return select(own, *columns.values()).where(match(own), source.visible_rows()), list(columns)

    found: dict[UUID, dict[str, Any]] = {}
    for names, rows in run_by_ids(world, _key(as_of, "values", form.name, wanted), sorted(set(ids)), make):
        found |= {row[0]: {"id": row[0], **dict(zip(names, row[1:], strict=True))} for row in rows}
    return found


class Knowable:
    """What can be told of a record that was just written without asking the database, under somebody's rights."""

    def __init__(self, form: StoredForm, rights: Rights, fields: Iterable[str]) -> None:
        """``fields``: those wanted; a name that is none, and a sub-table, is left out, as by ``read_values``."""
        # Whether the database need not be asked: no right differs from row to row, and no value is made in the query.
        self.holds = rights.sees_all
        self._plain: list[str] = ["id"]
        self._scaled: list[tuple[str, ScaledDecimal]] = []
        for name in sorted(set(fields) - {"id"}):
            column = form.rows.columns.get(name)
            field = form.compiled.fields.get(name)
            if name in SYSTEM_COLUMNS and field is None:
                self.holds = self.holds and not rights.names(name)
                self._plain.append(name)
            elif column is not None:
                self.holds = self.holds and rights.always(name, "read")
                self._take(name, column.type)
            elif field is not None and field.rows is None:
                self.holds = False

    def _take(self, name: str, kind: TypeEngine[Any]) -> None:
        if isinstance(kind, ScaledDecimal):
            self._scaled.append((name, kind))
        else:
            self._plain.append(name)

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values of a record that stands in the database as ``stored``; None where only the database can tell."""
        if not self.holds or stored["deleted_at"] is not None:
            return None
        found = {name: stored[name] for name in self._plain}
        for name, kind in self._scaled:
            value = stored[name]
            # With all the places of its scale, as it comes back from its column.
            found[name] = None if value is None else kind.from_scaled(kind.to_scaled(value))
        return found


def knowable(world: World, form: StoredForm, fields: frozenset[str]) -> Knowable:
    """As ``Knowable``, for who acts; made once for all who hold the same roles."""
    rights = world.rights(form)
    kept = rights.knowable.get(fields)
    if not isinstance(kept, Knowable):
        kept = rights.knowable[fields] = Knowable(form, rights, fields)
    return kept


def read_rows(
    world: World,
    form: StoredForm,
    ids: Iterable[UUID],
    table: str,
    columns: Iterable[str],
    as_of: datetime | None = None,
) -> dict[UUID, list[dict[str, Any]]]:
    """Columns of a sub-table's rows, in their order, by the id of their record; no rows where they may not be read."""
    wanted = tuple(sorted(columns))

    def make(world: World, match: Match) -> tuple[Select[Any], list[str]]:
        source, join = _joined(world, form, table, as_of)
        found = {name: column.element for name in wanted if (column := join.source.column(name)) is not None}
        own, rows = source.selectable.c.id, join.selectable
        query = select(own, *found.values()).join_from(source.selectable, rows, join.on)
        return query.where(match(own), source.visible_rows()).order_by(own, rows.c.position), list(found)

    keys = sorted(set(ids))
    found: dict[UUID, list[dict[str, Any]]] = {key: [] for key in keys}
    for names, rows in run_by_ids(world, _key(as_of, "rows of", form.name, table, wanted), keys, make):
        for row in rows:
            found[row[0]].append(dict(zip(names, row[1:], strict=True)))
    return found


def related_ids(
    world: World, form: StoredForm, ids: Sequence[UUID], relation: str, as_of: datetime | None = None
) -> list[tuple[UUID, UUID]]:
    """Pairs of a record's id and that of one that a relation leads to and that may be seen, in the order of ids."""

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        source, join = _joined(world, form, relation, as_of)
        own, other = source.selectable.c.id, join.selectable.c.id
        query = select(own, other).join_from(source.selectable, join.selectable, join.on)
        return query.where(match(own), source.visible_rows()).order_by(own, other), None

    found: list[tuple[UUID, UUID]] = []
    for _, rows in run_by_ids(world, _key(as_of, "related", form.name, relation), sorted(set(ids)), make):
        found += [(row[0], row[1]) for row in rows]
    return found


def _key(as_of: datetime | None, *parts: Hashable) -> tuple[Hashable, ...] | None:
    """What a statement is kept by; one about the past is made for its instant."""
    return parts if as_of is None else None


def _joined(world: World, form: StoredForm, relation: str, as_of: datetime | None) -> tuple[FormSource, Any]:
    """The records of a form, and the rows that a relation or a sub-table of them leads to."""
    source = source_of(world, form, as_of=as_of)
    join = source.relation(relation)
    if join is None:
        raise KeyError(f'"{form.name}" has no relation or sub-table "{relation}"')
    return source, join

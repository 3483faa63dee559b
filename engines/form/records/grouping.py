"""How the records of a list fall into groups: how many each has, and what its numbers come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from engines import feel
from engines.core import AccessDenied
from engines.form.records.ordering import bad_query
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.query import ListQuery, list_conditions, list_key, settled
from engines.form.records.source import FormSource, own_source
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm

# Records that are added up at most: beyond, a page would be kept waiting.
GROUPED_CAP = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The records of a list that hold one value."""

    # The value of the field by which they are grouped; None for those without.
    value: Any
    count: int
    # Field name to the sum of its values, of those that may be read; None where none has one.
    sums: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The groups of a list."""

    items: tuple[Group, ...]
    # True where the list holds more than were added up: the figures are those of a part, and say nothing.
    capped: bool


def group_records(
    world: World, form: StoredForm, query: ListQuery, by: str, sums: Sequence[str] = (), cap: int = GROUPED_CAP
) -> Groups:
    """The groups of the records that a list holds, rights first; ``InputError`` for fields that have no one value.

    A field that may not be read of a record counts as empty there.
    """
    if not world.rights(form).may("see"):
        raise AccessDenied("see", form.name)
    query = settled(world, form, query)

    def make(world: World) -> tuple[Select[Any], tuple[str, ...]]:
        source = own_source(world, form)
        added = [name for name in sums if source.column(name) is not None]
        columns = [_element(source, name).label(f"c{place}") for place, name in enumerate([by, *added])]
        inner = select(*columns).where(*list_conditions(source, query)).limit(cap + 1).subquery()
        key, *numbers = inner.c
        figures = [func.sum(number, type_=number.type) for number in numbers]
        return select(key, func.count(), *figures).group_by(key), tuple(added)

    prepared, given = world.prepared(list_key("groups", form, query, by, tuple(sums), cap), make)
    rows, added = prepared.run(world.connection, given), prepared.reader
    items = tuple(Group(value=row[0], count=row[1], sums=dict(zip(added, row[2:], strict=True))) for row in rows)
    return Groups(items=items, capped=sum(item.count for item in items) > cap)


def _element(source: FormSource, name: str) -> Any:
    column = source.column(name)
    if column is None:
        raise bad_query("list.unknown_field", found=name)
    return column.element


def which_meet(world: World, form: StoredForm, ids: Sequence[UUID], condition: str) -> frozenset[UUID]:
    """Those of the records that may be seen for which a condition of the form's definition is true."""

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        source = own_source(world, form)
        test = source.trusted().test(feel.compile(condition, form.compiled.scope))
        return select(source.selectable.c.id).where(match(source.selectable.c.id), source.visible_rows(), test), None

    found = run_by_ids(world, ("meet", form.name, condition), ids, make)
    return frozenset(row[0] for _, rows in found for row in rows)

"""The order of lists, and the cursors that a page begins behind."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select, true

from engines import feel
from engines.core import DefinitionError, InputError, InputProblem
from engines.feel import FeelType
from engines.form.definition import SortDefinition
from engines.form.records.source import FormSource, scalar_of, scalar_type
from engines.form.records.world import World
from engines.form.types.dates import parse_duration
from engines.form.values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """One key of an order."""

    element: ColumnElement[Any]
    descending: bool
    type: FeelType
    nullable: bool = True


def bad_query(code: str, **params: Any) -> InputError:
    """The error for a list that makes no sense."""
    return InputError([InputProblem(pointer="", code=code, params=params)])


def path_element(source: FormSource, path: str) -> ColumnElement[Any]:
    """A path into another record ("account.tier") as a column; ``InputError`` where there is none."""
    try:
        return source.sql(feel.compile(path, source.form.compiled.scope))
    except DefinitionError as error:
        raise bad_query("list.unknown_field", found=path) from error


def sort_keys(source: FormSource, sort: Sequence[SortDefinition]) -> list[SortKey]:
    """The keys of an order, ended by the id, so that no two rows are equal."""
    keys = [_sort_key(source, item) for item in sort]
    descending = keys[0].descending if keys else True
    last = SortKey(element=source.selectable.c.id, descending=descending, type=feel.IDENTIFIER, nullable=False)
    return [*keys, last]


def _sort_key(source: FormSource, sort: SortDefinition) -> SortKey:
    name, descending = sort.field, sort.direction == "desc"
    field = source.form.compiled.fields.get(name)
    if "." in name:
        kind = scalar_of(feel.compile(name, source.form.compiled.scope).type)
        return SortKey(element=path_element(source, name), descending=descending, type=kind)
    column = source.column(name)
    if column is None or (field is not None and not field.kind.sortable):
        raise bad_query("list.unknown_field", found=name)
    if name in source.rows.sort_keys:
        element = source.guard(name, source.selectable.c[source.rows.sort_keys[name].name])
        return SortKey(element=column.element if element is None else element, descending=descending, type=feel.STRING)
    if field is not None and field.target:
        return SortKey(element=_title_of(source, name, column.element), descending=descending, type=feel.STRING)
    kind = scalar_type(source.form, name) if field is not None else column.type
    return SortKey(element=column.element, descending=descending, type=kind, nullable=column.nullable)


def _title_of(source: FormSource, name: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    """The title of the record that a reference points to, by its sort key: what people expect a list to sort by."""
    join = source.reference(name)
    target = join.source if join else None
    if join is None or not isinstance(target, FormSource) or not target.form.compiled.title:
        return key
    title = target.form.compiled.title
    stored = target.rows.sort_keys.get(title)
    element = target.guard(title, target.selectable.c[stored.name]) if stored is not None else None
    column = target.column(title)
    if element is None and column is None:
        return key
    wanted = element if element is not None else column.element  # type: ignore[union-attr]
    return select(wanted).select_from(join.selectable).where(join.on).scalar_subquery()


def ordered(world: World, key: SortKey) -> ColumnElement[Any]:
    """Nulls are lowest: SQLite sorts so by itself (and may not use an index when told), PostgreSQL is told.

    Of keys that are never null too: the indexes say so, and an index in another order would have to be sorted.
    """
    element = key.element.desc() if key.descending else key.element.asc()
    if world.dialect == "sqlite":
        return element
    return element.nulls_last() if key.descending else element.nulls_first()


def segments(keys: Sequence[SortKey], cursor: Sequence[Any] | None) -> list[ColumnElement[bool]]:
    """Conditions whose rows, one after the other, are those behind a cursor, in order; its values are bound by name.

    Each condition is one range of an index over the first key.
    """
    if cursor is None:
        return [true()]
    if len(cursor) != len(keys):
        raise bad_query("list.bad_cursor")
    named = zip(keys, cursor, strict=True)
    values = [
        None if value is None else bindparam(f"after_{place}", type_=key.element.type)
        for place, (key, value) in enumerate(named)
    ]
    key, value = keys[0], values[0]
    element, rest = key.element, _beyond(keys[1:], values[1:])
    if value is None:
        first = and_(element.is_(None), rest)
        return [first] if key.descending else [first, element.is_not(None)]
    if not key.descending:
        return [and_(element >= value, or_(element > value, rest))]
    here = and_(element <= value, or_(element < value, rest))
    return [here, element.is_(None)] if key.nullable else [here]


def _beyond(keys: Sequence[SortKey], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that sort behind the given values."""
    if not keys:
        return false()
    key, value = keys[0], values[0]
    element, rest = key.element, _beyond(keys[1:], values[1:])
    if value is None:
        same = and_(element.is_(None), rest)
        return same if key.descending else or_(element.is_not(None), same)
    behind = element < value if key.descending else element > value
    if key.descending and key.nullable:
        behind = or_(behind, element.is_(None))
    return or_(behind, and_(element == value, rest))


def write_cursor(values: Sequence[Any]) -> str:
    """The opaque text of the sort values of a page's last row."""
    plain = [str(v) if isinstance(v, Decimal) else to_json(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain, ensure_ascii=False).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[Any]:
    """The sort values in a cursor, as JSON has them; ``InputError`` "list.bad_cursor" where it is none."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise bad_query("list.bad_cursor") from error
    if not isinstance(values, list):
        raise bad_query("list.bad_cursor")
    return values


def cursor_values(types: Sequence[FeelType], cursor: Sequence[Any]) -> dict[str, Any]:
    """The values of a cursor by the names under which ``segments`` binds them."""
    named = zip(types, cursor, strict=True)
    try:
        return {f"after_{n}": _typed(kind, value) for n, (kind, value) in enumerate(named) if value is not None}
    except (ValueError, TypeError, ArithmeticError) as error:
        raise bad_query("list.bad_cursor") from error


def _typed(kind: FeelType, value: Any) -> Any:
    if kind == feel.NUMBER:
        return Decimal(str(value))
    if kind == feel.IDENTIFIER:
        return UUID(str(value))
    if kind == feel.DATE:
        return date.fromisoformat(value)
    if kind == feel.TIME:
        return time.fromisoformat(value)
    if kind == feel.DATE_TIME:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if kind == feel.DAYS_TIME:
        span: timedelta = parse_duration(value)
        return span
    return value

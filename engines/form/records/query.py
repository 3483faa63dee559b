"""Lists of records: filters, search, order, pages that stay fast however far one turns."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, true

from engines import feel
from engines.core import AccessDenied, DefinitionError, InputError, InputProblem
from engines.feel import FeelType
from engines.form.compiled import CompiledForm
from engines.form.definition import SortDefinition, ViewDefinition
from engines.form.records.conditions import to_feel
from engines.form.records.reading import FieldReader, with_titles
from engines.form.records.record import Count, Page, Record
from engines.form.records.search import matching
from engines.form.records.source import FormSource, own_source, scalar_of, scalar_type
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm
from engines.form.types.dates import parse_duration
from engines.form.values import to_json

COUNT_CAP = 1000
_MOST_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a list shows."""

    # Name of a view: its filter and order hold unless others are given (a filter narrows the view's).
    view: str = ""
    # FEEL text, or conditions as data (``engines.form.records.conditions``).
    filter: str | Mapping[str, Any] | None = None
    # Words that must all be found in the searched fields.
    search: str = ""
    sort: tuple[SortDefinition, ...] = ()
    # Cursor of the page before.
    after: str | None = None
    limit: int = 20
    # Fields, or paths like "account.tier"; the view's unless given, else all fields.
    columns: tuple[str, ...] | None = None
    # Whether to count, up to 1,000.
    count: bool = False
    # The recycle bin instead of the records.
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _SortKey:
    element: ColumnElement[Any]
    descending: bool
    type: FeelType
    nullable: bool = True


def page_records(world: World, form: StoredForm, query: ListQuery) -> Page:
    """One page; ``AccessDenied`` where the form's records may not be seen at all, ``InputError`` for a bad query."""
    if not world.rights(form).may("delete" if query.deleted else "see"):
        raise AccessDenied("see", form.name)
    source = own_source(world, form)
    view = _view(form.compiled, query.view)
    conditions = list_conditions(source, query, view)
    keys = _sort_keys(source, query.sort or (view.sort if view else ()))
    limit = max(1, min(query.limit, _MOST_ROWS))
    columns = query.columns if query.columns is not None else (view.columns if view and view.columns else None)
    reader, paths = _reader(source, columns)
    rows = _rows(world, source, reader, paths, keys, conditions, query.after, limit)
    width = reader.width + len(paths)
    records = [_record(reader, paths, row) for row in rows[:limit]]
    after = None
    if len(rows) > limit:
        after = _cursor(rows[limit - 1][width:])
    count = _count(world, source, conditions, COUNT_CAP) if query.count else None
    return Page(records=tuple(with_titles(source, records)), next=after, count=count)


def count_records(world: World, form: StoredForm, query: ListQuery, cap: int) -> Count:
    """How many records a list holds, up to ``cap``."""
    if not world.rights(form).may("see"):
        raise AccessDenied("see", form.name)
    source = own_source(world, form)
    return _count(world, source, list_conditions(source, query, _view(form.compiled, query.view)), cap)


def _count(world: World, source: FormSource, conditions: Sequence[ColumnElement[bool]], cap: int) -> Count:
    inner = select(literal(1)).select_from(source.selectable).where(*conditions).limit(cap + 1).subquery()
    found = world.connection.execute(select(func.count()).select_from(inner)).scalar_one()
    return Count(value=min(found, cap), capped=found > cap)


def list_conditions(source: FormSource, query: ListQuery, view: ViewDefinition | None) -> list[ColumnElement[bool]]:
    """Everything that the listed rows must meet, rights first."""
    operation = "delete" if query.deleted else "see"
    conditions = [source.visible_rows(operation, deleted=query.deleted)]
    if view is not None and view.filter:
        conditions.append(source.trusted().test(feel.compile(view.filter, source.form.compiled.scope)))
    if query.filter:
        conditions.append(filter_condition(source, query.filter))
    if query.search.strip():
        found = matching(source, query.search)
        conditions.append(false() if found is None else found)
    return conditions


def filter_condition(source: FormSource, filter: str | Mapping[str, Any]) -> ColumnElement[bool]:
    """A filter in SQL, over what the rights let be read; ``InputError`` "list.bad_filter" where it makes no sense."""
    scope = source.form.compiled.scope
    if not isinstance(filter, str):
        filter = to_feel(filter, scope.variables, source.world.now.astimezone(source.world.context.zone).date())
    try:
        return source.test(feel.compile(filter, scope))
    except DefinitionError as error:
        params = {"found": filter, "why": [d.render() for d in error.diagnostics]}
        raise InputError([InputProblem(pointer="", code="list.bad_filter", params=params)]) from error


def _view(form: CompiledForm, name: str) -> ViewDefinition | None:
    if name and name not in form.views:
        raise _bad("list.unknown_view", found=name)
    return form.views.get(name)


def _bad(code: str, **params: Any) -> InputError:
    return InputError([InputProblem(pointer="", code=code, params=params)])


def _reader(source: FormSource, columns: Sequence[str] | None) -> tuple[FieldReader, list[tuple[str, Any]]]:
    """A reader of the form's own columns, and the elements of paths into other records."""
    fields = source.form.compiled.fields
    if columns is None:
        return FieldReader(source, [name for name, field in fields.items() if field.rows is None]), []
    own = dict.fromkeys(name for name in (*columns, source.form.compiled.title) if name in fields)
    paths = [(name, _path(source, name)) for name in columns if "." in name]
    return FieldReader(source, own), paths


def _path(source: FormSource, path: str) -> ColumnElement[Any]:
    try:
        return source.sql(feel.compile(path, source.form.compiled.scope))
    except DefinitionError as error:
        raise _bad("list.unknown_field", found=path) from error


def _sort_keys(source: FormSource, sort: Sequence[SortDefinition]) -> list[_SortKey]:
    """The keys of an order, ended by the id, so that no two rows are equal."""
    keys = [_sort_key(source, item) for item in sort]
    descending = keys[0].descending if keys else True
    last = _SortKey(element=source.selectable.c.id, descending=descending, type=feel.IDENTIFIER, nullable=False)
    return [*keys, last]


def _sort_key(source: FormSource, sort: SortDefinition) -> _SortKey:
    name, descending = sort.field, sort.direction == "desc"
    field = source.form.compiled.fields.get(name)
    if "." in name:
        kind = scalar_of(feel.compile(name, source.form.compiled.scope).type)
        return _SortKey(element=_path(source, name), descending=descending, type=kind)
    column = source.column(name)
    if column is None or (field is not None and not field.kind.sortable):
        raise _bad("list.unknown_field", found=name)
    if name in source.rows.sort_keys:
        element = source.guard(name, source.selectable.c[source.rows.sort_keys[name].name])
        return _SortKey(element=column.element if element is None else element, descending=descending, type=feel.STRING)
    if field is not None and field.target:
        return _SortKey(element=_title_of(source, name, column.element), descending=descending, type=feel.STRING)
    kind = scalar_type(source.form, name) if field is not None else column.type
    return _SortKey(element=column.element, descending=descending, type=kind, nullable=column.nullable)


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


def _rows(
    world: World,
    source: FormSource,
    reader: FieldReader,
    paths: Sequence[tuple[str, Any]],
    keys: Sequence[_SortKey],
    conditions: Sequence[ColumnElement[bool]],
    after: str | None,
    limit: int,
) -> list[Any]:
    """Up to ``limit`` + 1 rows behind the cursor. Each segment is one range of an index over the first key."""
    extra = [element.label(f"p{place}") for place, (_, element) in enumerate(paths)]
    sorts = [key.element.label(f"k{place}") for place, key in enumerate(keys)]
    query = select(*reader.columns(), *extra, *sorts).where(*conditions)
    query = query.order_by(*(_ordered(world, key) for key in keys))
    found: list[Any] = []
    for segment in _segments(keys, _values(keys, after)) if after else [true()]:
        wanted = limit + 1 - len(found)
        found += world.connection.execute(query.where(segment).limit(wanted)).all()
        if len(found) > limit:
            break
    return found


def _ordered(world: World, key: _SortKey) -> ColumnElement[Any]:
    """Nulls are lowest: SQLite sorts so by itself (and may not use an index when told), PostgreSQL is told."""
    element = key.element.desc() if key.descending else key.element.asc()
    if world.connection.dialect.name == "sqlite" or not key.nullable:
        return element
    return element.nulls_last() if key.descending else element.nulls_first()


def _segments(keys: Sequence[_SortKey], values: Sequence[Any]) -> list[ColumnElement[bool]]:
    """Conditions whose rows, one after the other, are those behind the cursor, in order."""
    key, value = keys[0], values[0]
    element, rest = key.element, _beyond(keys[1:], values[1:])
    if value is None:
        first = and_(element.is_(None), rest)
        return [first] if key.descending else [first, element.is_not(None)]
    if not key.descending:
        return [and_(element >= value, or_(element > value, rest))]
    here = and_(element <= value, or_(element < value, rest))
    return [here, element.is_(None)] if key.nullable else [here]


def _beyond(keys: Sequence[_SortKey], values: Sequence[Any]) -> ColumnElement[bool]:
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


def _record(reader: FieldReader, paths: Sequence[tuple[str, Any]], row: Any) -> Record:
    record = reader.record(row)
    if not paths:
        return record
    values = {name: row[reader.width + place] for place, (name, _) in enumerate(paths)}
    return replace(record, values={**record.values, **values})


def _cursor(values: Sequence[Any]) -> str:
    plain = [str(v) if isinstance(v, Decimal) else to_json(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain, ensure_ascii=False).encode()).decode().rstrip("=")


def _values(keys: Sequence[_SortKey], cursor: str) -> list[Any]:
    """The sort values that a cursor holds, as the columns' types."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError(cursor)
        return [None if value is None else _typed(key.type, value) for key, value in zip(keys, values, strict=True)]
    except (ValueError, ArithmeticError) as error:
        raise _bad("list.bad_cursor") from error


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

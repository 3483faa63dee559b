"""Lists of records: filters, search, order, pages that stay fast however far one turns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, false, func, literal, select

from engines import feel
from engines.core import AccessDenied, DefinitionError, InputError, InputProblem
from engines.feel import FeelType
from engines.form.compiled import CompiledForm
from engines.form.definition import SortDefinition, ViewDefinition
from engines.form.records.conditions import to_feel
from engines.form.records.ordering import (
    bad_query,
    cursor_values,
    ordered,
    path_element,
    read_cursor,
    segments,
    sort_keys,
    write_cursor,
)
from engines.form.records.reading import RecordReader, SelectedFields, add_titles
from engines.form.records.record import Count, Page, Record
from engines.form.records.search import matching
from engines.form.records.source import FormSource, own_source
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm

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
    # What is done with the records beside seeing them ("export"): only those, and fields, that are open to it too.
    operation: str = "see"


@dataclass(frozen=True, slots=True, kw_only=True)
class _PageReader:
    """Turns the rows of a page into records."""

    fields: RecordReader
    # Paths into other records, whose columns follow the record's.
    paths: tuple[str, ...]
    # Types of the sort values, whose columns come last.
    sorts: tuple[FeelType, ...]
    # Into how many ranges the rows behind the cursor fall.
    segments: int

    def record(self, row: Row[Any]) -> Record:
        """The record of a row, with the paths among its values."""
        record = self.fields.record(row)
        if not self.paths:
            return record
        width = self.fields.width
        found = dict(zip(self.paths, row[width : width + len(self.paths)], strict=True))
        return replace(record, values={**record.values, **found})

    def cursor(self, row: Row[Any]) -> str:
        """The cursor of the page behind a row."""
        return write_cursor(row[self.fields.width + len(self.paths) :])


def page_records(world: World, form: StoredForm, query: ListQuery) -> Page:
    """One page; ``AccessDenied`` where the form's records may not be seen at all, ``InputError`` for a bad query."""
    if not world.rights(form).may("delete" if query.deleted else "see"):
        raise AccessDenied("see", form.name)
    if not world.rights(form).may(query.operation):
        raise AccessDenied(query.operation, form.name)
    query = settled(world, form, query)
    after = read_cursor(query.after) if query.after else None
    rows, reader = _rows(world, form, query, after)
    records = tuple(reader.record(row) for row in rows[: query.limit])
    add_titles(world, form, records)
    return Page(
        records=records,
        next=reader.cursor(rows[query.limit - 1]) if len(rows) > query.limit else None,
        count=_count(world, form, query, COUNT_CAP) if query.count else None,
    )


def count_records(world: World, form: StoredForm, query: ListQuery, cap: int) -> Count:
    """How many records a list holds, up to ``cap``."""
    if not world.rights(form).may("see"):
        raise AccessDenied("see", form.name)
    return _count(world, form, settled(world, form, query), cap)


def settled(world: World, form: StoredForm, query: ListQuery) -> ListQuery:
    """The query with its filter as text and its limit within bounds."""
    text = query.filter
    if text and not isinstance(text, str):
        today = world.now.astimezone(world.context.zone).date()
        text = to_feel(text, form.compiled.scope.variables, today)
    _view(form.compiled, query.view)
    return replace(query, filter=text or None, limit=max(1, min(query.limit, _MOST_ROWS)))


def list_key(kind: str, form: StoredForm, query: ListQuery, *more: Hashable) -> tuple[Hashable, ...] | None:
    """What the statement of a list depends on; None for a search, which is made anew each time."""
    if query.search.strip():
        return None
    return (kind, form.name, query.view, query.filter, query.deleted, query.operation, *more)


def _rows(
    world: World, form: StoredForm, query: ListQuery, after: Sequence[Any] | None
) -> tuple[Sequence[Row[Any]], _PageReader]:
    """Up to one row more than the limit, from behind the cursor, and what reads them."""
    nulls = None if after is None else tuple(value is None for value in after)
    shape = (query.sort, query.columns, query.limit, nulls)
    found: list[Row[Any]] = []
    segment = 0
    while True:
        make = partial(_page_statement, form=form, query=query, after=after, segment=segment)
        prepared, given = world.prepared(list_key("page", form, query, *shape, segment), make)
        reader = prepared.reader
        if after is not None:
            given |= cursor_values(reader.sorts, after)
        found += prepared.run(world.connection, given)
        segment += 1
        if len(found) > query.limit or segment >= reader.segments:
            return found[: query.limit + 1], reader


def _page_statement(
    world: World, form: StoredForm, query: ListQuery, after: Sequence[Any] | None, segment: int
) -> tuple[Select[Any], _PageReader]:
    source = own_source(world, form)
    view = _view(form.compiled, query.view)
    keys = sort_keys(source, query.sort or (view.sort if view else ()))
    columns = query.columns if query.columns is not None else (view.columns if view and view.columns else None)
    selected, paths = _selected(source, columns, query.operation)
    behind = segments(keys, after)
    extra = [element.label(f"p{place}") for place, element in enumerate(paths.values())]
    sorts = [key.element.label(f"k{place}") for place, key in enumerate(keys)]
    statement = select(*selected.columns(), *extra, *sorts).where(*list_conditions(source, query), behind[segment])
    statement = statement.order_by(*(ordered(world, key) for key in keys)).limit(query.limit + 1)
    reader = _PageReader(
        fields=selected.reader,
        paths=tuple(paths),
        sorts=tuple(key.type for key in keys),
        segments=len(behind),
    )
    return statement, reader


def _count(world: World, form: StoredForm, query: ListQuery, cap: int) -> Count:
    def make(world: World) -> tuple[Select[Any], None]:
        source = own_source(world, form)
        conditions = list_conditions(source, query)
        inner = select(literal(1)).select_from(source.selectable).where(*conditions).limit(cap + 1).subquery()
        return select(func.count()).select_from(inner), None

    prepared, given = world.prepared(list_key("count", form, query, cap), make)
    (found,) = prepared.run(world.connection, given).scalars()
    return Count(value=min(found, cap), capped=found > cap)


def list_conditions(source: FormSource, query: ListQuery) -> list[ColumnElement[bool]]:
    """Everything that the listed rows must meet, rights first."""
    view = _view(source.form.compiled, query.view)
    operation = "delete" if query.deleted else "see"
    conditions = [source.visible_rows(operation, deleted=query.deleted)]
    if query.operation != "see":
        conditions.append(source.allowed(query.operation))
    if view is not None and view.filter:
        conditions.append(source.trusted().test(feel.compile(view.filter, source.form.compiled.scope)))
    if isinstance(query.filter, str):
        conditions.append(_filter_condition(source, query.filter))
    if query.search.strip():
        found = matching(source, query.search)
        conditions.append(false() if found is None else found)
    return conditions


def _filter_condition(source: FormSource, filter: str) -> ColumnElement[bool]:
    """A filter in SQL, over what the rights let be read; ``InputError`` "list.bad_filter" where it makes no sense."""
    try:
        return source.test(feel.compile(filter, source.form.compiled.scope))
    except DefinitionError as error:
        params = {"found": filter, "why": [d.render() for d in error.diagnostics]}
        raise InputError([InputProblem(pointer="", code="list.bad_filter", params=params)]) from error


def _view(form: CompiledForm, name: str) -> ViewDefinition | None:
    if name and name not in form.views:
        raise bad_query("list.unknown_view", found=name)
    return form.views.get(name)


def _selected(
    source: FormSource, columns: Sequence[str] | None, operation: str
) -> tuple[SelectedFields, dict[str, ColumnElement[Any]]]:
    """The form's own columns, and the elements of paths into other records."""
    fields = source.form.compiled.fields
    if columns is None:
        plain = [name for name, field in fields.items() if field.rows is None]
        return SelectedFields(source, plain, operation=operation), {}
    own = dict.fromkeys(name for name in (*columns, source.form.compiled.title) if name in fields)
    return SelectedFields(source, own, operation=operation), {
        name: path_element(source, name) for name in columns if "." in name
    }

"""The values of a dimension, for the choices of a filter."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Subquery, select

from engines.report.compiled import CompiledDataset
from engines.report.ports import RowSource
from engines.report.rowsource import JoinedRows
from engines.report.running import ReportContext

# More choices than people can pick from.
MAX_CHOICES = 500


def dimension_values(
    dataset: CompiledDataset, name: str, connection: Connection, source: RowSource, context: ReportContext
) -> list[tuple[Any, str | None]]:
    """Values of a dimension among the rows that the reader may see, with their titles (None where it has none).

    Ordered by title, else by value; missing values are left out; at most 500.
    """
    statement, inner = _values(dataset, name, connection, source, context)
    found = connection.execute(statement.order_by(*reversed(inner.c)).limit(MAX_CHOICES))
    return [(row[0], row[1] if len(row) > 1 else None) for row in found]


def title_of(
    dataset: CompiledDataset,
    name: str,
    value: Any,
    connection: Connection,
    source: RowSource,
    context: ReportContext,
) -> str | None:
    """What people read in place of one value of a dimension, as far as the reader may see it."""
    if dataset.dimensions[name].title is None or value is None:
        return None
    statement, inner = _values(dataset, name, connection, source, context)
    return connection.execute(statement.where(inner.c.value == value).limit(1)).scalars("title").first()


def _values(
    dataset: CompiledDataset, name: str, connection: Connection, source: RowSource, context: ReportContext
) -> tuple[Select[Any], Subquery]:
    dimension = dataset.dimensions[name]
    variables = {"settings": context.settings}
    rows = JoinedRows(source, dataset.definition.each, variables, connection.dialect.name)
    columns = [rows.element(dimension.expression).label("value")]
    if dimension.title is not None:
        columns.append(rows.element(dimension.title).label("title"))
    conditions = [rows.visible_rows(), *(rows.condition(c) for c in dataset.conditions), columns[0].is_not(None)]
    inner = select(*columns).select_from(rows.from_clause).where(*conditions).distinct().subquery()
    return select(inner), inner

"""Tries expressions in SQL when a definition is checked: what a database cannot say is refused before it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnClause, FromClause, column, table, true
from sqlalchemy.types import TypeEngine

from engines import feel
from engines.core.diagnostics import Diagnostic
from engines.feel.sql import SqlColumn, SqlJoin, SqlUnsupportedError
from engines.feel.storage import (
    CalendarDate,
    CodePointText,
    Duration,
    Flag,
    Identifier,
    Instant,
    Json,
    ScaledDecimal,
    TimeOfDay,
)

DIALECTS = ("sqlite", "postgresql")
_STORED: Mapping[feel.FeelType, TypeEngine[Any]] = {
    feel.STRING: CodePointText(),
    feel.NUMBER: ScaledDecimal(15, 2),
    feel.BOOLEAN: Flag(),
    feel.DATE: CalendarDate(),
    feel.DATE_TIME: Instant(),
    feel.TIME: TimeOfDay(),
    feel.DAYS_TIME: Duration(),
    feel.IDENTIFIER: Identifier(),
}
_CONTEXT = feel.EvaluationContext(now=datetime(2000, 1, 1, tzinfo=UTC), zone=ZoneInfo("UTC"))


def sql_problems(
    expression: feel.Expression, names: Mapping[str, feel.FeelType], variables: Collection[str]
) -> list[Diagnostic]:
    """What keeps ``expression`` from running over rows with ``names``; code ``feel.sql_unsupported``.

    ``variables`` are those of the names that are the same for all rows.
    """
    fields = {name: kind for name, kind in names.items() if name not in variables}
    for dialect in DIALECTS:
        try:
            feel.to_sql(expression, _Shape(fields, variables), dialect, _CONTEXT)
        except SqlUnsupportedError as error:
            return list(error.diagnostics)
    return []


class _Shape:
    """Rows of which only names and types are known."""

    def __init__(self, names: Mapping[str, feel.FeelType], variables: Collection[str]) -> None:
        self._names = names
        self._variables = variables
        # Light columns: a check makes hundreds of shapes, and full tables take milliseconds each.
        self.selectable: FromClause = table("rows", *self._columns()).alias()

    def _columns(self) -> list[ColumnClause[Any]]:
        found = []
        for name, kind in self._names.items():
            stored = _STORED.get(kind)
            if isinstance(kind, feel.ListType) and kind.element in _STORED:
                stored = Json()
            if stored is not None:
                found.append(column(name, stored))
        return found

    def column(self, name: str) -> SqlColumn | None:
        if name not in self.selectable.c:
            return None
        return SqlColumn(element=self.selectable.c[name], type=self._names[name])

    def reference(self, name: str) -> SqlJoin | None:
        kind = self._names.get(name)
        return self._join(kind) if isinstance(kind, feel.ContextType) and "id" in kind.fields else None

    def relation(self, name: str) -> SqlJoin | None:
        kind = self._names.get(name)
        element = kind.element if isinstance(kind, feel.ListType) else None
        return self._join(element) if isinstance(element, feel.ContextType) else None

    def variable(self, name: str) -> object | None:
        return None if name in self._variables else NotImplemented

    def _join(self, kind: feel.ContextType) -> SqlJoin:
        source = _Shape(kind.fields, self._variables)
        return SqlJoin(source=source, selectable=source.selectable, on=true())

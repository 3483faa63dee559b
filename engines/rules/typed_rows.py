"""Whether SQL can say a condition, told from types alone: rows that stand in no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Column as TableColumn
from sqlalchemy import ColumnElement, FromClause, Table, true
from sqlalchemy.schema import MetaData

from engines import feel
from engines.core import Diagnostic
from engines.feel import storage
from engines.feel.sql import SqlColumn, SqlJoin, SqlUnsupportedError, to_sql_condition
from engines.rules.sources import WithVariables

_STORED: Final[Mapping[feel.FeelType, Any]] = {
    feel.NUMBER: storage.ScaledDecimal(18, 2),
    feel.STRING: storage.CodePointText(),
    feel.BOOLEAN: storage.Flag(),
    feel.DATE: storage.CalendarDate(),
    feel.TIME: storage.TimeOfDay(),
    feel.DATE_TIME: storage.Instant(),
    feel.DAYS_TIME: storage.Duration(),
    feel.IDENTIFIER: storage.Identifier(),
    feel.ListType(feel.STRING): storage.Json(),
}
_SAMPLES: Final[Mapping[feel.FeelType, Any]] = {
    feel.NUMBER: Decimal(1),
    feel.STRING: "x",
    feel.BOOLEAN: True,
    feel.DATE: date(2000, 1, 1),
    feel.TIME: time(12),
    feel.DATE_TIME: datetime(2000, 1, 1, tzinfo=UTC),
    feel.DAYS_TIME: timedelta(1),
    feel.IDENTIFIER: UUID(int=1),
}
# Any instant will do: what is asked is whether there is SQL at all.
_SOME_CONTEXT: Final = feel.EvaluationContext(now=datetime(2000, 1, 1, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"))


class TypedRows:
    """Rows of a record type: scalars are columns, contexts references, lists of contexts relations."""

    def __init__(self, kind: feel.ContextType) -> None:
        self._fields = kind.fields
        stored = {name: _STORED[_scalar(field)] for name, field in kind.fields.items() if _scalar(field) in _STORED}
        columns = [TableColumn(name, kind) for name, kind in {"id": storage.Identifier(), **stored}.items()]
        self.selectable: FromClause = Table("rows", MetaData(), *columns).alias()

    def visible_rows(self) -> ColumnElement[bool]:
        """All."""
        return true()

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field, or the id that a reference holds."""
        if name not in self.selectable.c:
            return None
        kind = _scalar(self._fields.get(name, feel.IDENTIFIER))
        return SqlColumn(element=self.selectable.c[name], type=kind)

    def reference(self, name: str) -> SqlJoin | None:
        """What a context is a record of."""
        kind = self._fields.get(name)
        return _join(kind) if isinstance(kind, feel.ContextType) else None

    def relation(self, name: str) -> SqlJoin | None:
        """The records of a list."""
        kind = self._fields.get(name)
        element = kind.element if isinstance(kind, feel.ListType) else None
        return _join(element) if isinstance(element, feel.ContextType) else None

    def variable(self, name: str) -> object | None:
        """Nothing is known beforehand of settings and who acts; null stands for them."""
        unknown: object = NotImplemented
        return unknown


def _scalar(kind: feel.FeelType) -> feel.FeelType:
    return feel.IDENTIFIER if isinstance(kind, feel.ContextType) and kind.get("id") is feel.IDENTIFIER else kind


def _join(kind: feel.ContextType) -> SqlJoin:
    rows = TypedRows(kind)
    return SqlJoin(source=rows, selectable=rows.selectable, on=true())


def _samples(paths: Iterable[tuple[str, ...]], types: Mapping[str, feel.FeelType]) -> dict[str, Any]:
    """Values of the types that ``paths`` lead to; None where nothing is known."""
    found: dict[str, Any] = {}
    for name in {path[0] for path in paths}:
        deeper = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        kind = types.get(name, feel.ANY)
        inner = kind.element if isinstance(kind, feel.ListType) else kind
        if isinstance(inner, feel.ContextType):
            value: Any = {"id": UUID(int=1), **_samples(deeper, inner.fields)}
        else:
            value = _SAMPLES.get(inner)
        found[name] = [value] if isinstance(kind, feel.ListType) else value
    return found


def sql_problems(condition: feel.Expression, kind: feel.FeelType, row_name: str) -> Iterator[Diagnostic]:
    """``feel.sql_unsupported`` where a condition over rows of ``kind`` has no SQL; other names are values of the rule.

    ``row_name``: what the row goes by; "" where its fields go by their own names.
    """
    if not isinstance(kind, feel.ContextType) or kind.open:
        return
    own = {row_name} if row_name else set(kind.fields)
    others = _samples([path for path in condition.reads if path[0] not in own], condition.scope.variables)
    rows = WithVariables(TypedRows(kind), others, row_name=row_name, hides_fields=bool(row_name))
    for dialect in ("sqlite", "postgresql"):
        try:
            to_sql_condition(condition, rows, dialect, _SOME_CONTEXT)
        except SqlUnsupportedError as error:
            yield from error.diagnostics
            return

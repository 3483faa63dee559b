"""The rows that a tile counts: a reader's rows with the records they refer to joined on, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from engines import feel
from engines.feel.sql import SqlColumn, SqlJoin, SqlSource
from engines.report.ports import RowSource


class JoinedRows:
    """A ``SqlSource`` over a reader's rows in which ``account.tier`` reads a column joined on, not a subquery.

    References are many-to-one, so joining them never repeats a row; relations stay correlated subqueries. Over the
    rows of a sub-table the header is joined to each of its rows.
    """

    def __init__(self, source: RowSource, each: str, variables: Mapping[str, Any], dialect: str) -> None:
        self._source = source
        self._each: SqlJoin | None = None
        self._variables = variables
        self._dialect = dialect
        self._joins: dict[tuple[str, ...], SqlJoin] = {}
        self._from: FromClause = source.selectable
        # Dimensions that conditions of tiles may name.
        self._named: dict[str, SqlColumn] = {}
        if each:
            self._each = source.relation(each)
            if self._each is None:
                raise LookupError(f'the rows have no relation "{each}"')
            self._from = self._from.join(self._each.selectable, self._each.on)
        self._each_name = each

    @property
    def from_clause(self) -> FromClause:
        """What stands in FROM; complete once every expression has been asked for."""
        return self._from

    def visible_rows(self) -> ColumnElement[bool]:
        """Which rows the reader may see."""
        return self._source.visible_rows()

    def element(self, expression: feel.Expression) -> ColumnElement[Any]:
        """The SQL of an expression over a row."""
        return feel.to_sql(expression, self, self._dialect)

    def condition(self, expression: feel.Expression) -> ColumnElement[bool]:
        """The SQL of a condition, for WHERE."""
        return feel.to_sql_condition(expression, self, self._dialect)

    def name(self, name: str, expression: feel.Expression) -> None:
        """Lets conditions read the value of ``expression`` as ``name``."""
        self._named[name] = SqlColumn(element=self.element(expression), type=expression.type)

    def header_id(self) -> ColumnElement[Any]:
        """The id of the header of a sub-table row."""
        column = self._source.column("id")
        if column is None:
            raise LookupError("the rows have no id")
        return column.element

    # SqlSource

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field, or a dimension under its name."""
        return self._source.column(name) or self._named.get(name)

    def reference(self, name: str) -> SqlJoin | None:
        """A reference, joined on; over a sub-table also the row of the sub-table itself."""
        if self._each is not None and name == self._each_name:
            return replace(self._each, source=_Path(self, self._each.source, (name,)), joined=True)
        return self.join((name,), self._source)

    def relation(self, name: str) -> SqlJoin | None:
        """One-to-many rows, as the source gives them."""
        return None if self._each is not None and name == self._each_name else self._source.relation(name)

    def variable(self, name: str) -> object | None:
        """A filter's value, else what the source binds."""
        return self._variables[name] if name in self._variables else self._source.variable(name)

    def join(self, path: tuple[str, ...], source: SqlSource) -> SqlJoin | None:
        """The record at ``path``, joined to FROM when first asked for."""
        if path not in self._joins:
            found = source.reference(path[-1])
            if found is None:
                return None
            self._from = self._from.outerjoin(found.selectable, found.on)
            self._joins[path] = replace(found, source=_Path(self, found.source, path), joined=True)
        return self._joins[path]


class _Path:
    """The rows of a joined record: its own references are joined on as well."""

    def __init__(self, rows: JoinedRows, source: SqlSource, path: tuple[str, ...]) -> None:
        self._rows = rows
        self._source = source
        self._path = path

    def column(self, name: str) -> SqlColumn | None:
        return self._source.column(name)

    def reference(self, name: str) -> SqlJoin | None:
        return self._rows.join((*self._path, name), self._source)

    def relation(self, name: str) -> SqlJoin | None:
        return self._source.relation(name)

    def variable(self, name: str) -> object | None:
        return self._rows.variable(name)

"""A reader's rows, fewer of them: those that belong to one record."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, FromClause, and_

from engines.feel.sql import SqlColumn, SqlJoin
from engines.form import FormSource

# What rows must meet besides the reader's rights.
Narrow = Callable[[FormSource], ColumnElement[bool]]


class NarrowedRows:
    """The rows of a source that meet a further condition; what may not be seen stays out as before."""

    def __init__(self, source: FormSource, narrow: Narrow) -> None:
        self._source = source
        self._condition = narrow(source)

    @property
    def selectable(self) -> FromClause:
        """What stands in FROM."""
        return self._source.selectable

    def visible_rows(self) -> ColumnElement[bool]:
        """Which rows the reader may see, of those that are meant."""
        return and_(self._source.visible_rows(), self._condition)

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field."""
        return self._source.column(name)

    def reference(self, name: str) -> SqlJoin | None:
        """What a field points to."""
        return self._source.reference(name)

    def relation(self, name: str) -> SqlJoin | None:
        """What points to the rows."""
        return self._source.relation(name)

    def variable(self, name: str) -> object | None:
        """Who acts, settings."""
        return self._source.variable(name)

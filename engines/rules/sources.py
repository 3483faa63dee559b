"""Sources of rows with further names: variables of a rule or a score model, the row itself under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, true

from engines.feel.sql import SqlColumn, SqlJoin
from engines.rules.ports import RowSource


class WithVariables:
    """A source whose variables are those given first; with ``row_name`` the row itself goes by that name, too."""

    def __init__(
        self, source: RowSource, variables: Mapping[str, Any], *, row_name: str = "", hides_fields: bool = False
    ) -> None:
        """``hides_fields``: names of ``variables`` mean these even where the row has a field of that name."""
        self._source = source
        self._variables = variables
        self._row_name = row_name
        self._hidden = frozenset(variables) if hides_fields else frozenset[str]()

    @property
    def selectable(self) -> FromClause:
        """What stands in FROM."""
        return self._source.selectable

    def visible_rows(self) -> ColumnElement[bool]:
        """Which rows may be seen."""
        return self._source.visible_rows()

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field."""
        return None if name in self._hidden or name == self._row_name else self._source.column(name)

    def reference(self, name: str) -> SqlJoin | None:
        """A reference, or the row itself."""
        if self._row_name and name == self._row_name:
            return SqlJoin(source=self._source, selectable=self._source.selectable, on=true(), joined=True)
        return None if name in self._hidden else self._source.reference(name)

    def relation(self, name: str) -> SqlJoin | None:
        """A relation."""
        return None if name in self._hidden else self._source.relation(name)

    def variable(self, name: str) -> object | None:
        """A bound value."""
        return self._variables[name] if name in self._variables else self._source.variable(name)

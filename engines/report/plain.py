"""Reports over plain tables: what a form engine otherwise gives, for use from a Python prompt and for tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, true
from sqlalchemy.sql.util import ClauseAdapter

from engines import feel
from engines.core.text import LocalizedText
from engines.feel import storage
from engines.feel.sql import SqlColumn, SqlJoin

_TYPES: Mapping[type, feel.FeelType] = {
    storage.CodePointText: feel.STRING,
    storage.ScaledDecimal: feel.NUMBER,
    storage.Flag: feel.BOOLEAN,
    storage.CalendarDate: feel.DATE,
    storage.Instant: feel.DATE_TIME,
    storage.TimeOfDay: feel.TIME,
    storage.Duration: feel.DAYS_TIME,
    storage.Identifier: feel.IDENTIFIER,
}


@dataclass(kw_only=True)
class PlainForm:
    """A table as a form: columns typed by ``engines.feel.storage`` are its fields, ``id`` its key.

    Implements ``FormShape``. A column behind a reference is not a field of its own.
    """

    table: Table
    # Name to (form, foreign key column of this table).
    references: dict[str, tuple[PlainForm, str]] = field(default_factory=dict)
    # Name to (form, foreign key column of that table).
    relations: dict[str, tuple[PlainForm, str]] = field(default_factory=dict)
    # Labels of values by path: ("status",), ("customer", "tier").
    option_labels: Mapping[tuple[str, ...], Mapping[str, LocalizedText]] = field(default_factory=dict)
    view_names: Sequence[str] = ("all",)

    @property
    def fields(self) -> dict[str, feel.FeelType]:
        """Types of the columns by name."""
        keys = {key for _, key in self.references.values()}
        return {
            c.name: _TYPES[type(c.type)] for c in self.table.columns if c.name not in keys and type(c.type) in _TYPES
        }

    @property
    def names(self) -> Mapping[str, feel.FeelType]:
        """Fields, references and relations with their types."""
        related = {
            name: feel.ListType(feel.ContextType(form._without_relations()))
            for name, (form, _) in self.relations.items()
        }
        return {**self._without_relations(), **related}

    @property
    def variables(self) -> Collection[str]:
        """None."""
        return ()

    def title(self, kind: feel.ContextType) -> str:
        """``name`` where there is such a field."""
        return "name" if "name" in kind.fields else ""

    def options(self, path: Sequence[str]) -> Mapping[str, LocalizedText]:
        """Labels of the values at ``path``."""
        return self.option_labels.get(tuple(path), {})

    def tones(self, path: Sequence[str]) -> Mapping[str, str]:
        """None."""
        return {}

    def views(self) -> Sequence[str]:
        """Names of its lists."""
        return self.view_names

    def rows(
        self, condition: ColumnElement[bool] | None = None, variables: Mapping[str, Any] | None = None
    ) -> PlainRows:
        """The rows that meet ``condition`` (over the table's columns), or all: what one reader may see."""
        return PlainRows(self, condition, variables or {})

    def _without_relations(self) -> dict[str, feel.FeelType]:
        referred = {name: feel.ContextType(form._without_relations()) for name, (form, _) in self.references.items()}
        return {**self.fields, **referred}


class PlainRows:
    """The rows of a ``PlainForm`` that somebody may see. Implements ``RowSource``."""

    def __init__(self, form: PlainForm, condition: ColumnElement[bool] | None, variables: Mapping[str, Any]) -> None:
        self._form = form
        self._condition = condition
        self._variables = variables
        self.selectable: FromClause = form.table.alias()

    def visible_rows(self) -> ColumnElement[bool]:
        """The condition, over this alias of the table."""
        return true() if self._condition is None else ClauseAdapter(self.selectable).traverse(self._condition)

    def column(self, name: str) -> SqlColumn | None:
        """A column, or the key behind a reference."""
        kind = self._form.fields.get(name)
        if kind is not None:
            return SqlColumn(element=self.selectable.c[name], type=kind)
        if name in self._form.references:
            return SqlColumn(element=self.selectable.c[self._form.references[name][1]], type=feel.IDENTIFIER)
        return None

    def reference(self, name: str) -> SqlJoin | None:
        """The row that a reference points to."""
        if name not in self._form.references:
            return None
        form, key = self._form.references[name]
        other = form.rows(variables=self._variables)
        return SqlJoin(source=other, selectable=other.selectable, on=other.selectable.c.id == self.selectable.c[key])

    def relation(self, name: str) -> SqlJoin | None:
        """The rows that refer to this one."""
        if name not in self._form.relations:
            return None
        form, key = self._form.relations[name]
        other = form.rows(variables=self._variables)
        return SqlJoin(source=other, selectable=other.selectable, on=other.selectable.c[key] == self.selectable.c.id)

    def variable(self, name: str) -> object | None:
        """A value given with the rows."""
        value: object | None = self._variables.get(name, NotImplemented)
        return value


@dataclass(kw_only=True)
class PlainDefinitions:
    """Forms over plain tables and loaded definitions by (kind, name). Implements ``ReportDefinitions``."""

    forms: Mapping[str, PlainForm] = field(default_factory=dict)
    loaded: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    setting_types: Mapping[str, feel.FeelType] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Any | None:
        """A definition."""
        return self.forms.get(name) if kind == "form" else self.loaded.get((kind, name))

    def names(self, kind: str) -> Sequence[str]:
        """Names of a kind."""
        return list(self.forms) if kind == "form" else [name for k, name in self.loaded if k == kind]

    def shape(self, form: str) -> PlainForm | None:
        """A form."""
        return self.forms.get(form)

    def settings(self) -> Mapping[str, feel.FeelType]:
        """Types of settings."""
        return self.setting_types

"""A ``RowSource`` over plain tables, and the shapes of the forms that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, true
from sqlalchemy.sql.util import ClauseAdapter

from engines import feel
from engines.core.text import LocalizedText
from engines.feel.sql import SqlColumn, SqlJoin


@dataclass(kw_only=True)
class Model:
    """A table with the FEEL types of its columns, what it refers to and what refers to it."""

    table: Table
    types: Mapping[str, feel.FeelType]
    # Name to (model, foreign key column of this table).
    references: dict[str, tuple[Model, str]] = field(default_factory=dict)
    # Name to (model, foreign key column of that table).
    relations: dict[str, tuple[Model, str]] = field(default_factory=dict)
    options: Mapping[tuple[str, ...], Mapping[str, LocalizedText]] = field(default_factory=dict)
    view_names: Sequence[str] = ("all",)

    def names(self, *, relations: bool = True) -> dict[str, feel.FeelType]:
        """The names in scope of a record."""
        names: dict[str, feel.FeelType] = dict(self.types)
        for name, (model, _) in self.references.items():
            names[name] = feel.ContextType(model.names(relations=False))
        if relations:
            for name, (model, _) in self.relations.items():
                names[name] = feel.ListType(feel.ContextType(model.names(relations=False)))
        return names


class Shape:
    """FormShape of a model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.names = model.names()
        self.variables = frozenset[str]()

    def title(self, kind: feel.ContextType) -> str:
        return "name" if "name" in kind.fields else ""

    def options(self, path: Sequence[str]) -> Mapping[str, LocalizedText]:
        return self._model.options.get(tuple(path), {})

    def views(self) -> Sequence[str]:
        return self._model.view_names


class TableSource:
    """The rows of a model that meet ``condition`` (what a reader may see), or all."""

    def __init__(
        self,
        model: Model,
        condition: ColumnElement[bool] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._model = model
        self._variables = variables or {}
        self._condition = condition
        self.selectable: FromClause = model.table.alias()

    def visible_rows(self) -> ColumnElement[bool]:
        if self._condition is None:
            return true()
        return ClauseAdapter(self.selectable).traverse(self._condition)

    def column(self, name: str) -> SqlColumn | None:
        if name in self._model.types:
            return SqlColumn(element=self.selectable.c[name], type=self._model.types[name])
        if name in self._model.references:
            key = self._model.references[name][1]
            return SqlColumn(element=self.selectable.c[key], type=feel.IDENTIFIER)
        return None

    def reference(self, name: str) -> SqlJoin | None:
        if name not in self._model.references:
            return None
        model, key = self._model.references[name]
        other = TableSource(model, variables=self._variables)
        on = other.selectable.c.id == self.selectable.c[key]
        return SqlJoin(source=other, selectable=other.selectable, on=on)

    def relation(self, name: str) -> SqlJoin | None:
        if name not in self._model.relations:
            return None
        model, key = self._model.relations[name]
        other = TableSource(model, variables=self._variables)
        on = other.selectable.c[key] == self.selectable.c.id
        return SqlJoin(source=other, selectable=other.selectable, on=on)

    def variable(self, name: str) -> object | None:
        return self._variables.get(name, NotImplemented)


@dataclass(kw_only=True)
class Catalogue:
    """ReportDefinitions over models and loaded definitions."""

    models: Mapping[str, Model] = field(default_factory=dict)
    loaded: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    setting_types: Mapping[str, feel.FeelType] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Any | None:
        return self.models.get(name) if kind == "form" else self.loaded.get((kind, name))

    def names(self, kind: str) -> Sequence[str]:
        return list(self.models) if kind == "form" else [name for k, name in self.loaded if k == kind]

    def shape(self, form: str) -> Shape | None:
        return Shape(self.models[form]) if form in self.models else None

    def settings(self) -> Mapping[str, feel.FeelType]:
        return self.setting_types

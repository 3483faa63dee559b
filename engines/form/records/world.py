"""What all record work of one command shares: tables, who acts, the instant, names for expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause

from engines import feel
from engines.core import Principal
from engines.feel import EvaluationContext, Expression
from engines.feel.sql import SqlSource
from engines.form.compiled import Mode
from engines.form.records.rights import Rights
from engines.form.storage.tables import StoredForm


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryTables:
    """Where people and departments stand; each needs the columns ``id`` and ``name``."""

    people: FromClause
    departments: FromClause


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A form with a figure over the records of another."""

    form: str
    # The relation it looks through, and the reference field at its other end.
    relation: str
    reference: str


class FormSet:
    """All forms of a workspace by qualified name, and which keep figures over which. Make it once per release set."""

    def __init__(self, forms: Iterable[StoredForm]) -> None:
        self._forms = {form.name: form for form in forms}

    def __getitem__(self, name: str) -> StoredForm:
        return self._forms[name]

    def get(self, name: str) -> StoredForm | None:
        """The form, or None."""
        return self._forms.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._forms

    def names(self) -> tuple[str, ...]:
        """Qualified names of all forms."""
        return tuple(self._forms)

    def values(self) -> Iterable[StoredForm]:
        """All stored forms."""
        return self._forms.values()

    @cached_property
    def dependents(self) -> Mapping[str, tuple[Dependent, ...]]:
        """For each form, those that keep figures over its records."""
        found: dict[str, dict[Dependent, None]] = {}
        for form in self._forms.values():
            for item in form.compiled.fields.values():
                for path in item.formula.reads if item.mode is Mode.MAINTAINED and item.formula else ():
                    relation = form.compiled.relations.get(path[0])
                    if relation is not None:
                        dependent = Dependent(form=form.name, relation=relation.name, reference=relation.field)
                        found.setdefault(relation.form, {})[dependent] = None
        return {name: tuple(items) for name, items in found.items()}


@dataclass(frozen=True, kw_only=True)
class World:
    """The surroundings of one command's record work."""

    connection: Connection
    forms: FormSet
    principal: Principal
    context: EvaluationContext
    directory: DirectoryTables | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Id of the command: history rows carry it.
    command: UUID | None = None
    # App and release that events name.
    app: str = ""
    release: int = 0

    @property
    def now(self) -> datetime:
        """The instant of the command, UTC."""
        if self.context.now is None:
            raise ValueError("records need the command's instant: give the context its ``now``")
        return self.context.now

    @cached_property
    def around(self) -> dict[str, Any]:
        """Names that every expression sees besides the record."""
        who = self.principal
        me = {"id": who.id, "name": who.attributes.get("name")} if who.id else None
        mine = {"id": who.department, "name": None} if who.department else None
        return {
            "me": me,
            "my_department": mine,
            "my_departments": [{"id": item, "name": None} for item in sorted(who.departments)],
            "my_roles": sorted(who.roles),
            "my": dict(who.attributes),
            "settings": dict(self.settings),
        }

    @cached_property
    def _rights(self) -> dict[str, Rights]:
        return {}

    def rights(self, form: StoredForm) -> Rights:
        """The rights of who acts on a form."""
        found = self._rights.get(form.name)
        if found is None:
            found = self._rights[form.name] = Rights(form.compiled, self.principal)
        return found

    def sql(self, expression: Expression, source: SqlSource) -> ColumnElement[Any]:
        """The value of an expression over rows, for SELECT and ORDER BY."""
        return feel.to_sql(expression, source, self.connection.dialect.name, self.context)

    def test(self, expression: Expression, source: SqlSource) -> ColumnElement[bool]:
        """A condition over rows, for WHERE."""
        return feel.to_sql_condition(expression, source, self.connection.dialect.name, self.context)

    def form(self, name: str) -> StoredForm:
        """A form by its qualified name; ``KeyError`` where there is none."""
        found = self.forms.get(name)
        if found is None:
            raise KeyError(f'there is no form "{name}"')
        return found

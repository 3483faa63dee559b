"""What all record work of one command shares: tables, who acts, the instant, names for expressions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Executable, FromClause

from engines import feel
from engines.core import Principal, PrincipalKind
from engines.core.ports import Files, Locks
from engines.feel import EvaluationContext, Expression, Parameters
from engines.feel.sql import SqlSource
from engines.form.compiled import Mode
from engines.form.records.prepared import Prepared, Statements
from engines.form.records.rights import Rights
from engines.form.storage.tables import StoredForm

T = TypeVar("T")


# Forms and sets of roles; beyond that, all are looked up anew.
_MOST_RIGHTS = 10_000


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
        self._rights: dict[tuple[str, PrincipalKind, frozenset[str], str], Rights] = {}
        self.statements = Statements()

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

    def rights(self, form: StoredForm, principal: Principal) -> Rights:
        """The rights of a principal on a form; the same for all who have the same roles."""
        key = (form.name, principal.kind, principal.roles, principal.share_level(form.name))
        found = self._rights.get(key)
        if found is None:
            if len(self._rights) >= _MOST_RIGHTS:
                self._rights.clear()
            found = self._rights[key] = Rights(form.compiled, principal)
        return found

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
    # Where it stands which records are shared: ``form record grantee access expires_at revoked_at``.
    shares: FromClause | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Id of the command: history rows carry it.
    command: UUID | None = None
    # App and release that events name.
    app: str = ""
    release: int = 0
    # Where the known values of the statement come from that is being made to be kept; None outside of that.
    parameters: Parameters | None = None
    # The files behind attachments; without them, what is sent for an attachment is taken as it is.
    files: Files | None = None
    # What keeps records from being changed.
    locks: Locks | None = None

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

    def rights(self, form: StoredForm) -> Rights:
        """The rights of who acts on a form."""
        return self.forms.rights(form, self.principal)

    @property
    def dialect(self) -> str:
        """The database: "sqlite" or "postgresql"."""
        return self.connection.dialect.name

    def sql(self, expression: Expression, source: SqlSource) -> ColumnElement[Any]:
        """The value of an expression over rows, for SELECT and ORDER BY."""
        return feel.to_sql(expression, source, self.dialect, self.context, self.parameters)

    def test(self, expression: Expression, source: SqlSource) -> ColumnElement[bool]:
        """A condition over rows, for WHERE."""
        return feel.to_sql_condition(expression, source, self.dialect, self.context, self.parameters)

    def prepared(
        self,
        key: tuple[Hashable, ...] | None,
        make: Callable[[World], tuple[Executable, T]],
        known: Mapping[str, Any] | None = None,
    ) -> tuple[Prepared[T], dict[str, Any]]:
        """A statement with what reads its rows, made by ``make`` where none fits, and the values to run it with.

        ``key``: everything that the statement depends on besides roles, variables and the instant; None makes one for
        this once. ``make`` must use the world that it is given, and nothing made by another. ``known``: variables
        besides those that all expressions see.
        """
        if key is None or self.principal.shares:
            # What was shared with one person stands in the statement itself.
            return self._unprepared(make)
        who, variables = self.principal, self.around if known is None else {**self.around, **known}
        full = (self.dialect, who.kind, who.roles, self.directory is None, *key)
        for kept in self.forms.statements.find(full):
            values = kept.parameters.values(variables, self.context) if kept.parameters is not None else None
            if values is not None:
                return kept, values
        noted = feel.parameters_for(self.dialect)
        statement, reader = make(replace(self, parameters=noted))
        values = noted.values(variables, self.context)
        if values is None:
            # A value that does not even equal itself.
            return self._unprepared(make)
        made = Prepared(statement, reader, noted)
        self.forms.statements.keep(full, made)
        return made, values

    def _unprepared(self, make: Callable[[World], tuple[Executable, T]]) -> tuple[Prepared[T], dict[str, Any]]:
        statement, reader = make(replace(self, parameters=None))
        return Prepared(statement, reader, None), {}

    def form(self, name: str) -> StoredForm:
        """A form by its qualified name; ``KeyError`` where there is none."""
        found = self.forms.get(name)
        if found is None:
            raise KeyError(f'there is no form "{name}"')
        return found

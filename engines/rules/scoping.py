"""The names that a rule's expressions may use, and their compilation with places in the rule file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from engines import feel
from engines.core import DefinitionError, Diagnostic, Place, Severity
from engines.core.diagnostics import did_you_mean
from engines.rules import calendars
from engines.rules.language.tree import Expr
from engines.rules.ports import RuleDefinitions
from engines.rules.typed_rows import sql_problems

_ANYTHING: Final = feel.ContextType({}, open=True)
_PERSON: Final = feel.ContextType({"id": feel.IDENTIFIER, "name": feel.STRING}, name="person")
# Who set the event off: what rules without a record know of them, too.
_ACTOR: Final[Mapping[str, feel.FeelType]] = {
    "me": _PERSON,
    "my_department": _ANYTHING,
    "my_departments": feel.ListType(_ANYTHING),
    "my_roles": feel.ListType(feel.STRING),
    "my": _ANYTHING,
}


class Scoping:
    """Scopes and compiled expressions of one rule file; gathers everything that is wrong.

    Without ``definitions`` every name is allowed and has any type.
    """

    def __init__(self, definitions: RuleDefinitions | None) -> None:
        self.definitions = definitions
        self.problems: list[Diagnostic] = []
        self._records: dict[str, feel.ContextType] = {}

    def report(self, code: str, place: Place, **more: str) -> None:
        """Adds a problem at ``place``."""
        self.problems.append(Diagnostic(code=code, **more).at(place))  # type: ignore[arg-type]

    def record_type(self, form: str, place: Place) -> feel.ContextType:
        """The type of a form's records; an unknown form is reported and its records may hold anything."""
        if self.definitions is None:
            return feel.ContextType({}, name=form, open=True)
        if form not in self._records:
            shape = self.definitions.shape(form)
            if shape is None:
                known = list(self.definitions.names("form"))
                hint = did_you_mean(form, known)
                self.report("rules.unknown_form", place, found=form, expected=_one_of(known), hint=hint)
            names = {} if shape is None else dict(shape.names)
            self._records[form] = feel.ContextType(names, name=form, open=shape is None)
        return self._records[form]

    def scope(self, form: str, place: Place, more: Mapping[str, feel.FeelType] | None = None) -> feel.Scope:
        """The names of a rule about a record of ``form`` ("" has none)."""
        names: dict[str, feel.FeelType] = {**calendars.TYPES, **_ACTOR, "event": _ANYTHING}
        names["settings"] = self._settings()
        if form:
            record = self.record_type(form, place)
            names |= {"pools": feel.ListType(feel.STRING), **record.fields}
            names |= {"record": record, "previous": record}
        return feel.Scope({**names, **(more or {})}, open=self.definitions is None)

    def settings_scope(self) -> feel.Scope:
        """What is the same for all records of a sweep."""
        return feel.Scope({"settings": self._settings()}, open=self.definitions is None)

    def _settings(self) -> feel.FeelType:
        if self.definitions is None:
            return _ANYTHING
        return feel.ContextType(dict(self.definitions.settings()), name="settings")

    def compile(
        self, expression: Expr, scope: feel.Scope, expect: feel.FeelType | None = None
    ) -> feel.Expression | None:
        """The compiled expression, or None with its problems reported at their place in the file."""
        try:
            compiled = feel.compile(expression.text, scope)
        except DefinitionError as error:
            self.problems += [within(d, expression.place) for d in error.diagnostics]
            return None
        for calendar in calendars.calendars_named(compiled):
            self.known("calendar", calendar, expression.place)
        if expect is not None and not _may_be(compiled.type, expect):
            self.report(
                "rules.wrong_type", expression.place, found=f"{expression.text} ({compiled.type})", expected=str(expect)
            )
        return compiled

    def in_sql(self, condition: feel.Expression | None, kind: feel.FeelType, row_name: str, place: Place) -> None:
        """Reports a condition over records that are looked up, where a database cannot answer it exactly."""
        if condition is None or self.definitions is None:
            return
        for problem in sql_problems(condition, kind, row_name):
            hint = problem.hint or f"records are looked up by this condition: {condition.text}"
            self.problems.append(within(replace(problem, hint=hint), place))

    def known(self, kind: str, name: str, place: Place) -> None:
        """Reports a reference to a definition of ``kind`` that does not exist."""
        if self.definitions is None or "." in name or self.definitions.get(kind, name) is not None:
            return
        known = list(self.definitions.names(kind))
        self.report(f"rules.unknown_{kind}", place, found=name, expected=_one_of(known), hint=did_you_mean(name, known))

    def offered(self, kind: str, name: str, place: Place) -> None:
        """As ``known`` for what the product offers (channels, kinds of answers), where it says what that is."""
        if self.definitions is not None and self.definitions.names(kind):
            self.known(kind, name, place)

    def field(self, form: str, name: str, place: Place) -> feel.FeelType:
        """The type of a field; an unknown one is reported."""
        record = self.record_type(form, place)
        if name in record.fields or record.open:
            return record.fields.get(name, feel.ANY)
        known = sorted(record.fields)
        self.report("rules.unknown_field", place, found=name, expected=_one_of(known), hint=did_you_mean(name, known))
        return feel.ANY


def record_scope(definitions: RuleDefinitions, form: str) -> feel.Scope:
    """The names of an expression about a record of a form, as rules have them."""
    return Scoping(definitions).scope(form, Place(file="", pointer="", line=0, column=0))


def form_of(kind: feel.FeelType) -> str:
    """The form whose records have this type; "" where it is none."""
    return kind.name if isinstance(kind, feel.ContextType) else ""


def within(diagnostic: Diagnostic, place: Place) -> Diagnostic:
    """A diagnostic of an expression, at its place in the file that the expression stands in."""
    line = max(diagnostic.line, 1)
    column = max(diagnostic.column, 1)
    moved = place.column + column - 1 if line == 1 else column
    return replace(diagnostic, file=place.file, pointer=place.pointer, line=place.line + line - 1, column=moved)


def is_error(diagnostic: Diagnostic) -> bool:
    """Whether the diagnostic stops publishing."""
    return diagnostic.severity is Severity.ERROR


def _may_be(kind: feel.FeelType, wanted: feel.FeelType) -> bool:
    return kind.is_any or kind == wanted or kind == feel.NULL


def _one_of(words: Iterable[str]) -> str:
    listed = list(words)
    shown = ", ".join(listed[:20]) + (" …" if len(listed) > 20 else "")
    return f"one of: {shown}" if listed else ""

"""Compiles the FEEL texts of a definition and collects what is wrong with them, at their place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engines import feel
from engines.core.diagnostics import Diagnostic, Severity, did_you_mean
from engines.core.errors import DefinitionError
from engines.core.source import DefinitionSource
from engines.report.definitions import Condition
from engines.report.probe import sql_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNames:
    """What expressions over a row may name."""

    names: Mapping[str, feel.FeelType]
    # Those that are the same for all rows.
    variables: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Problems:
    """Collects the diagnostics of one definition file."""

    source: DefinitionSource
    # Whether the definition was checked before: what the database cannot say is not looked for again.
    checked: bool = False
    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        pointer: str,
        *,
        found: str = "",
        expected: str = "",
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Notes a problem at ``pointer``."""
        diagnostic = Diagnostic(code=code, severity=severity, found=found, expected=expected, hint=hint)
        self.found.append(diagnostic.at(self.source.place(pointer)))

    def unknown(self, what: str, name: str, known: Sequence[str], pointer: str) -> None:
        """Notes that ``name`` is none of ``known``: code ``report.unknown_<what>``."""
        expected = "one of: " + ", ".join(known) if known else ""
        self.add(f"report.unknown_{what}", pointer, found=name, expected=expected, hint=did_you_mean(name, known))

    def compile(
        self, text: str, names: Mapping[str, feel.FeelType], pointer: str, expect: feel.FeelType | None = None
    ) -> feel.Expression | None:
        """The compiled text; None where it is wrong, after noting why."""
        scope = feel.Scope(names)
        problems = feel.check(text, scope) if expect is None else feel.check(text, scope, expect=expect)
        self.found += [self._placed(d, text, pointer) for d in problems]
        if any(d.severity is Severity.ERROR for d in problems):
            return None
        try:
            return feel.compile(text, scope)
        except DefinitionError as error:
            self.found += [self._placed(d, text, pointer) for d in error.diagnostics]
            return None

    def over_rows(
        self, text: str, rows: RowNames, pointer: str, expect: feel.FeelType | None = None
    ) -> feel.Expression | None:
        """As ``compile`` for text that runs in the database; what it cannot say is noted as well."""
        expression = self.compile(text, rows.names, pointer, expect)
        if expression is None:
            return None
        refused = [] if self.checked else sql_problems(expression, rows.names, rows.variables)
        self.found += [self._placed(d, text, pointer) for d in refused]
        return None if refused else expression

    def conditions(self, conditions: Sequence[Condition], rows: RowNames) -> tuple[feel.Expression, ...]:
        """The conditions that compile to a boolean in the database."""
        compiled = (self.over_rows(c.text, rows, c.pointer, feel.BOOLEAN) for c in conditions)
        return tuple(expression for expression in compiled if expression is not None)

    def _placed(self, diagnostic: Diagnostic, text: str, pointer: str) -> Diagnostic:
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: max(diagnostic.line - 1, 0)]) + max(diagnostic.column - 1, 0)
        return diagnostic.at(self.source.place_in_string(pointer, offset, max(diagnostic.length, 1)))

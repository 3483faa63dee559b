"""The families of errors. Anything else that is raised is a bug and must surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.core.diagnostics import Diagnostic


class DougongError(Exception):
    """Base of every error that a caller is expected to handle."""

    code = "error"


class DefinitionError(DougongError):
    """A definition cannot be used; ``diagnostics`` holds everything that is wrong with it."""

    code = "definition.invalid"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(d.render() for d in self.diagnostics))


@dataclass(frozen=True, slots=True, kw_only=True)
class InputProblem:
    """One thing that is wrong with what a user entered."""

    # RFC 6901 pointer into the record as it was sent, for example "/lines/2/price"; "" is the record itself.
    pointer: str
    # Stable dotted code, for example "required".
    code: str
    # What the message needs: limits, allowed values, labels.
    params: Mapping[str, Any] = field(default_factory=dict)
    # A message that the definition states itself, by language; the catalogue is asked when it is empty.
    text: Mapping[str, str] = field(default_factory=dict)
    # "error" refuses the record, "warning" asks, "info" tells.
    severity: str = "error"


class InputError(DougongError):
    """The user's data were refused; nothing was changed."""

    code = "input.invalid"

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.code}" for p in self.problems))


class StateConflict(DougongError):
    """Too late: somebody else acted first. ``params`` says who did what and when."""

    code = "state.conflict"

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(f"{code} {params}" if params else code)


class AccessDenied(DougongError):
    """The person may not do this; says no more than that about what exists."""

    code = "access.denied"

    def __init__(self, operation: str, subject: str = "") -> None:
        self.operation = operation
        self.subject = subject
        super().__init__(f"not allowed: {operation} {subject}".rstrip())


class BudgetExceeded(DougongError):
    """An evaluation used up its budget; ``expression`` is the text that did."""

    code = "budget.exceeded"

    def __init__(self, limit: str, allowed: object, expression: str = "") -> None:
        self.limit = limit
        self.allowed = allowed
        self.expression = expression
        where = f" in: {expression[:200]}" if expression else ""
        super().__init__(f"the budget of {allowed} {limit} is used up{where}")


class ExternalError(DougongError):
    """Something outside failed (mail, webhook, file store); it may be tried again."""

    code = "external.failed"

"""What a run is given, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.core import InputProblem, Principal
from engines.core.principal import SYSTEM
from engines.feel import EvaluationContext


@dataclass(frozen=True, slots=True, kw_only=True)
class FormInput:
    """What was sent, and what it is judged against."""

    # Field name to value as sent: Python values, JSON data or texts of a web form.
    values: Mapping[str, Any]
    # The record's values now; None for a new record.
    current: Mapping[str, Any] | None = None
    # Name of the layout that was filled in: its required fields are asked for. Empty: what is sent.
    layout: str = ""
    principal: Principal = SYSTEM
    context: EvaluationContext
    # Other records that expressions read: field or relation name to what ``CompiledForm.reads`` asks for; for a
    # reference in rows, "lines.product" to contexts by id.
    references: Mapping[str, Any] = field(default_factory=dict)
    # Names for who acts: me, my_department, my_departments, my_roles, my, settings.
    around: Mapping[str, Any] = field(default_factory=dict)
    # Fields that the principal may write; None: all.
    writable: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormResult:
    """The record's values after all steps, and what is wrong with them."""

    # Every field's value, entered and computed.
    values: Mapping[str, Any]
    # All of them at once; those with severity "error" refuse the record.
    problems: tuple[InputProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing refuses the record."""
        return all(problem.severity != "error" for problem in self.problems)

"""What the parts of a run share: values, how expressions see them, and problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from engines import feel
from engines.core import InputProblem, PrincipalKind
from engines.feel import EvaluationContext, Expression
from engines.form.compiled import CompiledField, CompiledForm, Mode
from engines.form.running.given import FormInput
from engines.form.steps import Steps
from engines.form.types import Refused


def value_of(expression: Expression, names: Mapping[str, Any], context: EvaluationContext) -> Any:
    """The value of an expression as plain Python."""
    return feel.to_python(expression.evaluate(names, context).value)


class RunState:
    """The state of one run. ``values`` are what is stored; ``names`` are the same as expressions see them."""

    def __init__(self, compiled: CompiledForm, given: FormInput) -> None:
        self._form = compiled
        self._given = given
        self._context = given.context
        self._problems: list[InputProblem] = []
        self._bad: set[str] = set()
        self.values: dict[str, Any] = {}
        self.names: dict[str, Any] = dict(given.around)
        self._hidden: set[str] = set()

    def _seen(self, steps: Steps, name: str, value: Any) -> Any:
        if value is None or name not in steps.links:
            return value
        found = self._given.references.get(name)
        return found if isinstance(found, Mapping) and found.get("id") == value else {"id": value}

    def _row_names(self, table: str, place: int) -> dict[str, Any]:
        return {**self._given.around, **self.names[table][place], "parent": self._parent(table)}

    def _parent(self, table: str) -> dict[str, Any]:
        """The record as its rows' expressions see it: only what they read, as values are converted one by one."""
        return {name: self.names.get(name) for name in self._form.steps.parent_reads[table]}

    def _coerced(self, item: CompiledField, raw: Any, pointer: str) -> tuple[bool, Any]:
        if raw is None:
            return True, item.kind.empty()
        try:
            value = item.coerce(raw)
        except Refused as refused:
            self._bad.add(pointer)
            self._refuse(pointer, refused.code, **refused.params)
            return False, None
        if value is not None and item.name in self._form.steps.zoned and value.tzinfo is None:
            value = value.replace(tzinfo=self._context.zone).astimezone(UTC)
        return True, value

    def _may_set(self, item: CompiledField, value: Any, before: Any, names: Mapping[str, Any], pointer: str) -> bool:
        """Refuses a new value for a field that is computed, read-only or not this principal's to write."""
        if value == before:
            return False
        if not item.entered:
            # What the system computes comes back with a form that shows it; only a person's own value is an error.
            return self._refuse(pointer, "form.computed") if item.mode is Mode.ENTERED and before is None else False
        if self._given.writable is not None and item.name not in self._given.writable and "/" not in pointer[1:]:
            return self._refuse(pointer, "form.not_writable")
        if self._given.principal.kind in (PrincipalKind.PERSON, PrincipalKind.PUBLIC):
            condition = item.read_only_when
            if item.read_only or (condition is not None and self._true(condition, names)):
                return self._refuse(pointer, "form.read_only")
        return True

    def _true(self, expression: Expression, names: Mapping[str, Any]) -> bool:
        return value_of(expression, names, self._context) is True

    def _refuse(self, pointer: str, code: str, **params: Any) -> bool:
        self._problems.append(InputProblem(pointer=pointer, code=code, params=params))
        return False

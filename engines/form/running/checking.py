"""Checking: what must be filled in, which options are offered, and the constraints of field, row and form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from engines.core import InputProblem
from engines.core.source import pointer_of
from engines.form.compiled import CompiledConstraint, CompiledField
from engines.form.running.state import RunState, value_of
from engines.form.steps import Steps


class Checking(RunState):
    """The last part of a run."""

    def _required(self, steps: Steps) -> None:
        asked = self._asked(steps)
        for name in steps.required:
            if name in asked and self.values[name] in (None, []):
                self._demand(name, self.values, f"/{name}")
        for name, expression in steps.required_when:
            if self._true(expression, self.names):
                self._demand(name, self.values, f"/{name}")
        for table, columns in steps.subtables:
            if table.name in self._given.values:
                self._required_cells(table.name, columns)

    def _required_cells(self, table: str, steps: Steps) -> None:
        for place, row in enumerate(self.values[table]):
            for name in steps.required:
                if row[name] is None:
                    self._demand(name, row, f"/{table}/{place}/{name}")
            for name, expression in steps.required_when:
                if self._true(expression, self._row_names(table, place)):
                    self._demand(name, row, f"/{table}/{place}/{name}")

    def _asked(self, steps: Steps) -> set[str]:
        """Fields whose being required counts now: all of a new record, else what is shown or sent."""
        if self._given.current is None and not self._given.layout:
            return set(steps.required)
        layout = self._form.layouts.get(self._given.layout)
        shown = set(layout.field_names()) if layout else set()
        return shown | self._given.values.keys() | (set(steps.required) if self._given.current is None else set())

    def _demand(self, name: str, values: Mapping[str, Any], pointer: str) -> None:
        if values.get(name) in (None, []) and pointer not in self._hidden and pointer not in self._bad:
            self._refuse(pointer, "form.required")

    def _constraints(self, steps: Steps) -> None:
        self._level_constraints(steps, self.values, lambda: self.names, "", self._given.current or {})
        for table, columns in steps.subtables:
            if columns.limited or columns.constrained:
                for place, row in enumerate(self.values[table.name]):
                    names = self._row_names(table.name, place)
                    self._level_constraints(columns, row, partial(dict, names), f"/{table.name}/{place}", {})
        for constraint in self._form.constraints:
            self._hold(constraint, self.names, [pointer_of(name) for name in constraint.fields] or [""])

    def _level_constraints(
        self,
        steps: Steps,
        values: Mapping[str, Any],
        names: Callable[[], Mapping[str, Any]],
        at: str,
        current: Mapping[str, Any],
    ) -> None:
        for name in steps.limited:
            self._offered(steps.fields[name], values, current.get(name), f"{at}/{name}")
        for item in steps.constrained:
            pointer = f"{at}/{item.name}"
            if item.constraint and values.get(item.name) is not None and pointer not in self._hidden:
                self._hold(item.constraint, names(), [pointer])

    def _offered(self, item: CompiledField, values: Mapping[str, Any], before: Any, pointer: str) -> None:
        """Refuses newly chosen options that are retired or not offered with what another field holds."""
        upper = values.get(str(item.definition.config.get("depends_on", "")))
        chosen = set(_listed(values.get(item.name))) - set(_listed(before))
        for option in item.definition.options:
            if option.name in chosen and option.retired:
                self._refuse(pointer, "form.option_retired", value=option.name)
            elif option.name in chosen and option.when and not set(_listed(upper)) & set(option.when):
                self._refuse(pointer, "form.option_not_offered", value=option.name)

    def _hold(self, constraint: CompiledConstraint, names: Mapping[str, Any], pointers: Sequence[str]) -> None:
        if self._bad.intersection(pointers):
            return
        if value_of(constraint.condition, names, self._context) is False:
            self._problems.extend(
                InputProblem(pointer=pointer, code=constraint.code, text=constraint.text, severity=constraint.severity)
                for pointer in pointers
            )


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value

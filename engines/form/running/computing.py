"""Computing: defaults, formulas in the order of their needs, and what is not visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from engines.feel import Expression
from engines.form.compiled import CompiledField, Mode
from engines.form.running.state import RunState, value_of
from engines.form.steps import Steps
from engines.form.types import Refused

_MAX_ROUNDS = 10


class Computing(RunState):
    """The second part of a run."""

    def _defaults(
        self,
        defaults: Sequence[tuple[str, Expression]],
        values: dict[str, Any],
        names: dict[str, Any],
        steps: Steps,
        sent: Mapping[str, Any] | None = None,
    ) -> None:
        if sent is None and self._given.current is not None:
            return
        sent = self._given.values if sent is None else sent
        for name, expression in defaults:
            if name not in sent and values.get(name) is None:
                self._compute(steps.fields[name], expression, values, names, steps)

    def _compute(
        self,
        item: CompiledField,
        expression: Expression,
        values: dict[str, Any],
        names: dict[str, Any],
        steps: Steps,
        pointer: str = "",
    ) -> bool:
        """Sets a field to an expression's value; tells whether that changed it."""
        raw = value_of(expression, names, self._context)
        try:
            value = item.kind.empty() if raw is None else item.coerce(raw)
        except Refused as refused:
            self._bad.add(pointer or f"/{item.name}")
            self._refuse(pointer or f"/{item.name}", refused.code, **refused.params)
            return False
        if value is None and item.definition.config.get("aggregate") in ("sum", "count"):
            value = item.coerce(0)
        if value is not None and item.name in steps.zoned and value.tzinfo is None:
            value = value.replace(tzinfo=self._context.zone).astimezone(UTC)
        changed = bool(values.get(item.name) != value)
        values[item.name] = value
        names[item.name] = {"id": value} if value is not None and item.name in steps.links else value
        return changed

    def _settle(self, steps: Steps) -> None:
        """Formulas and visibility until neither changes anything; clearing a hidden value may move a formula."""
        for _ in range(_MAX_ROUNDS):
            self._formulas(steps)
            if not self._hide(steps):
                return
        self._refuse("", "form.unsettled", rounds=_MAX_ROUNDS)

    def _formulas(self, steps: Steps) -> None:
        for name in self._form.formula_order:
            table, _, column = name.rpartition(".")
            if table:
                self._row_formulas(table, column, steps)
                continue
            item = steps.fields[name]
            if item.formula is not None and self._computes(item):
                self._compute(item, item.formula, self.values, self.names, steps)

    def _computes(self, item: CompiledField) -> bool:
        """Stored formulas always; a live one when a check may need it; figures over other records only when new."""
        if item.mode is Mode.MAINTAINED:
            return self._given.current is None
        return item.mode is Mode.STORED or item.name in self._form.live_at_save

    def _row_formulas(self, table: str, column: str, steps: Steps) -> None:
        inner = next(columns for item, columns in steps.subtables if item.name == table)
        item = inner.fields[column]
        if item.formula is None or (item.mode is Mode.LIVE and f"{table}.{column}" not in self._form.live_at_save):
            return
        rows, seen = self.values[table], self.names[table]
        parent = self._parent(table)
        for place, row in enumerate(rows):
            names = {**self._given.around, **seen[place], "parent": parent}
            self._compute(item, item.formula, row, names, inner, f"/{table}/{place}/{column}")
            seen[place][column] = names[column]

    def _hide(self, steps: Steps) -> bool:
        """Finds what is not visible and clears it where its policy says so; tells whether a value changed."""
        changed = False
        self._hidden.clear()
        for name, expression in steps.visible:
            if not self._true(expression, self.names):
                self._hidden.add(f"/{name}")
                changed = self._clear(steps.fields[name], self.values, self.names) or changed
        for table, columns in steps.subtables:
            for place, row in enumerate(self.values[table.name] if columns.visible else ()):
                names = self._row_names(table.name, place)
                for name, expression in columns.visible:
                    if not self._true(expression, names):
                        self._hidden.add(f"/{table.name}/{place}/{name}")
                        seen = self.names[table.name][place]
                        changed = self._clear(columns.fields[name], row, seen) or changed
        return changed

    def _clear(self, item: CompiledField, values: dict[str, Any], names: dict[str, Any]) -> bool:
        if item.definition.when_hidden == "keep" or not item.entered or values.get(item.name) in (None, []):
            return False
        values[item.name] = item.kind.empty()
        names[item.name] = item.kind.empty()
        return True

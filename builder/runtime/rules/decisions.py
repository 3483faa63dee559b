"""Decisions as rules, processes, forms and pages call them: by name, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.rules import CompiledDecisions
    from engines.rules.decisions.graph import DecisionTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision's output with what explains it."""

    value: Any
    # {decision, release, inputs, matched: names of the rows that matched, value, steps: [{decision, value, inputs,
    # rows: the rows of its table that matched, as they were then: [{number, name, when, then}]}]}
    explanation: Mapping[str, Any]


class OfApp:
    """The decisions of one app: the ``DecisionService`` port."""

    def __init__(self, around: Around, app: str) -> None:
        self._around = around
        self._app = app

    def decide(self, name: str, inputs: Mapping[str, Any]) -> Any:
        """The decision's output value; ``KeyError`` for an unknown decision."""
        return self._compiled(name).decide(inputs, self._around.feel).value

    def explained(self, name: str, inputs: Mapping[str, Any]) -> Decided:
        """The output with the rows that matched."""
        app, _, local = name.rpartition(".")
        found = self._around.app(app or self._app)
        compiled = self._compiled(name)
        result = compiled.decide(inputs, self._around.feel, trace=True)
        explanation = {
            "decision": f"{found.name}.{local}",
            "release": found.release,
            "inputs": dict(inputs),
            "matched": list(result.matched),
            "steps": [_step(compiled, entry) for entry in result.trace if not isinstance(entry.value, list)],
            "value": result.value,
        }
        return Decided(value=result.value, explanation=explanation)

    def _compiled(self, name: str) -> CompiledDecisions:
        app, _, local = name.rpartition(".")
        found = self._around.app(app or self._app)
        if local not in found.decisions:
            raise KeyError(f'there is no decision "{found.name}.{local}"')
        return found.decisions[local]  # type: ignore[no-any-return]


def _step(compiled: CompiledDecisions, entry: DecisionTrace) -> dict[str, Any]:
    """One decision on the way, with the rows that matched as they read."""
    table = compiled.table(entry.decision)
    rules = [(index, table.table.rules[index]) for index in entry.matched] if table else []
    return {
        "decision": entry.decision,
        "value": entry.value,
        "inputs": dict(entry.inputs),
        "rows": [
            {
                "number": index + 1,
                "name": rule.name,
                "when": [cell.text for cell in rule.when],
                "then": [cell.text for cell in rule.then],
            }
            for index, rule in rules
        ],
    }

"""Decisions as rules, processes, forms and pages call them: by name, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.rules import CompiledDecisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision's output with what explains it."""

    value: Any
    # {decision, release, inputs, matched: names of the rows that matched, steps: the decisions behind it, value}
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
        result = self._compiled(name).decide(inputs, self._around.feel, trace=True)
        explanation = {
            "decision": f"{found.name}.{local}",
            "release": found.release,
            "inputs": dict(inputs),
            "matched": list(result.matched),
            "steps": [{"decision": s.decision, "value": s.value, "inputs": dict(s.inputs)} for s in result.trace],
            "value": result.value,
        }
        return Decided(value=result.value, explanation=explanation)

    def _compiled(self, name: str) -> CompiledDecisions:
        app, _, local = name.rpartition(".")
        found = self._around.app(app or self._app)
        if local not in found.decisions:
            raise KeyError(f'there is no decision "{found.name}.{local}"')
        return found.decisions[local]  # type: ignore[no-any-return]


class Decisions:
    """The decisions of one command."""

    OfApp = OfApp

    def __init__(self, around: Around) -> None:
        self._around = around

    def of(self, app: str) -> OfApp:
        """The decisions of an app."""
        return OfApp(self._around, app)

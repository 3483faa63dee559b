"""FEEL expressions of a process: where they stand, what they may name, and how they are compiled and asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines import feel


class Expression:
    """A compiled FEEL expression that takes and gives plain Python values."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, compiled: feel.Expression) -> None:
        self.text = text
        self._compiled = compiled

    def value(self, values: Mapping[str, Any], context: feel.EvaluationContext) -> Any:
        """The value as plain Python; None where an operation inside failed."""
        return feel.to_python(self._compiled.evaluate(values, context).value)

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths of variables that the expression reads."""
        return self._compiled.reads

    def __repr__(self) -> str:
        return f"<FEEL {self.text}>"

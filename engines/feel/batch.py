"""Many expressions over the same variables as one function: the conditions of a form's rules, for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from engines.core.errors import BudgetExceeded
from engines.feel.codegen import generate_all
from engines.feel.expression import EvaluationContext, Expression
from engines.feel.runtime import Runtime


class Batch:
    """Expressions that are evaluated together. Immutable, free of data, safe to share between threads.

    What several of them read is looked up and converted once, which makes a thousand conditions on one record some
    ten times as fast as one by one. Variables of simple types are looked up even where no expression comes to need
    them; references and relations only where one does.
    """

    __slots__ = ("_first_line", "_run", "expressions")

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.expressions = tuple(expressions)
        checked = [expression.checked for expression in self.expressions]
        self._run, self._first_line = generate_all(checked) if checked else ((lambda rt, v: []), 0)

    def values(self, variables: Mapping[str, Any], context: EvaluationContext | None = None) -> list[Any]:
        """The value of each expression, in their order.

        Why one is null is told by evaluating it alone. ``BudgetExceeded`` names the expression that ran.
        """
        given = context or EvaluationContext()
        runtime = Runtime(given.budget, given.now, given.zone, given.functions)
        try:
            return self._run(runtime, variables)
        except RecursionError as error:
            text = self._running(error.__traceback__)
            raise BudgetExceeded("nested calls", given.budget.depth, text) from None
        except BudgetExceeded as error:
            text = error.expression or self._running(error.__traceback__)
            raise BudgetExceeded(error.limit, error.allowed, text) from None
        finally:
            if given.budget.is_running:
                given.budget.settle()

    def _running(self, at: TracebackType | None) -> str:
        """The text of the expression that an exception came from, by the line on which it stands."""
        while at is not None and at.tb_frame.f_code is not self._run.__code__:
            at = at.tb_next
        index = at.tb_lineno - self._first_line if at is not None else -1
        return self.expressions[index].text if 0 <= index < len(self.expressions) else ""

"""The one way in: what was sent becomes a record's values, or a list of what is wrong with it.

The order is fixed: unknown keys refused → coerced → defaults → formulas in dependency order → visibility and what
becomes of hidden values → required → field, row and form constraints. Uniqueness is the database's.
"""

from __future__ import annotations

from engines.form.compiled import CompiledForm
from engines.form.running.checking import Checking
from engines.form.running.given import FormInput, FormResult
from engines.form.running.state import value_of
from engines.form.running.taking import Taking

__all__ = ["FormInput", "FormResult", "run", "value_of"]


def run(compiled: CompiledForm, given: FormInput) -> FormResult:
    """The values of the record that ``given`` asks for, with everything that is wrong with them."""
    return _Run(compiled, given).result()


class _Run(Taking, Checking):
    """One run, from what was sent to the result."""

    def result(self) -> FormResult:
        steps = self._form.steps
        self._start(steps)
        self._take(steps)
        for table, columns in steps.subtables:
            self._take_rows(table, columns)
        self._defaults(steps.defaults, self.values, self.names, steps)
        self._settle(steps)
        self._required(steps)
        self._constraints(steps)
        return FormResult(values=self.values, problems=tuple(self._problems))

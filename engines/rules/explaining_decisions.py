"""Why a decision came to its value, row by row, and the smallest change of its inputs that would give another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from engines import feel
from engines.core import BudgetExceeded
from engines.core.text import LocalizedText
from engines.feel import nodes as n
from engines.feel.parser import walk
from engines.rules.changes import (
    Candidate,
    Change,
    Path,
    at,
    compared,
    distance,
    endpoints,
    near,
    path_of,
    replaced,
    smallest,
)
from engines.rules.decisions import model as m
from engines.rules.decisions.constants import NOTHING, constant_of
from engines.rules.decisions.graph import CompiledDecisions, DecisionResult, DecisionTrace
from engines.rules.decisions.tables import CompiledTable

# Rows of one table for which a change is looked for; the others are shown with their cells only.
MOST_ROWS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSeen:
    """A cell of a row: what it asks of its column, what the column had, whether it holds."""

    label: LocalizedText
    column: str
    text: str
    value: Any
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSeen:
    """A row of a table."""

    # From 0.
    index: int
    name: str
    label: LocalizedText
    # Whether it is among the rows that give the result.
    matched: bool
    cells: tuple[CellSeen, ...]
    then: tuple[str, ...]
    # For a row that did not match: the smallest change of the decision's inputs after which it does; empty: none found.
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSeen:
    """A table on the way to the value."""

    decision: str
    label: LocalizedText
    rows: tuple[RowSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionExplanation:
    """Why a decision came to its value."""

    result: DecisionResult
    inputs: Mapping[str, Any]
    # In the order in which they were asked.
    tables: tuple[TableSeen, ...]
    # The smallest change of the inputs after which the value is another, and that value; empty where none was found.
    changes: tuple[Change, ...]
    instead: Any = None


def explain_decision(
    compiled: CompiledDecisions,
    inputs: Mapping[str, Any],
    context: feel.EvaluationContext | None = None,
    *,
    decision: str = "",
) -> DecisionExplanation:
    """The rows of all tables on the way with their cells, and for what did not come out the smallest change.

    Only inputs are changed, to values that cells and comparisons ask for; the changes given have been tried out. The
    search has a budget of its own and ends with it.
    """
    return _Explainer(compiled, inputs, context or feel.EvaluationContext(), decision or compiled.main).explanation()


class _Explainer:
    def __init__(
        self, compiled: CompiledDecisions, inputs: Mapping[str, Any], context: feel.EvaluationContext, decision: str
    ) -> None:
        self._compiled = compiled
        self._inputs = {**{item.name: None for item in compiled.model.inputs}, **inputs}
        self._context = replace(context, budget=feel.Budget(steps=20_000_000, seconds=3.0, wall_seconds=10.0))
        self._decision = decision
        self._result = compiled.decide(self._inputs, context, decision=decision, trace=True)
        self._seen = [(step, table) for step in self._result.trace if (table := compiled.table(step.decision))]
        self._pool = self._candidates()

    def explanation(self) -> DecisionExplanation:
        """All of it."""
        tables = tuple(self._table(step, table) for step, table in self._seen)
        changes, instead = self._another()
        return DecisionExplanation(
            result=self._result, inputs=self._inputs, tables=tables, changes=changes, instead=instead
        )

    # Rows

    def _table(self, step: DecisionTrace, table: CompiledTable) -> TableSeen:
        found = self._compiled.model.decision(step.decision)
        rows = tuple(self._row(step, table, index) for index in range(len(table.table.rules)))
        return TableSeen(decision=step.decision, label=found.label if found else LocalizedText({}), rows=rows)

    def _row(self, step: DecisionTrace, table: CompiledTable, index: int) -> RowSeen:
        rule, matched = table.table.rules[index], index in step.matched
        changes = () if matched or index >= MOST_ROWS else self._towards(step, table, index)
        return RowSeen(
            index=index,
            name=rule.name,
            label=rule.label,
            matched=matched,
            cells=tuple(self._cell(step, table, index, column) for column in range(len(table.table.inputs))),
            then=tuple(cell.text for cell in rule.then),
            changes=changes,
        )

    def _cell(self, step: DecisionTrace, table: CompiledTable, index: int, column: int) -> CellSeen:
        clause, value = table.table.inputs[column], _column_value(step, table, column)
        text = table.table.rules[index].when[column].text if column < len(table.table.rules[index].when) else "-"
        name = clause.name or clause.expression.text
        return CellSeen(
            label=clause.label, column=name, text=text, value=value, holds=self._holds(table, index, column, value)
        )

    def _holds(self, table: CompiledTable, index: int, column: int, value: Any) -> bool:
        cell = table.cell(index, column)
        return cell is None or cell.evaluate({**self._inputs, "?": value}, self._context).value is True

    def _towards(self, step: DecisionTrace, table: CompiledTable, index: int) -> tuple[Change, ...]:
        """The smallest change after which the row is among those that give the result."""
        groups = []
        for path, pool in self._pool.items():
            asked = [c for c in range(len(table.table.inputs)) if path_of(table.clause(c).tree) == path]
            groups.append([one for one in pool if all(self._holds(table, index, c, one.needed) for c in asked)])

        def matches(changes: Sequence[Candidate]) -> bool:
            found = next((s for s in self._asked(changes).trace if s.decision == step.decision), None)
            return found is not None and index in found.matched

        return self._tried(groups, matches)

    # Other values

    def _another(self) -> tuple[tuple[Change, ...], Any]:
        """The smallest change after which the value is another than null and than what it is."""
        now = self._result.value

        def differs(changes: Sequence[Candidate]) -> bool:
            value = self._asked(changes).value
            return value is not None and value != now

        found = self._found(self._pool.values(), differs)
        return tuple(one.change for one in found), self._asked(found).value if found else None

    def _tried(
        self, groups: Iterable[Sequence[Candidate]], holds: Callable[[Sequence[Candidate]], bool]
    ) -> tuple[Change, ...]:
        return tuple(one.change for one in self._found(groups, holds))

    def _found(
        self, groups: Iterable[Sequence[Candidate]], holds: Callable[[Sequence[Candidate]], bool]
    ) -> tuple[Candidate, ...]:
        try:
            return smallest(groups, holds, most=4)
        except BudgetExceeded:
            # What was asked is answered; that no change was found in time is what an empty answer says.
            return ()

    def _asked(self, changes: Sequence[Candidate]) -> DecisionResult:
        inputs: Mapping[str, Any] = self._inputs
        for change in changes:
            inputs = replaced(inputs, change.path, change.needed)
        return self._compiled.decide(inputs, self._context, decision=self._decision, trace=True)

    # Candidates

    def _candidates(self) -> dict[Path, list[Candidate]]:
        """Values that cells and comparisons ask of the inputs, by path."""
        found: dict[Path, dict[Candidate, None]] = {}
        for path, value in (*self._asked_by_cells(), *self._asked_by_expressions(), *self._listed()):
            now = at(self._inputs, path)
            if feel.from_python(now) != value:
                found.setdefault(path, {})[Candidate(path, value, now)] = None
        return {path: sorted(group, key=lambda one: distance(one.found, one.needed)) for path, group in found.items()}

    def _asked_by_cells(self) -> Iterator[tuple[Path, Any]]:
        for step, table in self._seen:
            for column in range(len(table.table.inputs)):
                wanted = list(dict.fromkeys(_wanted(table, column)))
                path = path_of(table.clause(column).tree)
                if path is not None and path[0] in self._inputs:
                    yield from ((path, value) for value in wanted)
                else:
                    yield from self._through(step, table, column, wanted)

    def _through(
        self, step: DecisionTrace, table: CompiledTable, column: int, wanted: Sequence[Any]
    ) -> Iterator[tuple[Path, Any]]:
        """Numbers after which a computed column has what its cells ask for, as far as it is a straight line."""
        now = _column_value(step, table, column)
        for name in self._inputs if isinstance(now, Decimal) else ():
            here = self._inputs[name]
            if not isinstance(here, Decimal | int) or isinstance(here, bool):
                continue
            there = self._asked([Candidate((name,), Decimal(here) + 1, here)])
            moved = next((s for s in there.trace if s.decision == step.decision), None)
            value = _column_value(moved, table, column) if moved else None
            slope = value - now if isinstance(value, Decimal) else Decimal(0)
            for target in wanted if slope else ():
                if type(target) is Decimal:
                    exact = Decimal(here) + (target - now) / slope
                    yield from (((name,), near_by) for near_by in near(round(exact, 2).normalize()))

    def _asked_by_expressions(self) -> Iterator[tuple[Path, Any]]:
        for decision in self._compiled.model.decisions:
            for literal in _literals(decision.value):
                tree = feel.compile(literal.text or "null", feel.Scope(open=True), strict=False).tree
                for node in walk(tree):
                    for side, other in compared(node):
                        path, value = path_of(side), constant_of(other)
                        if path is not None and path[0] in self._inputs and value is not NOTHING:
                            yield from ((path, one) for one in near(value))

    def _listed(self) -> Iterator[tuple[Path, Any]]:
        """Both values of inputs that are flags."""
        for item in self._compiled.model.inputs:
            if self._compiled.type_of(item.name) == feel.BOOLEAN:
                yield from (((item.name,), flag) for flag in (True, False))


def _column_value(step: DecisionTrace, table: CompiledTable, column: int) -> Any:
    clause = table.table.inputs[column]
    return step.inputs.get(clause.name or clause.expression.text)


def _wanted(table: CompiledTable, column: int) -> Iterator[Any]:
    """The constants that the cells of a column compare with, and their neighbours."""
    for index in range(len(table.table.rules)):
        cell = table.cell(index, column)
        for test in cell.tree.tests if cell is not None and isinstance(cell.tree, n.UnaryTests) else ():
            for part in endpoints(test):
                value = constant_of(part)
                if value is not NOTHING:
                    yield from near(value)
    yield from table.listed(column)


def _literals(value: m.Boxed | None) -> Iterator[m.Literal]:
    """The FEEL expressions in a boxed one, tables aside."""
    match value:
        case m.Literal():
            yield value
        case m.Context():
            for entry in value.entries:
                yield from _literals(entry.value)
        case m.ListOf():
            for item in value.items:
                yield from _literals(item)
        case m.Conditional():
            for part in (value.condition, value.then, value.otherwise):
                yield from _literals(part)


__all__ = ["CellSeen", "DecisionExplanation", "RowSeen", "TableSeen", "explain_decision"]

"""What is wrong with a decision table as a whole, each finding with a concrete counter-example.

Every column is cut into values that its cells can tell apart (the limits themselves, and a value between and beyond
each two). A value's *mask* says which rows it satisfies; walking the columns, equal masks are merged, so that all
combinations are covered without being listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from engines import feel
from engines.core import Diagnostic, Severity
from engines.feel import nodes as n
from engines.feel import temporal
from engines.feel.values import DAY_NANOS, NANOS, Date, DateTime, DaysTime, Time, YearsMonths
from engines.rules.decisions import model as m
from engines.rules.decisions.constants import NOTHING, constant_of
from engines.rules.decisions.graph import CompiledDecisions
from engines.rules.decisions.tables import CompiledTable

# Beyond so many different masks the analysis gives up and says so.
MAX_STATES: Final = 50_000
_MAX_GAPS: Final = 5
_SINGLE: Final = frozenset({m.HitPolicy.UNIQUE, m.HitPolicy.FIRST, m.HitPolicy.ANY, m.HitPolicy.PRIORITY})


class Finding(StrEnum):
    """Kinds of findings; each is the code ``rules.table_<kind>``."""

    # Inputs that no row takes.
    GAP = "gap"
    # Inputs that several rows of a UNIQUE table take.
    OVERLAP = "overlap"
    # Inputs for which rows of an ANY table differ.
    CONFLICT = "conflict"
    # A row that others always come before.
    MASKED = "masked"
    # A row that no inputs satisfy.
    UNREACHABLE = "unreachable"
    # The table has too many combinations to be looked at.
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFinding:
    """One thing wrong with a table."""

    kind: Finding
    # Rows concerned, from 0.
    rows: tuple[int, ...] = ()
    # Input expression -> value; an input that does not matter is left out.
    example: Mapping[str, Any]


@dataclass(slots=True)
class _Column:
    """Input values that the rows can tell apart."""

    name: str
    # (value, mask of the rows it satisfies), masks different.
    values: list[tuple[Any, int]]


def analyse(compiled: CompiledDecisions) -> list[Diagnostic]:
    """All findings of all tables of a model, at their places. Gaps and masked rows are warnings."""
    found = []
    for index, decision in enumerate(compiled.model.decisions):
        table = compiled.table(decision.name)
        if table is not None:
            at = f"/decisions/{index}/table"
            findings = findings_of(table, _domains(compiled, decision, table))
            found += [_diagnostic(compiled, table, finding, at) for finding in findings]
    return found


def findings_of(table: CompiledTable, domains: Mapping[int, Sequence[Any]] | None = None) -> list[TableFinding]:
    """Everything wrong with one table. ``domains``: all values that a column's input can have, where they are known."""
    opaque = _opaque_rows(table)
    columns = _columns(table, domains or {}, opaque)
    everything = (1 << len(table.table.rules)) - 1
    leaves, gaps = _walk(columns, everything)
    if leaves is None:
        return [TableFinding(kind=Finding.TOO_LARGE, example={})]
    found = list(_gaps(table, gaps))
    found += _row_findings(table, leaves, opaque)
    return found


# Columns


def _opaque_rows(table: CompiledTable) -> int:
    """The rows with a cell that only a run can decide; nothing is said about them."""
    mask = 0
    for index, rule in enumerate(table.table.rules):
        if any(_constants(table.cell(index, column)) is None for column in range(len(rule.when))):
            mask |= 1 << index
    return mask


def _columns(table: CompiledTable, domains: Mapping[int, Sequence[Any]], opaque: int) -> list[_Column]:
    """One column per input expression; columns that test the same expression are one."""
    grouped: dict[str, list[int]] = {}
    for index, clause in enumerate(table.table.inputs):
        grouped.setdefault(clause.expression.text.strip(), []).append(index)
    return [_column(table, name, indices, domains, opaque) for name, indices in grouped.items()]


def _column(
    table: CompiledTable, name: str, indices: Sequence[int], domains: Mapping[int, Sequence[Any]], opaque: int
) -> _Column:
    values: list[Any] | None = next((list(domains[i]) for i in indices if i in domains), None)
    if values is None:
        values = list(_samples(table, indices))
    allowed = [table.allows(index) for index in indices]
    by_mask: dict[int, Any] = {}
    for value in values:
        if all(test(value) for test in allowed):
            mask = _mask(table, indices, value) | opaque
            by_mask.setdefault(mask, value)
    return _Column(name=name, values=[(value, mask) for mask, value in by_mask.items()])


def _mask(table: CompiledTable, indices: Sequence[int], value: Any) -> int:
    mask = 0
    for row in range(len(table.table.rules)):
        cells = (table.cell(row, index) for index in indices)
        if all(cell is None or cell.evaluate({"?": value}).value is True for cell in cells):
            mask |= 1 << row
    return mask


def _constants(cell: feel.Expression | None) -> list[Any] | None:
    """The constants that a cell compares with; None where it holds anything else."""
    if cell is None:
        return []
    return _compared(cell.tree.tests) if isinstance(cell.tree, n.UnaryTests) else None


def _compared(tests: Sequence[n.Node]) -> list[Any] | None:
    """The constants in unary tests; None where they hold anything else."""
    found: list[Any] = []
    for test in tests:
        endpoint = test.endpoint if isinstance(test, n.Test) else test
        parts = (endpoint.low, endpoint.high) if isinstance(endpoint, n.RangeLiteral) else (endpoint,)
        values = [constant_of(part) for part in parts]
        if any(value is NOTHING for value in values):
            return None
        found += values
    return found


def _samples(table: CompiledTable, indices: Sequence[int]) -> Iterator[Any]:
    """Values of the column's type on, between and beyond the constants of its cells."""
    cells = [table.cell(row, index) for row in range(len(table.table.rules)) for index in indices]
    compared = [c for cell in cells for c in _constants(cell) or ()]
    compared += [c for index in indices for c in _compared(table.allowed_tests(index)) or ()]
    constants = [c for c in compared if c is not None]
    if len(constants) < len(compared):
        yield None
    kind = table.input_types[indices[0]]
    listed = [value for index in indices for value in table.listed(index)]
    if listed and all(isinstance(value, str | bool) for value in listed):
        yield from listed
    elif kind == feel.BOOLEAN or any(isinstance(c, bool) for c in constants):
        yield from (True, False)
    elif any(isinstance(c, Decimal) for c in constants):
        yield from _numbers(sorted({c for c in constants if isinstance(c, Decimal)}))
    elif any(isinstance(c, Date) for c in constants):
        yield from _dates({c for c in constants if isinstance(c, Date)})
    elif any(isinstance(c, DateTime | Time | DaysTime | YearsMonths) for c in constants):
        yield from _moments([c for c in constants if isinstance(c, DateTime | Time | DaysTime | YearsMonths)])
    elif any(isinstance(c, str) for c in constants):
        yield from _texts(sorted({c for c in constants if isinstance(c, str)}))
    else:
        yield _any_of(kind)


def _any_of(kind: feel.FeelType) -> Any:
    """Some value of a column whose cells compare with nothing."""
    if kind == feel.NUMBER:
        return Decimal(0)
    return Date(2026, 1, 1) if kind == feel.DATE else "" if kind == feel.STRING else None


def _numbers(limits: Sequence[Decimal]) -> Iterator[Decimal]:
    yield limits[0] - 1
    for low, high in zip(limits, [*limits[1:], limits[-1] + 2], strict=True):
        yield low
        yield (low + high) / 2


def _dates(limits: set[Date]) -> Iterator[Date]:
    numbers = {temporal.day_number(limit) + days for limit in limits for days in (-1, 0, 1)}
    yield from (day for number in sorted(numbers) if (day := temporal.date_of_number(number)) is not None)


def _moments(limits: Sequence[DateTime | Time | DaysTime | YearsMonths]) -> Iterator[Any]:
    """Each limit with its closest neighbours, where it has any."""
    for limit in limits:
        for step in (-1, 0, 1):
            match limit:
                case DateTime() if (moved := temporal.shift(limit, step * NANOS)) is not None:
                    yield moved
                case Time() if 0 <= limit.nanos + step * NANOS < DAY_NANOS:
                    yield limit._replace(nanos=limit.nanos + step * NANOS)
                case DaysTime():
                    yield DaysTime(limit.nanos + step * NANOS)
                case YearsMonths():
                    yield YearsMonths(limit.months + step)


def _texts(literals: Sequence[str]) -> Iterator[str]:
    yield ""
    for text in literals:
        yield text
        yield text + "!"


def _domains(compiled: CompiledDecisions, decision: m.Decision, table: CompiledTable) -> dict[int, list[Any]]:
    """Columns that read another decision's table: its output values are all that can come."""
    found: dict[int, list[Any]] = {}
    for index, clause in enumerate(table.table.inputs):
        text = clause.expression.text.strip()
        # "size", or "size.level" of a table with several outputs.
        name, _, output = (text, "", "") if text in decision.requires else text.partition(".")
        other = compiled.table(name) if name in decision.requires else None
        values = other.constant_outputs(output) if other is not None else None
        if values:
            found[index] = values
    return found


# Combinations

_Witness = tuple[tuple[str, Any], ...]


def _walk(columns: Sequence[_Column], everything: int) -> tuple[dict[int, _Witness] | None, list[_Witness]]:
    """All masks that full combinations can have, each with one example; and examples that no row takes."""
    layer: dict[int, _Witness] = {everything: ()}
    gaps: list[_Witness] = []
    for column in columns:
        following: dict[int, _Witness] = {}
        for mask, witness in layer.items():
            for value, satisfied in column.values:
                rest = mask & satisfied
                here = (*witness, (column.name, value))
                if rest:
                    following.setdefault(rest, here)
                elif len(gaps) < _MAX_GAPS:
                    gaps.append(here)
        if len(following) > MAX_STATES:
            return None, []
        layer = following
    return layer, gaps


def _gaps(table: CompiledTable, gaps: Sequence[_Witness]) -> Iterator[TableFinding]:
    has_default = any(clause.default is not None for clause in table.table.outputs)
    if table.table.hit_policy in _SINGLE and not has_default:
        yield from (TableFinding(kind=Finding.GAP, example=dict(gap)) for gap in gaps)


def _row_findings(table: CompiledTable, leaves: Mapping[int, _Witness], opaque: int) -> Iterator[TableFinding]:
    rules = range(len(table.table.rules))
    reached = 0
    winning = 0
    for mask in leaves:
        reached |= mask
        winning |= _winners(table, mask)
    for row in rules:
        if not reached >> row & 1:
            yield TableFinding(kind=Finding.UNREACHABLE, rows=(row,), example={})
    yield from _pairs(table, leaves, opaque)
    if table.table.hit_policy in (m.HitPolicy.FIRST, m.HitPolicy.PRIORITY) and not opaque:
        for row in rules:
            if reached >> row & 1 and not winning >> row & 1:
                witness = next(w for mask, w in leaves.items() if mask >> row & 1)
                others = tuple(r for r in rules if r != row and _shares(leaves, row, r))
                yield TableFinding(kind=Finding.MASKED, rows=(row, *others[:1]), example=dict(witness))


def _shares(leaves: Mapping[int, _Witness], row: int, other: int) -> bool:
    return any(mask >> row & 1 and mask >> other & 1 for mask in leaves)


def _winners(table: CompiledTable, mask: int) -> int:
    """The rows of a mask that may give the result."""
    rows = [row for row in range(len(table.table.rules)) if mask >> row & 1]
    if table.table.hit_policy is m.HitPolicy.FIRST:
        return 1 << rows[0]
    if table.table.hit_policy is not m.HitPolicy.PRIORITY:
        return mask
    ranks = {row: table.rank(row) for row in rows}
    best = min(ranks.values(), key=lambda rank: (rank is not None, rank or ()))
    return 1 << next(row for row in rows if ranks[row] == best)


def _pairs(table: CompiledTable, leaves: Mapping[int, _Witness], opaque: int) -> Iterator[TableFinding]:
    policy = table.table.hit_policy
    if policy not in (m.HitPolicy.UNIQUE, m.HitPolicy.ANY):
        return
    seen: set[tuple[int, int]] = set()
    for mask, witness in leaves.items():
        rows = [row for row in range(len(table.table.rules)) if (mask & ~opaque) >> row & 1]
        for i, first in enumerate(rows):
            for second in rows[i + 1 :]:
                differ = _outputs(table, first) != _outputs(table, second)
                if (first, second) in seen or (policy is m.HitPolicy.ANY and not differ):
                    continue
                seen.add((first, second))
                kind = Finding.OVERLAP if policy is m.HitPolicy.UNIQUE else Finding.CONFLICT
                yield TableFinding(kind=kind, rows=(first, second), example=dict(witness))


def _outputs(table: CompiledTable, row: int) -> tuple[str, ...]:
    return tuple(cell.text.strip() for cell in table.table.rules[row].then)


# Diagnostics


def _diagnostic(compiled: CompiledDecisions, table: CompiledTable, finding: TableFinding, at: str) -> Diagnostic:
    source = compiled.model.source
    pointer = f"{at}/rules/{finding.rows[0]}" if finding.rows else f"{at}/rules"
    names = [table.table.rules[row].name or str(row + 1) for row in finding.rows]
    example = ", ".join(f"{name} = {_shown(value)}" for name, value in finding.example.items())
    serious = finding.kind in (Finding.OVERLAP, Finding.CONFLICT)
    found = Diagnostic(
        code=f"rules.table_{finding.kind}",
        severity=Severity.ERROR if serious else Severity.WARNING,
        found=example or ", ".join(names),
        params={
            "rows": ", ".join(names),
            "example": example,
            # Plain values by input expression, and rows from 0: for editors that offer to mend it.
            "values": {name: feel.to_python(value) for name, value in finding.example.items()},
            "indexes": finding.rows,
        },
    )
    return found.at(source.place(pointer)) if source.text.startswith("{") else found


def _shown(value: Any) -> str:
    return str(feel.compile("string(v)", feel.Scope({"v": feel.ANY})).evaluate({"v": value}).value)

"""Score models run: everybody in one statement, or one record against the cut points that the last full run left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.sql.expression import nulls_last

from engines import feel
from engines.feel.sql import to_sql
from engines.rules.ports import RowSource
from engines.rules.scores.compiling import CompiledMeasure, CompiledScores
from engines.rules.scores.cuts import CutBuilder, CutPoints, Measured, score_of, share
from engines.rules.scores.model import Measure, Method
from engines.rules.sources import WithVariables

_RANKED = frozenset({Method.RANK, Method.PERCENT_RANK})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRecord:
    """One record after scoring."""

    id: UUID
    # By measure; None where the record is outside the population.
    measures: Mapping[str, Measured] | None
    # The values that decisions and writes read, nested as contexts.
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRun:
    """A full run."""

    records: Sequence[ScoredRecord]
    # By measure.
    cuts: Mapping[str, CutPoints]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """A statement over all records, and how its rows are read."""

    model: CompiledScores
    select: Select[Any]

    def read(self, rows: Iterable[Any]) -> ScoreRun:
        """The scores and cut points of the rows that the statement gave."""
        listed = [_Row(row) for row in rows]
        cuts = {m.measure.name: _cuts(m.measure, i, listed) for i, m in enumerate(self.model.measures)}
        return ScoreRun(records=[self._record(row, cuts) for row in listed], cuts=cuts)

    def _record(self, row: _Row, cuts: Mapping[str, CutPoints]) -> ScoredRecord:
        measures = None
        if row.member:
            measures = {
                m.measure.name: Measured(value=row.value(i), score=_full_score(m.measure, i, row, cuts[m.measure.name]))
                for i, m in enumerate(self.model.measures)
            }
        return ScoredRecord(id=row.id, measures=measures, fields=_nested(self.model, row))


class _Row:
    """A row of the statement, by what its columns are called."""

    __slots__ = ("_values",)

    def __init__(self, row: Any) -> None:
        self._values: Mapping[str, Any] = dict(row._mapping)

    @property
    def id(self) -> UUID:
        found: UUID = self._values["id"]
        return found

    @property
    def member(self) -> bool:
        return bool(self._values["member"])

    def value(self, index: int) -> Any:
        value = self._values[f"m{index}"]
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def get(self, name: str) -> Any:
        return self._values.get(name)


def score_all(
    model: CompiledScores,
    source: RowSource,
    dialect: str,
    parameters: Mapping[str, Any],
    context: feel.EvaluationContext,
) -> ScorePlan:
    """One statement that measures and ranks every record of the form that ``source`` gives.

    ``parameters``: what ``model.parameter_values`` gave. Ranks count within the population, null values apart.
    ``SqlUnsupportedError`` where a measure has no exact meaning in SQL.
    """
    inner = _measured(model, source, dialect, parameters, context).subquery("measured")
    columns: list[ColumnElement[Any]] = list(inner.c)
    for i, item in enumerate(model.measures):
        columns += _ranks(item.measure, i, inner.c)
    return ScorePlan(model=model, select=select(*columns))


def score_values(
    model: CompiledScores,
    source: RowSource,
    dialect: str,
    parameters: Mapping[str, Any],
    context: feel.EvaluationContext,
    ids: Sequence[UUID],
) -> Select[Any]:
    """A statement that measures single records, for ``score_one``."""
    identity = source.column("id")
    assert identity is not None  # noqa: S101
    return _measured(model, source, dialect, parameters, context).where(identity.element.in_(ids))


def score_one(model: CompiledScores, cuts: Mapping[str, CutPoints], row: Any) -> ScoredRecord:
    """The scores of one row of ``score_values`` against frozen cut points.

    For a record that has not changed since the full run they equal those of the run.
    """
    found = _Row(row)
    measures = None
    if found.member:
        measures = {
            m.measure.name: Measured(
                value=found.value(i),
                score=score_of(
                    m.measure, cuts.get(m.measure.name, CutPoints()), found.value(i), found.get(f"t{i}") or found.id
                ),
            )
            for i, m in enumerate(model.measures)
        }
    return ScoredRecord(id=found.id, measures=measures, fields=_nested(model, found))


def _measured(
    model: CompiledScores,
    source: RowSource,
    dialect: str,
    parameters: Mapping[str, Any],
    context: feel.EvaluationContext,
) -> Select[Any]:
    rows = WithVariables(source, parameters, hides_fields=True)

    def sql(expression: feel.Expression) -> ColumnElement[Any]:
        return to_sql(expression, rows, dialect, context)

    identity = source.column("id")
    assert identity is not None  # noqa: S101
    member: ColumnElement[Any] = literal(1)
    if model.population is not None:
        member = func.coalesce(_as_number(sql(model.population)), 0)
    columns: list[ColumnElement[Any]] = [identity.element.label("id"), member.label("member")]
    columns += [sql(item.value).label(f"m{i}") for i, item in enumerate(model.measures)]
    columns += list(_ties(model.measures, rows))
    columns += [sql(_path(model, path)).label(f"f{i}") for i, path in enumerate(model.fields)]
    return select(*columns).select_from(source.selectable).where(source.visible_rows())


def _as_number(condition: ColumnElement[Any]) -> ColumnElement[Any]:
    from sqlalchemy import Integer, case, null

    return case((condition, 1), (condition.is_(None), null()), else_=0).cast(Integer)


def _ties(measures: Sequence[CompiledMeasure], rows: WithVariables) -> Iterator[ColumnElement[Any]]:
    for i, item in enumerate(measures):
        column = rows.column(item.measure.tie_break) if item.measure.tie_break else None
        if column is not None and item.measure.method is Method.NTILE:
            yield column.element.label(f"t{i}")


def _path(model: CompiledScores, path: tuple[str, ...]) -> feel.Expression:
    """The expression of a path, in the scope of the model's writes."""
    scope = next((e.scope for _, e in model.writes), feel.Scope(open=True))
    return feel.compile(".".join(path), scope)


def _ranks(measure: Measure, index: int, columns: Any) -> Iterator[ColumnElement[Any]]:
    """What the method needs besides the value: the group, or how many are worse."""
    value = columns[f"m{index}"]
    # A null value is ranked with no other, so that it moves nobody.
    within = (columns["member"], value.is_(None))
    worth = value.asc() if measure.higher_is_better else value.desc()
    if measure.method is Method.NTILE:
        tie = columns[f"t{index}"] if f"t{index}" in columns else columns["id"]
        tile = func.ntile(measure.buckets).over(partition_by=within, order_by=(nulls_last(worth), tie.asc()))
        yield tile.label(f"b{index}")
    elif measure.method in _RANKED:
        yield func.rank().over(partition_by=within, order_by=nulls_last(worth)).label(f"r{index}")


def _cuts(measure: Measure, index: int, rows: Sequence[_Row]) -> CutPoints:
    counted = [row for row in rows if row.member and row.value(index) is not None]
    builder = CutBuilder(measure=measure)
    for row in counted:
        worse = (row.get(f"r{index}") or 1) - 1
        score = int(row.get(f"b{index}") or _rank_score(measure, worse, len(counted)))
        builder.add(row.value(index), score, worse, row.get(f"t{index}") or row.id)
    return builder.finish()


def _rank_score(measure: Measure, worse: int, count: int) -> int:
    return min(measure.buckets, 1 + measure.buckets * worse // max(count, 1))


def _full_score(measure: Measure, index: int, row: _Row, cuts: CutPoints) -> Any:
    value = row.value(index)
    if value is None:
        return None
    worse = (row.get(f"r{index}") or 1) - 1
    match measure.method:
        case Method.NTILE:
            return Decimal(row.get(f"b{index}"))
        case Method.RANK:
            return Decimal(_rank_score(measure, worse, cuts.count))
        case Method.PERCENT_RANK:
            return share(worse, cuts.count - 1)
        case _:
            return score_of(measure, cuts, value, None)


def _nested(model: CompiledScores, row: _Row) -> dict[str, Any]:
    """The record's values by path, as contexts within contexts."""
    found: dict[str, Any] = {}
    for i, path in enumerate(model.fields):
        holder = found
        for name in path[:-1]:
            inner = holder.get(name)
            inner = inner if isinstance(inner, dict) else {}
            holder[name] = inner
            holder = inner
        holder[path[-1]] = row.get(f"f{i}")
    return found

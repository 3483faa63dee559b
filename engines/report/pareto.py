"""How concentrated a measure is: groups from the largest, their running share, and what the best of them give.

Ranks, running sums and thresholds are computed by the database over all groups; when there are more groups than a curve
can show, evenly spaced ranks are given, with every rank that the summary stands on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, func, literal_column, or_, select, type_coerce

from engines.report.calculations import ratio
from engines.report.compiled import CompiledTile
from engines.report.ports import RowSource
from engines.report.query import Part, QueryContext, grouped, row_select
from engines.report.results import ParetoSummary

# Shares of the groups whose part of the total is told, in percent (rounded up to whole groups).
TOPS = (5, 10, 20)
# The largest groups are all given, so that each can be named.
_ALWAYS = 50


def pareto_select(tile: CompiledTile, source: RowSource, context: QueryContext, limit: int) -> Select[Any]:
    """Columns d0, t0, value, rank, running, total, groups, decile; at most about ``limit`` rows, by rank."""
    groups = grouped(tile, row_select(tile, source, context).subquery("records"), Part(kept=(0,)), 0).subquery("g")
    kind = groups.c.a0.type
    value = type_coerce(func.coalesce(groups.c.a0, literal_column("0")), kind)
    titles = [c for c in groups.c if c.name == "t0"]
    order = [value.desc(), groups.c.d0.asc().nulls_last()]
    ranked = select(
        groups.c.d0,
        *titles,
        value.label("value"),
        func.row_number().over(order_by=order).label("rank"),
        type_coerce(func.sum(value).over(order_by=order, rows=(None, 0)), kind).label("running"),
        type_coerce(func.sum(value).over(), kind).label("total"),
        func.count().over().label("groups"),
        func.ntile(literal_column("10")).over(order_by=order).label("decile"),
    ).subquery("ranked")
    following = func.lead(ranked.c.decile).over(order_by=ranked.c.rank).label("following")
    marked = select(*ranked.c, following).subquery("marked")
    return select(marked).where(or_(*_kept(marked.c, limit))).order_by(marked.c.rank)


def _kept(columns: Any, limit: int) -> list[ColumnElement[bool]]:
    """Which ranks are given."""
    rank, groups = columns["rank"], columns["groups"]
    spacing = (groups + _n(limit - 1)).op("/", precedence=8)(_n(limit))
    tops = [rank == (groups * _n(percent) + _n(99)).op("/", precedence=8)(_n(100)) for percent in TOPS]
    running, total, value = (type_coerce(columns[name], Integer()) for name in ("running", "total", "value"))
    reaches = (running * _n(5) >= total * _n(4)) & ((running - value) * _n(5) < total * _n(4))
    ends = columns["following"].is_(None) | (columns["following"] != columns["decile"])
    spaced = rank.op("%", precedence=8)(case((spacing < _n(1), _n(1)), else_=spacing)) == _n(0)
    return [rank <= _n(_ALWAYS), spaced, ends, reaches, *tops]


def _n(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer())


def summary_of(rows: Sequence[Mapping[Any, Any]]) -> ParetoSummary:
    """What the ranks given say: exact, because every rank that it stands on is among them."""
    if not rows:
        return ParetoSummary(count=0, total=Decimal(0), tops=(), groups_for_80=None, deciles=())
    count, total = int(rows[0]["groups"]), Decimal(rows[0]["total"])
    running = {int(row["rank"]): Decimal(row["running"]) for row in rows}
    tops = []
    for percent in TOPS:
        groups = -(-count * percent // 100)
        tops.append((percent, groups, running[groups], ratio(running[groups], total)))
    return ParetoSummary(
        count=count,
        total=total,
        tops=tuple(tops),
        groups_for_80=_groups_for_80(rows, total),
        deciles=_deciles(rows, total),
    )


def _groups_for_80(rows: Sequence[Mapping[Any, Any]], total: Decimal) -> int | None:
    if total <= 0:
        return None
    return next(int(row["rank"]) for row in rows if Decimal(row["running"]) * 5 >= total * 4)


def _deciles(rows: Sequence[Mapping[Any, Any]], total: Decimal) -> tuple[Decimal | None, ...]:
    ends = {int(row["decile"]): Decimal(row["running"]) for row in rows}
    shares, before = [], Decimal(0)
    for decile in sorted(ends):
        shares.append(ratio(ends[decile] - before, total))
        before = ends[decile]
    return tuple(shares)

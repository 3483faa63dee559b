"""Which process instances are looked at, and how times between instants are reckoned in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.runtime_tables import process_instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The instances of a process that were started in a period; both ends may be open."""

    app: str
    process: str
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> sa.ColumnElement[bool]:
        """That a row of ``sys_process_instance`` is one of them."""
        table = process_instance
        parts = [table.c.app == self.app, table.c.process == self.process]
        if self.since is not None:
            parts.append(table.c.started_at >= self.since)
        if self.until is not None:
            parts.append(table.c.started_at < self.until)
        return sa.and_(*parts)

    def ids(self) -> sa.Select[Any]:
        """Their ids."""
        return sa.select(process_instance.c.id).where(self.condition())


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How durations spread, in seconds; percentiles by nearest rank."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float


NOTHING = Spread(count=0, mean=0.0, p50=0.0, p90=0.0, p95=0.0)
_SHARES = {"p50": Decimal("0.5"), "p90": Decimal("0.9"), "p95": Decimal("0.95")}


def seconds(connection: Connection, start: Any, end: Any) -> sa.ColumnElement[float]:
    """Seconds from one instant column to another, as a number on either database."""
    if connection.dialect.name == "sqlite":
        microseconds = sa.type_coerce(end, sa.BigInteger) - sa.type_coerce(start, sa.BigInteger)
        return microseconds / sa.literal(1e6, sa.Float)
    return sa.cast(sa.extract("epoch", end - start), sa.Float)


QUARTER_S = 900


def quarter(connection: Connection, column: Any) -> sa.ColumnElement[int]:
    """The quarter of an hour of an instant, counted from 1970, as a whole number on either database."""
    if connection.dialect.name == "sqlite":
        return sa.type_coerce(column, sa.BigInteger) // (QUARTER_S * 1_000_000)
    return sa.cast(sa.func.floor(sa.extract("epoch", column) / QUARTER_S), sa.BigInteger)


def spreads(connection: Connection, rows: sa.Subquery, *by: str) -> Mapping[Any, Spread]:
    """How ``rows.value`` (seconds) spreads in each group of the columns ``by``; keyed by their values."""
    keys = [rows.c[name] for name in by]
    ranked = (
        sa.select(
            *keys,
            rows.c.value,
            sa.func.row_number().over(partition_by=keys or None, order_by=rows.c.value).label("place"),
            sa.func.count().over(partition_by=keys or None).label("size"),
        )
        .where(rows.c.value.is_not(None))
        .subquery()
    )
    groups = [ranked.c[name] for name in by]
    wanted = [
        sa.func.min(sa.case((ranked.c.place >= share * ranked.c.size, ranked.c.value))).label(name)
        for name, share in _SHARES.items()
    ]
    query = sa.select(*groups, sa.func.count(), sa.func.avg(ranked.c.value), *wanted).group_by(*groups)
    return {_key(row[: len(by)]): _spread(row[len(by) :]) for row in connection.execute(query) if row[len(by)]}


def _key(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _spread(row: Sequence[Any]) -> Spread:
    count, mean, p50, p90, p95 = row
    return Spread(count=count, mean=float(mean), p50=float(p50), p90=float(p90), p95=float(p95))

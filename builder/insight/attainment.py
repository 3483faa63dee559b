"""How well time limits are kept: met and breached, by step, person, department and month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.insight.cases import Cases
from builder.storage.runtime_tables import process_clock

_TABLE = process_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many clocks were met and breached; those given up before either are left out."""

    met: int
    breached: int
    # Seconds for which they stood, by the wall clock, and seconds used on average by their own measure.
    paused_s: int
    used_s: float | None = None

    @property
    def share(self) -> float | None:
        """Share of those met; None where there are none."""
        whole = self.met + self.breached
        return self.met / whole if whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment:
    """The limits of a process over a period."""

    whole: Kept
    # Clocks that run or stand now, and those of them that are late.
    open: int
    late: int
    # (node, name of the limit) to figures.
    nodes: Mapping[tuple[str, str], Kept]
    # None is who had it while nobody was found or named.
    people: Mapping[UUID | None, Kept]
    departments: Mapping[UUID | None, Kept]
    # "2026-03" to figures, in order.
    months: Mapping[str, Kept]


def attainment(connection: Connection, cases: Cases, zone: ZoneInfo) -> Attainment:
    """The attainment of ``cases``, in a fixed number of statements that each read the clocks once."""
    by_node = _grouped(connection, cases, _TABLE.c.node, _TABLE.c.name)
    months = _grouped(connection, cases, _month(connection, cases, zone))
    whole = _grouped(connection, cases)
    opened = sa.select(sa.func.count(), sa.func.count(_TABLE.c.breached_at)).where(
        _of(cases), _TABLE.c.ended_at.is_(None)
    )
    still, late = connection.execute(opened).one()
    return Attainment(
        whole=whole.get((), Kept(met=0, breached=0, paused_s=0)),
        open=still,
        late=late,
        nodes={(key[0], key[1]): kept for key, kept in sorted(by_node.items())},
        people={key[0]: kept for key, kept in _grouped(connection, cases, _TABLE.c.person).items()},
        departments={key[0]: kept for key, kept in _grouped(connection, cases, _TABLE.c.department).items()},
        months={key[0]: kept for key, kept in sorted(months.items())},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table that is taken elsewhere: every combination there is."""

    month: str
    node: str
    limit: str
    department: UUID | None
    person: UUID | None
    kept: Kept


def lines(connection: Connection, cases: Cases, zone: ZoneInfo) -> Iterator[Line]:
    """The figures by month, step, limit, department and person together, in that order."""
    columns = (_month(connection, cases, zone), _TABLE.c.node, _TABLE.c.name, _TABLE.c.department, _TABLE.c.person)
    found = _grouped(connection, cases, *columns)
    for key in sorted(found, key=lambda key: tuple(str(part) for part in key)):
        month, node, limit, department, person = key
        yield Line(month=month, node=node, limit=limit, department=department, person=person, kept=found[key])


def _of(cases: Cases) -> sa.ColumnElement[bool]:
    return sa.and_(_TABLE.c.app == cases.app, _TABLE.c.process == cases.process, _TABLE.c.instance_id.in_(cases.ids()))


def _grouped(connection: Connection, cases: Cases, *columns: Any) -> Mapping[tuple[Any, ...], Kept]:
    """Figures by the columns; those are named in a query of their own, since PostgreSQL tells bound values apart."""
    named = [column.label(f"by_{place}") for place, column in enumerate(columns)]
    counted = (_TABLE.c.breached_at, _TABLE.c.paused_s, _TABLE.c.used_s)
    rows = sa.select(*named, *counted).where(_of(cases), _TABLE.c.decided_at.is_not(None)).subquery()
    by = [rows.c[column.name] for column in named]
    breached = sa.func.count(rows.c.breached_at)
    figures = (sa.func.count() - breached, breached, sa.func.sum(rows.c.paused_s), sa.func.avg(rows.c.used_s))
    found = connection.execute(sa.select(*by, *figures).group_by(*by))
    return {
        tuple(row[: len(by)]): Kept(
            met=row[-4], breached=row[-3], paused_s=int(row[-2]), used_s=None if row[-1] is None else float(row[-1])
        )
        for row in found
        if row[-4] or row[-3]
    }


def _month(connection: Connection, cases: Cases, zone: ZoneInfo) -> sa.ColumnElement[str]:
    """The month of a clock as text: both databases compare with the months' own borders, so that zones count."""
    ends = sa.select(sa.func.min(_TABLE.c.decided_at), sa.func.max(_TABLE.c.decided_at)).where(_of(cases))
    first, last = connection.execute(ends).one()
    if first is None:
        return sa.literal("")
    names = list(_months(first.astimezone(zone), last.astimezone(zone)))
    borders = [(_TABLE.c.decided_at < _begin(after, zone), name) for name, after in pairwise(names)]
    return sa.case(*borders, else_=names[-1]) if borders else sa.literal(names[-1])


def _months(first: datetime, last: datetime) -> Iterator[str]:
    number, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    for month in range(number, end + 1):
        yield f"{month // 12:04d}-{month % 12 + 1:02d}"


def _begin(month: str, zone: ZoneInfo) -> datetime:
    year, number = month.split("-")
    return datetime(int(year), int(number), 1, tzinfo=zone)

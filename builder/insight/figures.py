"""Figures of a process: throughput, cycle times, where the time goes, rework, promptness, workload."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.insight.cases import NOTHING, QUARTER_S, Cases, Spread, quarter, seconds, spreads
from builder.storage.runtime_tables import process_history, process_instance, process_live, task


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """What happened at one node."""

    # Times it was entered, and instances that entered it.
    visits: int
    instances: int
    # Tokens that stand there now.
    live: int
    # From entering to completing it.
    duration: Spread
    # User tasks: from opening to claiming, and from then to completion.
    waiting: Spread
    working: Spread
    # User tasks completed with a due time, and those of them completed in time.
    due: int
    in_time: int
    # Times a task was sent back from here.
    returned: int

    @property
    def rework(self) -> float:
        """Share of the visits that were not an instance's first."""
        return (self.visits - self.instances) / self.visits if self.visits else 0.0

    @property
    def total(self) -> float:
        """Seconds that all completed visits took together."""
        return self.duration.mean * self.duration.count


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFigures:
    """What one person did and has to do."""

    completed: int
    open: int
    late: int
    working: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """What the instances of a period came to."""

    started: int
    # By status.
    statuses: Mapping[str, int]
    incidents: int
    cycle: Spread
    # Started and ended, by day of the workspace's zone.
    days: Sequence[tuple[date, int, int]]
    nodes: Mapping[str, NodeFigures]
    people: Mapping[UUID, PersonFigures]

    @property
    def in_time(self) -> float | None:
        """Share of the tasks with a due time that were completed by then; None where there are none."""
        due = sum(node.due for node in self.nodes.values())
        return sum(node.in_time for node in self.nodes.values()) / due if due else None

    def heat(self) -> Mapping[str, float]:
        """Share of all the time spent, by node."""
        whole = sum(node.total for node in self.nodes.values())
        return {name: node.total / whole for name, node in self.nodes.items()} if whole else {}


def figures(connection: Connection, cases: Cases, zone: ZoneInfo) -> ProcessFigures:
    """The figures of ``cases``, in a fixed number of statements."""
    table = process_instance
    counted = sa.select(table.c.status, sa.func.count(), sa.func.sum(table.c.incidents)).group_by(table.c.status)
    statuses = connection.execute(counted.where(cases.condition())).all()
    ended = sa.select(seconds(connection, table.c.started_at, table.c.ended_at).label("value"))
    cycle = spreads(connection, ended.where(cases.condition(), table.c.ended_at.is_not(None)).subquery())
    return ProcessFigures(
        started=sum(row[1] for row in statuses),
        statuses={row[0]: row[1] for row in statuses},
        incidents=sum(row[2] or 0 for row in statuses),
        cycle=cycle.get((), NOTHING),
        days=_days(connection, cases, zone),
        nodes=_nodes(connection, cases),
        people=_people(connection, cases),
    )


def _days(connection: Connection, cases: Cases, zone: ZoneInfo) -> Sequence[tuple[date, int, int]]:
    """Started and ended by day: the databases count quarters of an hour, of which the days of every zone are made."""
    counts: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for place, column in enumerate((process_instance.c.started_at, process_instance.c.ended_at)):
        rows = sa.select(quarter(connection, column).label("quarter")).where(cases.condition(), column.is_not(None))
        quarters = rows.subquery()
        query = sa.select(quarters.c.quarter, sa.func.count()).group_by(quarters.c.quarter)
        for number, count in connection.execute(query):
            counts[datetime.fromtimestamp(int(number) * QUARTER_S, zone).date()][place] += count
    return [(day, *counts[day]) for day in sorted(counts)]  # type: ignore[misc]


def _nodes(connection: Connection, cases: Cases) -> Mapping[str, NodeFigures]:
    moves = _moves(cases)
    entered = sa.select(moves).where(moves.c.kind == "entered").subquery()
    visits = sa.select(entered.c.node, sa.func.count(), sa.func.count(entered.c.instance_id.distinct()))
    counts = {row[0]: row[1:] for row in connection.execute(visits.group_by(entered.c.node))}
    took = sa.select(entered.c.node, seconds(connection, entered.c.at, entered.c.next_at).label("value"))
    durations = spreads(connection, took.where(entered.c.next_kind == "completed").subquery(), "node")
    tasks = _task_times(connection, cases)
    live = _live(connection, cases)
    due = _promptness(connection, cases)
    returned = _returned(connection, cases)
    return {
        node: NodeFigures(
            visits=counts.get(node, (0, 0))[0],
            instances=counts.get(node, (0, 0))[1],
            live=live.get(node, 0),
            duration=durations.get(node, NOTHING),
            waiting=tasks["waiting"].get(node, NOTHING),
            working=tasks["working"].get(node, NOTHING),
            due=due.get(node, (0, 0))[0],
            in_time=due.get(node, (0, 0))[1],
            returned=returned.get(node, 0),
        )
        for node in sorted({*counts, *live})
    }


def _moves(cases: Cases) -> sa.Subquery:
    """Entering and leaving of nodes, each with what came next for the same element at the same node."""
    table = process_history
    element = table.c.data["element"].as_integer()
    order = {"partition_by": (table.c.instance_id, table.c.node, element), "order_by": table.c.number}
    return (
        sa.select(
            table.c.instance_id,
            table.c.node,
            table.c.kind,
            table.c.at,
            sa.func.lead(table.c.at).over(**order).label("next_at"),  # type: ignore[arg-type]
            sa.func.lead(table.c.kind).over(**order).label("next_kind"),  # type: ignore[arg-type]
        )
        .where(table.c.instance_id.in_(cases.ids()), table.c.kind.in_(("entered", "completed", "cancelled")))
        .subquery()
    )


def _tasks(cases: Cases, *columns: Any) -> sa.Select[Any]:
    return sa.select(*columns).where(task.c.instance_id.in_(cases.ids()))


def _task_times(connection: Connection, cases: Cases) -> Mapping[str, Mapping[str, Spread]]:
    taken = sa.func.coalesce(task.c.claimed_at, task.c.created_at)
    done = task.c.status == "completed"
    waiting = _tasks(cases, task.c.node, seconds(connection, task.c.created_at, taken).label("value")).where(done)
    working = _tasks(cases, task.c.node, seconds(connection, taken, task.c.closed_at).label("value")).where(done)
    return {
        "waiting": spreads(connection, waiting.subquery(), "node"),
        "working": spreads(connection, working.subquery(), "node"),
    }


def _live(connection: Connection, cases: Cases) -> Mapping[str, int]:
    table = process_live
    query = sa.select(table.c.node, sa.func.count()).where(
        table.c.kind == "tokens", table.c.instance_id.in_(cases.ids())
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.c.node)) if row[0]}


def _promptness(connection: Connection, cases: Cases) -> Mapping[str, tuple[int, int]]:
    prompt = sa.func.sum(sa.case((task.c.closed_at <= task.c.due_at, 1), else_=0))
    query = _tasks(cases, task.c.node, sa.func.count(), prompt).group_by(task.c.node)
    rows = connection.execute(query.where(task.c.status == "completed", task.c.due_at.is_not(None)))
    return {row[0]: (row[1], row[2]) for row in rows}


def _returned(connection: Connection, cases: Cases) -> Mapping[str, int]:
    table = process_history
    query = sa.select(table.c.node, sa.func.count()).where(
        table.c.instance_id.in_(cases.ids()), table.c.kind == "task.return"
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.c.node))}


def _people(connection: Connection, cases: Cases) -> Mapping[UUID, PersonFigures]:
    late = sa.func.sum(sa.case((task.c.closed_at > task.c.due_at, 1), else_=0))
    done = _tasks(cases, task.c.closed_by, sa.func.count(), late).where(task.c.status == "completed")
    completed = {row[0]: row[1:] for row in connection.execute(done.group_by(task.c.closed_by)) if row[0]}
    waits = _tasks(cases, task.c.assignee, sa.func.count()).where(task.c.status == "open")
    open_tasks = {row[0]: row[1] for row in connection.execute(waits.group_by(task.c.assignee)) if row[0]}
    taken = sa.func.coalesce(task.c.claimed_at, task.c.created_at)
    spent = _tasks(cases, task.c.closed_by, seconds(connection, taken, task.c.closed_at).label("value"))
    working = spreads(connection, spent.where(task.c.status == "completed").subquery(), "closed_by")
    return {
        person: PersonFigures(
            completed=completed.get(person, (0, 0))[0],
            late=completed.get(person, (0, 0))[1],
            open=open_tasks.get(person, 0),
            working=working.get(person, NOTHING),
        )
        for person in {*completed, *open_tasks}
    }

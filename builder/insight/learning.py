"""What the past says of the future: a simulation's plan learnt from the instances of a process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from builder.insight.cases import Cases, seconds
from builder.runtime.process import instances
from builder.storage.runtime_tables import process_history, process_instance, task
from builder.workspace import Work
from engines.process.graph import CompiledProcess
from engines.process.kinds import NodeType
from engines.process.simulation import Case, SimulationPlan

# Most recent values of which a simulation draws, and instances whose data it starts with.
SAMPLES = 1_000
EXAMPLES = 50
# Nodes whose time lies with somebody or something outside the process.
_OUTSIDE = (NodeType.SERVICE_TASK, NodeType.RECEIVE_TASK, NodeType.CALL_ACTIVITY, NodeType.CATCH_EVENT)


def learn(work: Work, cases: Cases, graph: CompiledProcess, *, count: int, seed: int = 0) -> SimulationPlan:
    """A plan of ``count`` cases that arrive, take time and are decided as those of ``cases`` did.

    How long somebody worked on a task is not recorded. It is taken as the time between completing it and the latest of:
    its opening, its claiming, and the same person's completion before.
    """
    return SimulationPlan(
        cases=count,
        between=_between(work, cases),
        work=_work(work, cases),
        answers=_answers(work, cases, graph),
        outcomes=_outcomes(work, cases),
        examples=_examples(work, cases, graph) or (Case(),),
        seed=seed,
    )


def _between(work: Work, cases: Cases) -> Sequence[float]:
    table = process_instance
    query = sa.select(table.c.started_at).where(cases.condition()).order_by(table.c.started_at.desc()).limit(SAMPLES)
    starts = sorted(work.connection.execute(query).scalars())
    return [(after - before).total_seconds() for before, after in pairwise(starts)]


def _work(work: Work, cases: Cases) -> Mapping[str, Sequence[float]]:
    before = sa.func.lag(task.c.closed_at, type_=task.c.closed_at.type).over(
        partition_by=task.c.closed_by, order_by=task.c.closed_at
    )
    done = (
        sa.select(task.c.node, task.c.created_at, task.c.claimed_at, task.c.closed_at, before.label("before"))
        .where(task.c.instance_id.in_(cases.ids()), task.c.status == "completed")
        .order_by(task.c.closed_at.desc())
        .limit(SAMPLES * 10)
    )
    found: dict[str, list[float]] = defaultdict(list)
    for row in work.connection.execute(done):
        begun = max(at for at in (row.created_at, row.claimed_at, row.before) if at is not None)
        if len(found[row.node]) < SAMPLES:
            found[row.node].append(max((row.closed_at - begun).total_seconds(), 0.0))
    return found


def _answers(work: Work, cases: Cases, graph: CompiledProcess) -> Mapping[str, Sequence[float]]:
    names = [node.name for node in graph.nodes.values() if node.definition.type in _OUTSIDE]
    table = process_history
    element = table.c.data["element"].as_integer()
    later = sa.func.lead(table.c.at).over(
        partition_by=(table.c.instance_id, table.c.node, element), order_by=table.c.number
    )
    moves = (
        sa.select(table.c.node, table.c.kind, seconds(work.connection, table.c.at, later).label("value"))
        .where(table.c.instance_id.in_(cases.ids()), table.c.node.in_(names))
        .where(table.c.kind.in_(("entered", "completed")))
        .subquery()
    )
    query = sa.select(moves.c.node, moves.c.value).where(moves.c.kind == "entered", moves.c.value.is_not(None))
    found: dict[str, list[float]] = defaultdict(list)
    for node, value in work.connection.execute(query.limit(SAMPLES * max(len(names), 1))):
        found[node].append(float(value))
    return found


def _outcomes(work: Work, cases: Cases) -> Mapping[str, Mapping[str, float]]:
    query = (
        sa.select(task.c.node, task.c.outcome, sa.func.count())
        .where(task.c.instance_id.in_(cases.ids()), task.c.status == "completed", task.c.outcome.is_not(None))
        .group_by(task.c.node, task.c.outcome)
    )
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for node, outcome, count in work.connection.execute(query):
        found[node][outcome] = float(count)
    return found


def _examples(work: Work, cases: Cases, graph: CompiledProcess) -> Sequence[Case]:
    """What the latest instances were about, with the values that their records have now."""
    around: Any = work.service("around")
    table = process_instance
    query = sa.select(table.c.id).where(cases.condition()).order_by(table.c.started_at.desc()).limit(EXAMPLES)
    declared = {variable.name for variable in graph.definition.variables}
    found = []
    for id in work.connection.execute(query).scalars().all():
        instance = instances.look_at(work.connection, id)
        if instance is None:
            continue
        variables = {name: value for name, value in instance.state.process_variables.items() if name in declared}
        values = around.process_values(instance, graph)
        found.append(Case(values=values, variables=variables, initiator=instance.state.initiator))
    return found

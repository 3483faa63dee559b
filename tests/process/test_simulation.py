"""Simulation: waiting follows from who is busy, and everything else from the process's own steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import mean
from typing import Any
from uuid import UUID

import pytest

from engines.process import CompiledProcess
from engines.process.simulation import Case, SimulationPlan, SimulationResult, simulate
from tests.process.games import CONTEXT, node, process

ANN, BEN = UUID(int=1 << 64), UUID(int=2 << 64)
CLERK = {"role": "clerk"}
ONE_TASK = process("s:s e:e", "s>check>e", node("u", "check", assignment=CLERK))


class Clerks:
    """People who hold the only role."""

    def __init__(self, people: Sequence[UUID]) -> None:
        self.people = people

    def people_with_role(self, role: str) -> Sequence[UUID]:
        return self.people if role.endswith("clerk") else ()

    def stand_in(self, person: UUID, at: object) -> UUID:
        return person


def run(graph: CompiledProcess, people: Sequence[UUID] = (ANN,), **plan: Any) -> SimulationResult:
    return simulate(graph, SimulationPlan(**plan), replace(CONTEXT, directory=Clerks(people)))  # type: ignore[arg-type]


def test_one_clerk_and_random_arrivals_wait_as_queueing_theory_says() -> None:
    # M/D/1 with load 1/2: the mean wait is rho * service / (2 * (1 - rho)) (Pollaczek and Khinchine).
    random = Random(7)
    between = [random.expovariate(1 / 1000) for _ in range(3000)]
    result = run(ONE_TASK, cases=3000, between=between, work={"check": [500.0]})
    assert mean(visit.waited for visit in result.visits) == pytest.approx(250, rel=0.15)
    assert result.ended == {"completed": 3000}
    assert result.busy[ANN] / result.length == pytest.approx(0.5, rel=0.1)


def test_more_people_wait_less_and_nobody_does_two_things_at_once() -> None:
    plan = {"cases": 200, "between": [100.0], "work": {"check": [190.0]}}
    alone, two = run(ONE_TASK, **plan), run(ONE_TASK, [ANN, BEN], **plan)
    hired = run(ONE_TASK, **plan, staff={"clerk": 1})
    waits = [max(visit.waited for visit in result.visits) for result in (alone, two, hired)]
    assert waits == [199 * (190 - 100), 0, 0]
    assert max(alone.cycles) == 200 * 190 - 199 * 100
    assert [len(result.busy) for result in (alone, two, hired)] == [1, 2, 2]


def test_outcomes_come_as_often_as_the_plan_says_and_choose_the_way() -> None:
    graph = process(
        "s:s x:way e:e",
        's>check>way, way>again>e[check.outcome = "no"], way>e[]',
        node("u", "check", assignment=CLERK, outcomes=[{"name": "yes"}, {"name": "no"}]),
        node("u", "again", assignment=CLERK),
    )
    plan = {"cases": 1000, "between": [10_000.0], "outcomes": {"check": {"yes": 3, "no": 1}}, "seed": 1}
    result = run(graph, **plan)
    assert result.entered["again"] == pytest.approx(250, rel=0.2)
    assert result.visits == run(graph, **plan).visits


def test_timers_services_and_the_data_of_examples_are_those_of_the_process() -> None:
    late = {"timer": {"duration": 'duration("PT2M")'}}
    graph = process(
        "s:s x:size e:e e:told",
        "s>size, size>ask>check>e[subject.amount > 5], size>e[], late>told",
        node("service", "ask", service="http"),
        node("u", "check", assignment=CLERK, due='duration("PT1M")'),
        node("b", "late", attached_to="check", interrupting=False, event=late),
    )
    small, large = (Case(values={"subject": {"amount": amount}}) for amount in (1, 9))
    plan = {"cases": 100, "between": [1000.0], "work": {"check": [60.0, 180.0]}, "answers": {"ask": [30.0]}}
    result = run(graph, **plan, examples=[large])
    assert set(result.cycles) == {90.0, 210.0}
    slow = [visit for visit in result.visits if visit.worked > 120]
    assert 0 < result.entered["told"] == len(slow)
    assert [visit for visit in result.visits if visit.late] == slow
    assert set(run(graph, **plan, examples=[small]).cycles) == {0.0}


def test_a_message_that_never_comes_leaves_cases_stuck() -> None:
    graph = process("s:s e:e", "s>paid>e", node("receiveTask", "paid", event={"message": "paid"}))
    assert run(graph, cases=3, between=[1.0]).ended == {"stuck": 3}
    assert run(graph, cases=3, between=[1.0], answers={"paid": [60.0]}).ended == {"completed": 3}

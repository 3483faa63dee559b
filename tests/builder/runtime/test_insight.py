"""Insight: figures of the cases that happened, the log of what happened, a simulation fed by the past."""

from __future__ import annotations

import csv
import io
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from builder.insight import Cases, ProcessInsight, to_csv, to_xes
from engines.core import AccessDenied
from tests.builder.runtime.desk import Desk

ESCALATION = Cases(app="desk", process="escalation")


def answered(desk: Desk, minutes: float) -> UUID:
    """An instance of "escalation" that ann answers after some minutes."""
    instance = desk.start("escalation")
    task = dict(desk.todo("ann"))["answer"]
    desk.advance(minutes=minutes)
    desk.complete("ann", task)
    return instance


def test_figures_say_how_long_things_took_and_what_was_late(desk: Desk) -> None:
    for minutes in (5, 10, 20, 30):
        answered(desk, minutes)
    desk.start("escalation")
    with desk.read("root") as work:
        found = ProcessInsight(work, ESCALATION).figures()
    assert (found.started, dict(found.statuses)) == (5, {"completed": 4, "running": 1})
    assert (found.cycle.count, found.cycle.p50, found.cycle.p90) == (4, 600, 1800)
    assert found.cycle.mean == pytest.approx(975)
    answer = found.nodes["answer"]
    assert (answer.visits, answer.instances, answer.live, answer.rework) == (5, 5, 1, 0)
    assert (answer.due, answer.in_time) == (4, 2)
    assert found.in_time == 0.5
    assert answer.duration == found.cycle
    assert found.heat()["answer"] == pytest.approx(1)
    ann = found.people[desk.people["ann"]]
    assert (ann.completed, ann.late, ann.working.p50) == (4, 2, 600)
    assert sum(started for _, started, _ in found.days) == 5


def test_a_period_leaves_older_cases_out(desk: Desk) -> None:
    answered(desk, 5)
    since = desk.workspace.clock.now()
    answered(desk, 30)
    with desk.read("root") as work:
        recent = Cases(app="desk", process="escalation", since=since)
        assert ProcessInsight(work, recent).figures().cycle.p50 == 1800


def test_the_event_log_tells_each_case_in_order(desk: Desk) -> None:
    first, second = answered(desk, 5), answered(desk, 10)
    with desk.read("root") as work:
        process = work.apps["desk"].processes["escalation"].definition
        insight = ProcessInsight(work, ESCALATION)
        rows = list(csv.DictReader(io.StringIO("".join(to_csv(insight.log(process, "en"))).removeprefix("\ufeff"))))
        tree = ET.fromstring("".join(to_xes(insight.log(process, "en"), "escalation")))  # noqa: S314 - our own
    told = [(row["activity"], row["transition"], row["resource"]) for row in rows if row["case"] == str(first)]
    assert ("Answer", "schedule", "") in told
    assert told.index(("Answer", "schedule", "")) < told.index(("Answer", "complete", "Ann"))
    xes = "{http://www.xes-standard.org/}"
    traces = tree.findall(f"{xes}trace")
    assert {trace.find(f"{xes}string").get("value") for trace in traces} == {str(first), str(second)}
    assert sum(len(trace.findall(f"{xes}event")) for trace in traces) == len(rows)


def test_a_comment_that_a_spreadsheet_would_run_is_defused(desk: Desk) -> None:
    desk.start("review")
    desk.complete("bob", dict(desk.todo("bob"))["right"], "reject", comment="=1+1")
    with desk.read("root") as work:
        process = work.apps["desk"].processes["review"].definition
        log = ProcessInsight(work, Cases(app="desk", process="review")).log(process, "en")
        assert ",'=1+1" in "".join(to_csv(log))


def test_a_simulation_draws_on_what_happened(desk: Desk) -> None:
    for minutes in (5, 5, 20):
        answered(desk, minutes)
    with desk.read("root") as work:
        insight = ProcessInsight(work, ESCALATION)
        graph = work.apps["desk"].processes["escalation"]
        plan = insight.plan(graph, count=200)
        assert sorted(plan.work["answer"]) == [300, 300, 1200]
        result = insight.simulate(graph, plan)
    assert result.ended == {"completed": 200}
    assert {visit.performer for visit in result.visits} == {desk.people["ann"], desk.people["cleo"]}
    assert 0 < result.entered["tell"] < 200


@pytest.mark.parametrize("login", ["ann", "dan"])
def test_nobody_else_looks_into_a_process(desk: Desk, login: str) -> None:
    with desk.read(login) as work, pytest.raises(AccessDenied):
        ProcessInsight(work, ESCALATION)

"""Insight: figures of the cases that happened, the log of what happened, a simulation fed by the past."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import timedelta
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from builder.insight import Cases, ProcessInsight, in_pieces, to_csv, to_xes
from builder.storage.runtime_tables import process_history
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


def test_days_are_those_of_the_zone_and_counted_by_the_database(desk: Desk) -> None:
    """Two cases a quarter of an hour apart, on both sides of a midnight that is none in UTC."""
    zone = desk.workspace.clock.zone()
    now = desk.workspace.clock.now().astimezone(zone)
    desk.advance(seconds=(23 * 60 + 50) * 60 - (now.hour * 3600 + now.minute * 60 + now.second))
    answered(desk, 5)
    answered(desk, 15)
    with desk.read("root") as work:
        days = ProcessInsight(work, ESCALATION).figures().days
    first = desk.workspace.clock.now().astimezone(zone).date() - timedelta(days=1)
    assert days == [(first, 2, 1), (first + timedelta(days=1), 0, 1)]


def transitions(desk: Desk, process: str, node: str) -> list[str]:
    """The lifecycle of a node as the log tells it."""
    with desk.read("root") as work:
        definition = work.apps["desk"].processes[process].definition
        log = ProcessInsight(work, Cases(app="desk", process=process)).log(definition, "en")
        return [item.transition for item in log if item.node == node]


def test_the_log_speaks_the_lifecycle_of_the_standard(desk: Desk) -> None:
    instance = desk.start("review")
    left = dict(desk.todo("ann"))["left"]
    with desk.work("ann") as work:
        work.service("processes").claim(left)
    with desk.work("root") as work:
        work.service("processes").suspend(instance)
        work.service("processes").resume(instance)
    desk.complete("ann", left, "approve")
    with desk.work("root") as work:
        work.service("processes").cancel(instance, "Test")
    assert transitions(desk, "review", "left") == ["schedule", "start", "suspend", "resume", "complete"]
    assert transitions(desk, "review", "right") == ["schedule", "pi_abort"]


def test_what_is_sent_back_is_aborted_and_scheduled_again(desk: Desk) -> None:
    desk.start("chain", who=desk.people["ann"])
    desk.complete("ann", dict(desk.todo("ann"))["one"])
    with desk.work("ann") as work:
        work.service("processes").send_back(dict(desk.todo("ann"))["two"], "one")
    assert transitions(desk, "chain", "one") == ["schedule", "complete", "schedule"]
    assert transitions(desk, "chain", "two") == ["schedule", "ate_abort"]


def test_the_log_is_read_as_it_is_written_whatever_its_length(desk: Desk) -> None:
    """Twenty thousand rows of one case take no more memory than a few pages of them."""
    instance = desk.start("escalation")
    at = desk.workspace.clock.now()
    rows = [
        {"instance_id": instance, "number": number, "at": at, "kind": "task.assign", "node": "answer", "actor": None,
         "data": {"element": 1, "comment": "x" * 200}}
        for number in range(1_000, 21_000)
    ]  # fmt: skip
    with desk.work() as work:
        work.connection.execute(process_history.insert(), rows)
    with desk.read("root") as work:
        process = work.apps["desk"].processes["escalation"].definition
        tracemalloc.start()
        length = sum(len(part) for part in in_pieces(to_xes(ProcessInsight(work, ESCALATION).log(process, "en"), "p")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert length > 8_000_000
    assert peak < length / 2

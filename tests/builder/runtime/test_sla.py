"""Time limits on both databases: rows of clocks, notices, due times in the inbox, each once over kills and pauses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity.departments import create_department
from builder.identity.people import set_departments
from builder.insight import Cases, ProcessInsight
from builder.jobs import queue
from builder.runtime import install
from builder.storage.runtime_tables import job, process_clock, process_history, task
from builder.workspace import Workspace
from engines.core import AccessDenied, InputError
from tests.builder.runtime.desk import ANSWERS, APP, ROLES, Desk, node, open_desk, process
from tests.builder.runtime.items import BOX, ITEM, create
from tests.builder.runtime.test_embedded import QUICK, until
from tests.builder.runtime.test_faults import WORKER

QUARTER = 'duration("PT15M")'
ESCALATE = {"name": "late", "do": "escalate", "to": {"role": "editor"}}
HELP = process(
    "help",
    [
        node("start", "startEvent"),
        node(
            "answer",
            "userTask",
            label={"en": "Answer", "zh": "答复"},
            form="item",
            assignment={"role": "reviewer"},
            outcomes=ANSWERS,
            sla=[
                {
                    "name": "claim",
                    "label": {"en": "Taken", "zh": "认领"},
                    "target": QUARTER,
                    "until": "claimed",
                    "actions": [ESCALATE],
                },
                {
                    "name": "solve",
                    "target": 'duration("PT8H")',
                    "calendar": "office",
                    "pause_when": 'subject.note = "waits"',
                    "pause_roles": ["editor"],
                    "actions": [
                        {"name": "soon", "do": "warn", "before": 'duration("PT1H")'},
                        {"name": "over", "do": "complete", "after": 'duration("PT8H")', "outcome": "reject"},
                    ],
                },
            ],
        ),
        node("end", "endEvent"),
    ],
    ["start > answer > end"],
    subject="item",
)
HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
OFFICE = (
    "office.calendar.json",
    {
        "name": "office",
        "zone": "UTC",
        "hours": [HOURS],
        "departments": [{"department": "night", "hours": [{**HOURS, "from": "00:00", "to": "24:00"}]}],
    },
)


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return open_desk(workspace, (APP, ROLES, ITEM, BOX, OFFICE, HELP))


def asked(desk: Desk, login: str | None = None) -> UUID:
    """The task of a new request about an item."""
    item = create(desk, name="It")
    with desk.work(login or "root") as work:
        instance = work.service("processes").start("desk.help", subject=("desk.item", item))
    with desk.work() as work:
        return work.connection.execute(sa.select(task.c.id).where(task.c.instance_id == instance)).scalar_one()


def advance(desk: Desk, **by: float) -> None:
    """Moves the clock to each due row in turn, and does it as the runner would."""
    target = desk.workspace.clock.now() + timedelta(**by)
    host = install.host(desk.workspace)
    while True:
        with host.read() as connection:
            due = queue.next_due(connection)
        now = desk.workspace.clock.now()
        if due is None or due > target:
            desk.advance(seconds=(target - now).total_seconds())
            return
        desk.advance(seconds=max((due - now).total_seconds(), 0))
        with host.begin() as connection:
            jobs = queue.claim(connection, now=desk.workspace.clock.now(), holder="test", patience=QUICK, limit=1)
        for found in jobs:
            host.perform(found)


def clocks(desk: Desk) -> dict[str, Any]:
    """The rows of clocks by name."""
    with desk.work() as work:
        return {row.name: row for row in work.connection.execute(sa.select(process_clock))}


def told(desk: Desk, login: str) -> list[str]:
    """Titles of the notices of a person, oldest first."""
    with desk.read(login) as work:
        return [notice.title["en"] for notice in reversed(work.service("notifications").page())]


def item(desk: Desk, login: str, box: str = "todo") -> Any:
    """The only line of an inbox."""
    with desk.read(login) as work:
        (found,) = work.service("inbox").page(box).items
        return found


def test_who_takes_it_at_14_59_stops_the_clock_and_at_15_00_it_is_escalated_once(desk: Desk) -> None:
    first, second = asked(desk), asked(desk)
    advance(desk, minutes=14, seconds=59)
    with desk.work("ann") as work:
        work.service("processes").claim(first)
    assert told(desk, "bob") == []
    advance(desk, seconds=1)
    assert told(desk, "bob") == ["Overdue: Answer"]
    advance(desk, hours=2)
    assert told(desk, "bob") == ["Overdue: Answer"]
    with desk.work("ann") as work:
        work.service("processes").claim(second)
    with desk.work() as work:
        rows = sa.select(process_clock).where(process_clock.c.name == "claim").order_by(process_clock.c.started_at)
        met, late = sorted(work.connection.execute(rows), key=lambda row: row.status, reverse=True)
    assert (met.status, late.status) == ("met", "breached")
    assert (met.used_s, late.target_s, met.person) == (899, 900, desk.people["ann"])
    assert met.decided_at == late.breached_at - timedelta(seconds=1)


def test_who_is_told_of_it_may_see_it(desk: Desk) -> None:
    found = asked(desk)
    advance(desk, minutes=15)
    assert item(desk, "bob", "copied").id == found


def test_the_inbox_is_sorted_and_coloured_by_the_limit(desk: Desk) -> None:
    asked(desk)
    line = item(desk, "ann")
    assert (line.sla, line.due_at) == ("running", desk.workspace.clock.now() + timedelta(minutes=15))
    advance(desk, minutes=15)
    line = item(desk, "ann")
    assert (line.sla, line.due) == ("breached", "late")
    with desk.work("ann") as work:
        work.service("processes").claim(line.id)
    line = item(desk, "ann")
    assert (line.sla, line.due) == ("running", "soon")
    with desk.read("ann") as work:
        assert work.service("inbox").counts()["late"] == 0


def test_the_clock_stands_while_the_record_says_so_and_over_a_weekend(desk: Desk) -> None:
    found = asked(desk)
    with desk.work("ann") as work:
        work.service("processes").claim(found)
    begun = item(desk, "ann").due_at
    with desk.work() as work:
        subject = work.connection.execute(sa.select(task.c.subject_id).where(task.c.id == found)).scalar_one()
        work.records.update("desk.item", subject, {"note": "waits"})
    line = item(desk, "ann")
    assert (line.sla, line.due_at, line.due) == ("paused", None, "")
    assert clocks(desk)["solve"].status == "paused"
    advance(desk, days=7)
    with desk.work() as work:
        work.records.update("desk.item", subject, {"note": ""})
    line = item(desk, "ann")
    assert (line.sla, line.due_at) == ("running", begun + timedelta(days=7))
    assert clocks(desk)["solve"].paused_s == 7 * 86400


def test_a_limit_decides_by_itself_after_twice_the_time(desk: Desk) -> None:
    found = asked(desk)
    advance(desk, days=20)
    with desk.work() as work:
        row = work.connection.execute(sa.select(task).where(task.c.id == found)).one()
        assert work.connection.execute(sa.select(sa.func.count()).select_from(job)).scalar_one() == 0
    assert row.status != "open"
    assert clocks(desk)["solve"].status == "breached"
    assert told(desk, "ann") == ["Answer", "Time runs out: Answer", "Overdue, decided by itself: Answer"]


def test_who_may_not_stop_a_clock(desk: Desk) -> None:
    found = asked(desk)
    with desk.work("ann") as work:
        work.service("processes").claim(found)
    for login in ("ann", "dan"):
        with pytest.raises(AccessDenied), desk.work(login) as work:
            work.service("processes").pause_clock(found, "lunch")
    with pytest.raises(InputError), desk.work("bob") as work:
        work.service("processes").pause_clock(found, "")
    with desk.work("bob") as work:
        work.service("processes").pause_clock(found, "waits for the customer")
    assert item(desk, "ann").sla == "paused"
    with pytest.raises(AccessDenied), desk.work("ann") as work:
        work.service("processes").resume_clock(found)
    with desk.work("root") as work:
        work.service("processes").resume_clock(found)
    assert item(desk, "ann").sla == "running"


def test_a_suspended_instance_keeps_its_time_and_its_timers(desk: Desk) -> None:
    asked(desk)
    with desk.work("root") as work:
        instance = work.connection.execute(sa.select(task.c.instance_id)).scalar_one()
        work.service("processes").suspend(instance)
    advance(desk, days=3)
    assert told(desk, "bob") == []
    with desk.work("root") as work:
        work.service("processes").resume(instance)
    advance(desk, minutes=14, seconds=59)
    assert told(desk, "bob") == []
    advance(desk, seconds=1)
    assert told(desk, "bob") == ["Overdue: Answer"]


def test_a_department_that_works_at_night_has_less_time_left_in_the_morning(desk: Desk) -> None:
    with desk.work() as work:
        above = create_department(work, code="all", name={"en": "All"})
        night = create_department(work, code="night", name={"en": "Night"}, parent=above)
        team = create_department(work, code="team", name={"en": "Team"}, parent=night)
        set_departments(work, desk.people["root"], [team])
        set_departments(work, desk.people["dan"], [above])
    advance(desk, hours=10)
    asked(desk)
    at_night = clocks(desk)["solve"]
    assert at_night.due_at == at_night.started_at + timedelta(hours=8)
    assert at_night.department == team


def test_kill_9_of_the_runner_fires_each_limit_once(desk: Desk) -> None:
    total = 8
    for _ in range(total):
        asked(desk)
    desk.advance(minutes=15)
    arguments = [
        sys.executable,
        "-c",
        WORKER,
        desk.workspace.settings.database,
        desk.workspace.clock.now().isoformat(),
        str(desk.workspace.settings.files),
    ]
    for goal in (2, total):
        worker = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        try:
            until(lambda goal=goal: len(told(desk, "bob")) >= goal, 90)  # type: ignore[misc]
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker.stdout.close()  # type: ignore[union-attr]
    assert len(told(desk, "bob")) == total
    with desk.work() as work:
        breaches = sa.select(sa.func.count()).where(process_history.c.kind == "sla.breached")
        assert work.connection.execute(breaches).scalar_one() == total


def test_attainment_is_told_by_step_person_department_and_month(desk: Desk) -> None:
    first, second, _nobody_takes_it = asked(desk), asked(desk), asked(desk)
    with desk.work() as work:
        team = create_department(work, code="team", name={"en": "Team"})
        set_departments(work, desk.people["ann"], [team])
    for found in (first, second):
        with desk.work("ann") as work:
            work.service("processes").claim(found)
    advance(desk, minutes=15)
    desk.complete("ann", first, "approve")
    with desk.work("root") as work:
        work.service("processes").pause_clock(second, "waits")
    advance(desk, days=40)
    with desk.work("root") as work:
        work.service("processes").resume_clock(second)
    desk.complete("ann", second, "approve")
    cases = Cases(app="desk", process="help")
    with desk.read("root") as work:
        insight = ProcessInsight(work, cases)
        kept, lines = insight.attainment(), list(insight.attainment_lines())
    assert {key: (found.met, found.breached) for key, found in kept.nodes.items()} == {
        ("answer", "claim"): (2, 1),
        ("answer", "solve"): (2, 1),
    }
    assert (kept.whole.met, kept.whole.breached, kept.whole.share) == (4, 2, pytest.approx(4 / 6))
    ann = kept.people[desk.people["ann"]]
    assert (ann.met, ann.breached, ann.paused_s) == (4, 0, 40 * 86400)
    assert kept.people[None].breached == 2, "nobody had it when it was late"
    assert (kept.departments[team].met, kept.departments[None].breached) == (4, 2)
    begun = desk.workspace.clock.now() - timedelta(days=40)
    assert list(kept.months) == list(dict.fromkeys(f"{begun + timedelta(days=day):%Y-%m}" for day in (0, 40)))
    assert sum(line.kept.met + line.kept.breached for line in lines) == 6
    assert {line.month for line in lines} == set(kept.months)
    assert (kept.open, kept.late) == (0, 0)


@pytest.mark.parametrize("login", ["ann", "dan"])
def test_nobody_else_reads_the_attainment(desk: Desk, login: str) -> None:
    with desk.read(login) as work, pytest.raises(AccessDenied):
        ProcessInsight(work, Cases(app="desk", process="help"))

"""Services that ask for records and put entries into calendars; the feed that calendar programs read."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from builder.identity import set_active
from builder.runtime.calendar_entries import calendar_text, feed_person, new_feed, revoke_feed
from builder.storage.runtime_tables import process_instance, process_live
from builder.workspace import Workspace
from tests.builder.runtime.desk import FILES, Desk, node, open_desk, process
from tests.builder.runtime.items import BOX, ITEM, create


def one_service(name: str, service: str, **given: Any) -> Any:
    step = node("call", "serviceTask", service=service, input=given, result="found")
    wait = node("wait", "intermediateCatchEvent", event={"message": "go"})
    return process(
        name,
        [node("start", "startEvent"), step, wait, node("end", "endEvent")],
        ["start > call > wait > end"],
        variables=[{"name": "who", "type": "any"}, {"name": "found", "type": "any"}, {"name": "day", "type": "any"}],
    )


ENTRY = {"to": "who", "title": '"Visit; the, client"', "key": '"visit"', "text": '"line 1\\nline 2"'}
PROCESSES = (
    one_service("ask", "record.query", form='"item"', filter='"size > 1"', sort='"-size"', limit="2"),
    one_service("equal", "record.query", form='"item"', where={"name": '"b"'}, filter='"size > 1"'),
    one_service("foreign", "record.query", form='"item"', filter='"nothing > 1"'),
    one_service("visit", "calendar.entry", start='date and time("2026-03-04T06:00:00Z")', **ENTRY),
    one_service("whole_day", "calendar.entry", start='date("2026-03-05")', end='date("2026-03-06")', **ENTRY),
    one_service("cancelled", "calendar.entry", start='date("2026-03-05")', cancelled="true", **ENTRY),
    one_service("backwards", "calendar.entry", start='date("2026-03-05")', end='date("2026-03-01")', **ENTRY),
)


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return open_desk(workspace, (*FILES, ITEM, BOX, *PROCESSES))


def found(desk: Desk) -> Any:
    with desk.read("root") as work:
        query = sa.select(process_live.c.data).where(process_live.c.key == "1:found")
        return work.connection.execute(query).scalar_one()["value"]


def incidents(desk: Desk) -> int:
    with desk.read("root") as work:
        return int(work.connection.execute(sa.select(process_instance.c.incidents)).scalar_one())


def feed(desk: Desk, login: str = "ann") -> str:
    with desk.read(login) as work:
        return calendar_text(work, desk.people[login], "en")


def test_records_are_asked_for_by_text_and_by_values(desk: Desk) -> None:
    for name, size in (("a", 1), ("b", 2), ("b", 1), ("c", 3), ("d", 4)):
        create(desk, name=name, size=Decimal(size))
    desk.start("ask")
    assert [record["name"] for record in found(desk)] == ["d", "c"]


def test_values_and_text_hold_together(desk: Desk) -> None:
    for name, size in (("a", 3), ("b", 2), ("b", 1)):
        create(desk, name=name, size=Decimal(size))
    desk.start("equal")
    assert [record["name"] for record in found(desk)] == ["b"]


def test_a_filter_that_names_nothing_known_is_an_incident(desk: Desk) -> None:
    desk.start("foreign")
    assert incidents(desk) == 1


def test_an_entry_is_put_changed_and_cancelled_by_its_key(desk: Desk) -> None:
    ann = desk.people["ann"]
    desk.start("visit", who=ann)
    text = feed(desk)
    assert "DTSTART:20260304T060000Z\r\nDTEND:20260304T070000Z\r\n" in text
    assert "SUMMARY:Visit\\; the\\, client\r\nDESCRIPTION:line 1\\nline 2\r\n" in text
    assert "SEQUENCE:0\r\n" in text
    assert "VEVENT" not in feed(desk, "bob")
    desk.start("whole_day", who=ann)
    text = feed(desk)
    assert "DTSTART;VALUE=DATE:20260305\r\nDTEND;VALUE=DATE:20260307\r\n" in text
    assert (text.count("BEGIN:VEVENT"), "SEQUENCE:1\r\n" in text) == (1, True)
    desk.start("cancelled", who=ann)
    assert "STATUS:CANCELLED\r\n" in feed(desk)


def test_an_entry_that_ends_before_it_begins_is_an_incident(desk: Desk) -> None:
    desk.start("backwards", who=desk.people["ann"])
    assert incidents(desk) == 1


def test_tasks_with_a_due_time_stand_in_the_feed_of_who_has_them(desk: Desk) -> None:
    desk.start("escalation")
    ((_, id),) = desk.todo("ann")
    assert "VEVENT" not in feed(desk)
    with desk.work("ann") as work:
        work.processes.claim(id)
    text = feed(desk)
    assert "SUMMARY:Answer\r\n" in text
    assert f"/inbox/{id}" in text.replace("\r\n ", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    desk.complete("ann", id)
    assert "VEVENT" not in feed(desk)


def test_a_feed_is_secret_replaced_and_revoked(desk: Desk) -> None:
    def opens(token: str) -> bool:
        with desk.read("root") as work:
            return feed_person(work.connection, token) is not None

    with desk.work("ann") as work:
        first = new_feed(work)
    assert (opens(first), opens("other")) == (True, False)
    with desk.work("ann") as work:
        second = new_feed(work)
    assert (opens(first), opens(second)) == (False, True)
    with desk.work("bob") as work:
        revoke_feed(work)
    assert opens(second)
    with desk.work("root") as work:
        set_active(work, desk.people["ann"], False)
    assert not opens(second)
    with desk.work("root") as work:
        set_active(work, desk.people["ann"], True)
    with desk.work("ann") as work:
        revoke_feed(work)
    assert not opens(second)

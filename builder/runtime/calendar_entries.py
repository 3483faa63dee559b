"""Entries that processes put into people's calendars, and the feed in which a person's calendar program reads them.

RFC 5545. A feed holds the entries and the open tasks that have a due time; its address holds a secret, which the person
may replace or revoke at any time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.runtime.recipients import identity
from builder.storage.identity_tables import person as person_table
from builder.storage.people_tables import calendar_entry as table
from builder.storage.people_tables import feed as feed_table
from builder.storage.runtime_tables import task
from builder.storage.upsert import upsert
from builder.workspace.work import Work
from engines.core import AccessDenied, InputError, InputProblem, LocalizedText, new_id
from engines.core.source import pointer_of

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from builder.runtime.process.services import ServiceCall

# How long an entry that is over stays in the feed, and how many events it holds.
PAST = timedelta(days=90)
MOST = 1_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_LINE = 74


def put_entry(around: Around, given: ServiceCall) -> Any:
    """Puts an entry into the calendars of people, changes or cancels it. The ids of the people.

    Input: ``to``, ``title``, ``start`` (an instant, or a day for a whole day), ``end`` or ``duration``, ``text``,
    ``place``, ``key`` (the step's own unless given: the same key changes the same entry), ``cancelled``.
    """
    people = [found for item in _list(given.need("to")) if (found := identity(item))]
    if not people:
        raise InputError([InputProblem(pointer="/input/to", code="process.no_receiver")])
    start, end, all_day = _times(around, given)
    values = {
        "title": dict(LocalizedText.of(given.need("title")).texts),
        "text": dict(LocalizedText.of(given.input.get("text")).texts) or None,
        "place": str(given.input["place"]) if given.input.get("place") else None,
        "start_at": start,
        "end_at": end,
        "all_day": all_day,
        "cancelled": given.input.get("cancelled") is True,
        "updated_at": around.work.instant,
        "subject_form": given.subject[0] if given.subject else None,
        "subject_id": given.subject[1] if given.subject else None,
    }
    key = str(given.input.get("key") or f"{given.instance_id}:{given.node}")
    for one in dict.fromkeys(people):
        _write(around.work.connection, one, given.app, key, values)
    return people


def _write(connection: Connection, person: UUID, app: str, key: str, values: Mapping[str, Any]) -> None:
    mine = sa.and_(table.c.person == person, table.c.app == app, table.c.key == key)
    known = connection.execute(table.update().where(mine).values(**values, sequence=table.c.sequence + 1)).rowcount
    if not known:
        row = {"id": new_id(), "person": person, "app": app, "key": key, "sequence": 0}
        connection.execute(table.insert(), {**row, **values})


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _times(around: Around, given: ServiceCall) -> tuple[datetime, datetime, bool]:
    start, all_day = _instant(around, given.need("start"), "start")
    length = given.input.get("duration")
    if given.input.get("end") is not None:
        end, _day = _instant(around, given.input["end"], "end")
        # The last day is meant, and lasts until the next midnight.
        end = end + DAY if all_day else end
    elif isinstance(length, timedelta):
        end = start + length
    else:
        end = start + (DAY if all_day else HOUR)
    if end <= start:
        raise InputError([InputProblem(pointer="/input/end", code="calendar.ends_before")])
    return start, end, all_day


def _instant(around: Around, value: Any, name: str) -> tuple[datetime, bool]:
    """The instant, and whether a whole day was given."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC), False
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), around.work.zone).astimezone(UTC), True
    raise InputError([InputProblem(pointer=pointer_of("input", name), code="calendar.no_time")])


# -- the feed


def new_feed(work: Work) -> str:
    """The token of the acting person's feed, shown once; the one before stops working."""
    if work.principal.id is None:
        raise AccessDenied("feed.make")
    token = secrets.token_urlsafe(32)
    row = {"person": work.principal.id, "token_hash": _hash(token), "created_at": work.instant}
    upsert(work.connection, feed_table, [row])
    return token


def revoke_feed(work: Work) -> None:
    """Ends the acting person's feed."""
    work.connection.execute(feed_table.delete().where(feed_table.c.person == work.principal.id))


def feed_since(connection: Connection, person: UUID | None) -> datetime | None:
    """When a person's feed was made; None where they have none."""
    query = sa.select(feed_table.c.created_at).where(feed_table.c.person == person)
    return connection.execute(query).scalar_one_or_none()


def feed_person(connection: Connection, token: str) -> tuple[UUID, str] | None:
    """Whose feed a token opens, and their language; None for an unknown one, and for who was shut out."""
    query = (
        sa.select(person_table.c.id, person_table.c.locale)
        .join(feed_table, feed_table.c.person == person_table.c.id)
        .where(feed_table.c.token_hash == _hash(token), person_table.c.active)
    )
    row = connection.execute(query).one_or_none()
    return (row.id, row.locale) if row else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One event of the feed."""

    uid: str
    stamp: datetime
    start: datetime
    end: datetime
    all_day: bool
    title: str
    text: str = ""
    place: str = ""
    sequence: int = 0
    cancelled: bool = False
    href: str = ""


def calendar_text(work: Work, person: UUID, locale: str) -> str:
    """The feed as text: lines folded at 75 octets, ended by CRLF."""
    address = work.workspace.settings.address
    events = [*_entries(work, person, locale), *_tasks(work, person, locale, address)]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Dougong//Calendar//EN", "CALSCALE:GREGORIAN"]
    for event in events:
        lines += _lines(event, work)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _entries(work: Work, person: UUID, locale: str) -> Iterator[_Event]:
    mine = (table.c.person == person, table.c.end_at > work.instant - PAST)
    for row in work.connection.execute(sa.select(table).where(*mine).order_by(table.c.start_at).limit(MOST)):
        yield _Event(
            uid=f"{row.id}@dougong",
            stamp=row.updated_at,
            start=row.start_at,
            end=row.end_at,
            all_day=row.all_day,
            title=LocalizedText(row.title).get(locale),
            text=LocalizedText(row.text).get(locale) if row.text else "",
            place=row.place or "",
            sequence=row.sequence,
            cancelled=row.cancelled,
        )


def _tasks(work: Work, person: UUID, locale: str, address: str) -> Iterator[_Event]:
    """Open tasks of the person with a due time: a quarter of an hour that ends then."""
    mine = (task.c.assignee == person, task.c.status == "open", task.c.due_at.is_not(None))
    for row in work.connection.execute(sa.select(task).where(*mine).order_by(task.c.sort_at).limit(MOST)):
        title = LocalizedText(row.title).get(locale) or row.node
        yield _Event(
            uid=f"{row.id}@dougong",
            stamp=row.created_at,
            start=row.due_at - timedelta(minutes=15),
            end=row.due_at,
            all_day=False,
            title=f"{title}: {row.subject_title}" if row.subject_title else title,
            sequence=row.version,
            href=f"{address}/inbox/{row.id}",
        )


def _lines(event: _Event, work: Work) -> list[str]:
    found = ["BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{_utc(event.stamp)}", f"SEQUENCE:{event.sequence}"]
    if event.all_day:
        days = [at.astimezone(work.zone).strftime("%Y%m%d") for at in (event.start, event.end)]
        found += [f"DTSTART;VALUE=DATE:{days[0]}", f"DTEND;VALUE=DATE:{days[1]}"]
    else:
        found += [f"DTSTART:{_utc(event.start)}", f"DTEND:{_utc(event.end)}"]
    found.append(f"SUMMARY:{_escaped(event.title)}")
    optional = {"DESCRIPTION": _escaped(event.text), "LOCATION": _escaped(event.place), "URL": event.href}
    found += [f"{name}:{text}" for name, text in optional.items() if text]
    if event.cancelled:
        found.append("STATUS:CANCELLED")
    return [*found, "END:VEVENT"]


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """RFC 5545 §3.3.11."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> Iterator[str]:
    """The line in parts of at most 75 octets, each further one begun by a space (§3.1)."""
    part, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > _LINE:
            yield part
            part, size = " ", 1
        part += letter
        size += width
    yield part

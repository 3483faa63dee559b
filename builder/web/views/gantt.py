"""Gantt charts: records as bars over days, with what each waits for, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from babel import dates

from builder.web.context import _, site
from builder.web.views.calendar import _babel, _today, local
from builder.web.views.sheet import Card, Sheet
from engines.form import Record, SortDefinition

ROWS = 60
# Pixels of a day in each scale.
ZOOMS: Mapping[str, int] = {"day": 32, "week": 14, "month": 5, "quarter": 2}
ROW, HEAD, BAR = 38, 46, 20
# Days drawn at most: about eleven years.
MOST_DAYS = 4_000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A record as a bar."""

    card: Card
    # What a screen reader says: name, days, and whether it is overdue.
    label: str
    # First and last day, ISO; empty where there is none.
    start: str
    end: str
    # The days in words.
    days: str
    overdue: bool
    done: bool
    # Place in the drawing; no width where nothing is drawn.
    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line with a word at the head of the drawing."""

    x: int
    text: str
    # Month or year above, day or week below.
    upper: bool


def gantt(sheet: Sheet) -> dict[str, Any]:
    """What the chart's template shows."""
    zoom = dict(sheet.state.stands).get("zoom", "")
    zoom = zoom if zoom in ZOOMS else "week"
    start, end, after = (sheet.key(key) for key in ("start", "end", "after"))
    query = sheet.query(columns=[start, end, after], after=sheet.state.after, limit=ROWS, count=True)
    page = sheet.page(query if sheet.view.sort or sheet.state.sort else replace(query, sort=(_by(start),)))
    spans = [(record, *_span(record, start, end)) for record in page.records]
    first, last = _range([(a, b) for _r, a, b in spans])
    done = _done(sheet, page.records)
    bars = [_bar(sheet, n, record, a, b, first, ZOOMS[zoom], done) for n, (record, a, b) in enumerate(spans)]
    width = ((last - first).days + 1) * ZOOMS[zoom]
    return {
        "bars": bars,
        "arrows": list(_arrows(bars, page.records, after)),
        "marks": list(_marks(first, last, zoom)),
        "weekends": [m for m in _weekends(first, last, ZOOMS[zoom])] if zoom == "day" else [],
        "today_x": (_today() - first).days * ZOOMS[zoom] if first <= _today() <= last else -1,
        "day": ZOOMS[zoom],
        "width": width,
        "height": HEAD + ROW * len(bars),
        "row": ROW,
        "head": HEAD,
        "bar": BAR,
        "zooms": [(z, text, sheet.state.href(zoom=z), z == zoom) for z, text in _zoom_labels()],
        "movable": sheet.movable(start, end),
        "page": page,
    }


def _zoom_labels() -> list[tuple[str, str]]:
    return [("day", _("Days")), ("week", _("Weeks")), ("month", _("Months")), ("quarter", _("Quarters"))]


def _by(start: str) -> SortDefinition:
    return SortDefinition(field=start)


def _span(record: Record, start: str, end: str) -> tuple[date | None, date | None]:
    begins, ends = local(record.get(start)), local(record.get(end))
    begins, ends = begins or ends, ends or begins
    return begins, max(begins, ends) if begins and ends else None


def _range(spans: Sequence[tuple[date | None, date | None]]) -> tuple[date, date]:
    """First and last day of the drawing: all that is on the page, whole weeks, with room at both ends."""
    known = [day for span in spans for day in span if day is not None] or [_today()]
    first = min(min(known), _today() if min(known) - _today() < 60 * _DAY else min(known))
    last = max(*known, first + 28 * _DAY) + 14 * _DAY
    first = max(first, last - (MOST_DAYS - 30) * _DAY) - 7 * _DAY
    return first - timedelta(days=first.weekday()), last


def _done(sheet: Sheet, records: Sequence[Record]) -> frozenset[UUID]:
    condition = str(sheet.view.config.get("done", ""))
    if not condition or not records:
        return frozenset()
    found: frozenset[UUID] = sheet.work.records.which(sheet.place.name, [r.id for r in records], condition)
    return found


def _bar(
    sheet: Sheet,
    number: int,
    record: Record,
    begins: date | None,
    ends: date | None,
    first: date,
    day: int,
    done: frozenset[UUID],
) -> Bar:
    card = sheet.card(record)
    finished = record.id in done
    overdue = bool(ends and ends < _today() and sheet.view.config.get("done") and not finished)
    if begins is None or ends is None:
        days, x, width = _("No dates yet"), 0, 0
    else:
        days = " – ".join(dict.fromkeys(site().formats.date(item) for item in (begins, ends)))
        x = max(0, (begins - first).days * day)
        width = max(day, ((ends - first).days + 1) * day - x, 6)
    words = [card.title, days, *([_("overdue")] if overdue else []), *([_("finished")] if finished else [])]
    return Bar(
        card=card,
        label=", ".join(words),
        start=begins.isoformat() if begins else "",
        end=ends.isoformat() if ends else "",
        days=days,
        overdue=overdue,
        done=finished,
        x=x,
        y=HEAD + ROW * number + (ROW - BAR) // 2,
        width=width,
    )


def _arrows(bars: Sequence[Bar], records: Sequence[Record], after: str) -> Iterable[str]:
    """Paths from the end of what is waited for to the beginning of what waits, where both are drawn."""
    at = {bar.card.id: bar for bar in bars if bar.width}
    for record in records if after else ():
        to, given = at.get(record.id), record.get(after)
        waits = given if isinstance(given, list) else [given]
        for item in waits:
            source = at.get(UUID(str(item))) if item else None
            if source and to and source is not to:
                yield _arrow(source, to)


def _arrow(source: Bar, to: Bar) -> str:
    x1, y1 = source.x + source.width, source.y + BAR // 2
    x2, y2 = to.x, to.y + BAR // 2
    if x2 - x1 >= 16:
        middle = x1 + 8
        return f"M{x1} {y1}H{middle}V{y2}H{x2 - 2}"
    lane = y1 + (ROW // 2 if y2 > y1 else -(ROW // 2))
    return f"M{x1} {y1}h8V{lane}H{x2 - 10}V{y2}H{x2 - 2}"


def _marks(first: date, last: date, zoom: str) -> Iterable[Mark]:
    day = first
    while day <= last:
        x = (day - first).days * ZOOMS[zoom]
        if zoom in {"day", "week"}:
            if day.day == 1 or day == first:
                yield Mark(x=x, text=dates.format_skeleton("yMMM", day, locale=_babel()), upper=True)
            if zoom == "day" or day.weekday() == 0:
                yield Mark(x=x, text=str(day.day), upper=False)
        elif day.day == 1 or day == first:
            if day.month == 1 or day == first:
                yield Mark(x=x, text=str(day.year), upper=True)
            if zoom == "month":
                yield Mark(x=x, text=dates.format_skeleton("MMM", day, locale=_babel()), upper=False)
            elif day.month % 3 == 1:
                yield Mark(x=x, text=f"Q{day.month // 3 + 1}", upper=False)
        day += _DAY


def _weekends(first: date, last: date, day: int) -> Iterable[int]:
    at = first
    while at <= last:
        if at.weekday() == 5:
            yield (at - first).days * day
        at += _DAY


def shifted(value: Any, days: int) -> Any:
    """A day or an instant moved by days; the time of day stays, in the workspace's zone."""
    if isinstance(value, datetime):
        zone = site().formats.zone
        there = value.astimezone(zone)
        return datetime.combine(there.date() + timedelta(days=days), there.time(), zone)
    return value + timedelta(days=days) if isinstance(value, date) else None

"""Where a person stands: the main and further departments with their posts, the manager, who stands in and when."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from builder.identity import Person, all_departments, get_person, set_departments, update_person
from builder.web.context import _, reading, site
from builder.web.forms import Cell
from builder.web.names import WorkNames
from builder.web.people_picker import people_cell, people_named
from builder.workspace import Work
from engines.core import InputError, InputProblem

# Empty rows beside the departments that somebody is in already.
SPARE = 1


def position(person: Person) -> dict[str, Any]:
    """What the form of a person's position shows."""
    with reading() as work:
        names = WorkNames(work)
        units = [(str(unit.id), site().text(unit.name)) for unit in all_departments(work.connection)]
        manager = [(person.manager, names.person(person.manager) or _("unknown"))] if person.manager else []
    rows = [{"department": str(unit), "post": person.posts.get(unit, "")} for unit in person.departments]
    rows += [{"department": "", "post": ""} for _spare in range(SPARE if units else 0)]
    return {
        "units": units,
        "rows": rows,
        "manager": people_cell("manager", _("Reports to"), chosen=manager, required=False),
    }


def save_position(work: Work, id: UUID, form: Any) -> None:
    """Saves departments, posts and manager, where the form shows them; what has not changed is left alone."""
    if not form.get("_position"):
        return
    before = get_person(work.connection, id)
    listed = list(zip(form.getlist("department"), form.getlist("post"), strict=False))
    posts = {unit: post.strip()[:100] for text, post in listed for unit in people_named([text])}
    if (before.departments, dict(before.posts)) != (tuple(posts), {u: p for u, p in posts.items() if p}):
        set_departments(work, id, posts, posts)
    manager = next(iter(people_named(form.getlist("manager"))), None)
    if manager == id:
        raise InputError([InputProblem(pointer="/manager", code="identity.own_manager")])
    if manager != before.manager:
        update_person(work, id, manager=manager)


def absence(person: Person) -> dict[str, Any]:
    """What the form of a person's absence shows."""
    with reading() as work:
        names = WorkNames(work)
        chosen = [(person.substitute, names.person(person.substitute) or _("unknown"))] if person.substitute else []
        zone = work.zone
    cell: Cell = people_cell("substitute", _("Who stands in"), chosen=chosen, required=False)
    days = {
        "from": person.absent_from.astimezone(zone).date().isoformat() if person.absent_from else "",
        # People say the last day; kept is the midnight after it.
        "until": (person.absent_until - timedelta(seconds=1)).astimezone(zone).date().isoformat()
        if person.absent_until
        else "",
    }
    return {"cell": cell, **days}


def save_absence(work: Work, id: UUID, form: Any) -> None:
    """Saves when a person is away, from the first to the last day, and who stands in; empty days: not away."""
    begin, last = _day(form.get("from", ""), "/from"), _day(form.get("until", ""), "/until")
    substitute = next(iter(people_named(form.getlist("substitute"))), None)
    if substitute == id:
        raise InputError([InputProblem(pointer="/substitute", code="identity.own_substitute")])
    if begin and last and last < begin:
        raise InputError([InputProblem(pointer="/until", code="identity.absence_ends_before")])
    update_person(
        work, id,
        substitute=substitute,
        absent_from=_midnight(work, begin) if begin else None,
        absent_until=_midnight(work, last + timedelta(days=1)) if begin and last else None,
    )  # fmt: skip


def _day(text: str, pointer: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError([InputProblem(pointer=pointer, code="identity.no_day")]) from error


def _midnight(work: Work, day: date) -> datetime:
    return datetime.combine(day, time(), work.zone)

"""The parts of what a person has, how much there is of each, and how a portion of one goes to somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.people import get_person, set_roles, update_person
from builder.identity.rights import require_admin
from builder.runtime.process import work_of
from builder.storage.identity_tables import department, person, role_grant
from builder.storage.runtime_tables import process_instance
from builder.workspace.work import Work
from engines.core import AccessDenied, BudgetExceeded, InputError, StateConflict
from engines.core.principal import SYSTEM

# Instances and records moved in one command: short enough that nobody waits for it.
INSTANCES, RECORDS = 20, 50
RECORD_PART = "records:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """One part of what a person has."""

    # A name of ``PARTS``, or "records:<app.form>".
    part: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one command has moved of a part."""

    count: int
    # What could not be moved: records under approval, or that a rule holds.
    left: int = 0
    # Where the next portion begins; None when this part is done.
    after: str | None = None


# (work, person, to, where to go on) -> what was moved
Mover = Callable[[Work, UUID, UUID, str], Moved]


def having(work: Work, person_id: UUID) -> Sequence[Having]:
    """What a person has, without the parts of which there is nothing; for admins."""
    require_admin(work.principal, "people.move_see")
    found = [Having(part=name, count=part.count(work, person_id)) for name, part in PARTS.items()]
    for app in work.apps.values():
        for form in app.forms:
            name = f"{app.name}.{form}"
            found.append(Having(part=f"{RECORD_PART}{name}", count=_count_records(work, name, person_id)))
    return [one for one in found if one.count]


def move_portion(work: Work, part: str, person_id: UUID, to: UUID, after: str) -> Moved:
    """Moves the next portion of a part."""
    if part.startswith(RECORD_PART):
        return _move_records(work, part.removeprefix(RECORD_PART), person_id, to, after)
    return PARTS[part].move(work, person_id, to, after)


# -- work in processes


def _count_work(work: Work, person_id: UUID) -> int:
    return sum(work_of.count(work.connection, person_id).values())


def _move_work(work: Work, person_id: UUID, to: UUID, after: str) -> Moved:
    portion = work_of.portion(work.connection, person_id, INSTANCES)
    work.processes.move_work(portion, person_id, to)
    size = len(portion.instances) + len(portion.tasks)
    return Moved(count=size, after="more" if portion else None)


def _started(person_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return process_instance.c.started_by == person_id, process_instance.c.status == "running"


def _count_instances(work: Work, person_id: UUID) -> int:
    count = sa.select(sa.func.count()).select_from(process_instance).where(*_started(person_id))
    return work.connection.execute(count).scalar_one()


def _move_instances(work: Work, person_id: UUID, to: UUID, after: str) -> Moved:
    query = sa.select(process_instance.c.id).where(*_started(person_id)).order_by(process_instance.c.id)
    ids = work.connection.execute(query.limit(INSTANCES)).scalars().all()
    for id in ids:
        work.processes.change_initiator(id, person_id, to)
    return Moved(count=len(ids), after="more" if len(ids) == INSTANCES else None)


# -- the organisation


def _people_with(column: sa.Column[Any], person_id: UUID) -> sa.Select[tuple[UUID]]:
    return sa.select(person.c.id).where(column == person_id).order_by(person.c.id)


def _counting(column: sa.Column[Any]) -> Callable[[Work, UUID], int]:
    def count(work: Work, person_id: UUID) -> int:
        return len(work.connection.execute(_people_with(column, person_id)).all())

    return count


def _replacing(column: sa.Column[Any]) -> Mover:
    """People who name the person in a column name the successor; who would name themselves names nobody."""

    def move(work: Work, person_id: UUID, to: UUID, after: str) -> Moved:
        ids = work.connection.execute(_people_with(column, person_id)).scalars().all()
        for id in ids:
            update_person(work, id, **{column.name: None if id == to else to})
        return Moved(count=len(ids))

    return move


def _count_heads(work: Work, person_id: UUID) -> int:
    count = sa.select(sa.func.count()).select_from(department).where(department.c.head == person_id)
    return work.connection.execute(count).scalar_one()


def _move_heads(work: Work, person_id: UUID, to: UUID, after: str) -> Moved:
    mine = department.c.head == person_id
    done = work.connection.execute(sa.update(department).where(mine).values(head=to)).rowcount
    work.audit("identity.departments_headed", str(to), {"instead_of": str(person_id), "count": done})
    return Moved(count=done)


def _count_roles(work: Work, person_id: UUID) -> int:
    count = sa.select(sa.func.count()).select_from(role_grant).where(role_grant.c.person == person_id)
    return work.connection.execute(count).scalar_one()


def _move_roles(work: Work, person_id: UUID, to: UUID, after: str) -> Moved:
    """The successor has them besides their own; the person has none any more."""
    roles = get_person(work.connection, person_id).roles
    set_roles(work, to, get_person(work.connection, to).roles | roles)
    set_roles(work, person_id, ())
    return Moved(count=len(roles))


# -- records


def _count_records(work: Work, form: str, person_id: UUID) -> int:
    owned, _id = _owned(work, form, person_id)
    return work.connection.execute(sa.select(sa.func.count()).select_from(owned.subquery())).scalar_one()


def _owned(work: Work, form: str, person_id: UUID) -> tuple[sa.Select[tuple[UUID]], sa.ColumnElement[UUID]]:
    """The query of ids, and the id's column in it."""
    # What an admin may move they may not all see: numbers and ids leave here, nothing else.
    source = work.records_as(SYSTEM, form.partition(".")[0]).source(form)
    rows = source.selectable
    mine = (rows.c.owner == person_id, source.visible_rows())
    return sa.select(rows.c.id).select_from(rows).where(*mine), rows.c.id


def _move_records(work: Work, form: str, person_id: UUID, to: UUID, after: str) -> Moved:
    query, own = _owned(work, form, person_id)
    if after:
        query = query.where(own > UUID(after))
    ids = work.connection.execute(query.order_by(own).limit(RECORDS)).scalars().all()
    left = sum(not _give(work, form, id, to) for id in ids)
    return Moved(count=len(ids) - left, left=left, after=str(ids[-1]) if len(ids) == RECORDS else None)


def _give(work: Work, form: str, id: UUID, to: UUID) -> bool:
    """Whether a record could be given; what is under approval or held by a rule stays, and is counted."""
    try:
        with work.service("around").savepoint():
            work.records.update(form, id, {"owner": to})
    except (StateConflict, InputError, AccessDenied, BudgetExceeded):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """How much there is of it, and how it is moved."""

    count: Callable[[Work, UUID], int]
    move: Mover


PARTS: Mapping[str, Part] = {
    "work": Part(_count_work, _move_work),
    "instances": Part(_count_instances, _move_instances),
    "substitutions": Part(_counting(person.c.substitute), _replacing(person.c.substitute)),
    "reports": Part(_counting(person.c.manager), _replacing(person.c.manager)),
    "heads": Part(_count_heads, _move_heads),
    "roles": Part(_count_roles, _move_roles),
}

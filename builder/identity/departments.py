"""Departments: a tree, with every pair of ancestor and descendant kept, so that "and below" is one join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.identity.rights import require_admin
from builder.storage.identity_tables import department, department_closure, membership, person
from builder.workspace import Work
from engines.core import InputError, InputProblem, LocalizedText, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """One department."""

    id: UUID
    # Stable key for imports.
    code: str
    # Language to text.
    name: Mapping[str, str]
    parent: UUID | None
    # Who leads it.
    head: UUID | None
    position: int


def create_department(
    work: Work,
    *,
    code: str,
    name: Mapping[str, str],
    parent: UUID | None = None,
    head: UUID | None = None,
    position: int = 0,
) -> UUID:
    """The id of a new department below ``parent``."""
    require_admin(work.principal, "identity.department_create")
    if work.connection.execute(sa.select(department.c.id).where(department.c.code == code)).first() is not None:
        raise InputError([InputProblem(pointer="/code", code="identity.code_taken", params={"code": code})])
    new = new_id()
    work.connection.execute(
        sa.insert(department).values(
            id=new, code=code, name=_in(work, name), labels=dict(name), parent=parent, head=head, position=position
        )
    )
    work.connection.execute(sa.insert(department_closure).values(ancestor=new, descendant=new, depth=0))
    if parent is not None:
        _hang(work.connection, new, parent)
        _read_people_anew(work.connection)
    work.audit("identity.department_created", str(new), {"code": code})
    return new


def update_department(
    work: Work,
    id: UUID,
    *,
    name: Mapping[str, str] | None = None,
    head: UUID | None = None,
    position: int | None = None,
) -> None:
    """Changes what is given of a department."""
    require_admin(work.principal, "identity.department_update")
    texts = {"name": _in(work, name), "labels": dict(name)} if name else {}
    given = {**texts, "head": head, "position": position}
    changed = {key: value for key, value in given.items() if value is not None}
    if changed:
        work.connection.execute(sa.update(department).where(department.c.id == id).values(**changed))
        work.audit("identity.department_updated", str(id), {"changed": sorted(changed)})


def move_department(work: Work, id: UUID, parent: UUID | None) -> None:
    """Hangs a department with all below it under ``parent``; ``InputError`` where that is itself or below it."""
    require_admin(work.principal, "identity.department_move")
    below = sa.select(department_closure.c.descendant).where(department_closure.c.ancestor == id)
    subtree = set(work.connection.execute(below).scalars())
    if parent in subtree:
        raise InputError([InputProblem(pointer="/parent", code="identity.department_loop")])
    work.connection.execute(
        sa.delete(department_closure).where(
            department_closure.c.descendant.in_(subtree), department_closure.c.ancestor.not_in(subtree)
        )
    )
    work.connection.execute(sa.update(department).where(department.c.id == id).values(parent=parent))
    if parent is not None:
        _hang(work.connection, id, parent)
    _read_people_anew(work.connection)
    work.audit("identity.department_moved", str(id), {"parent": str(parent) if parent else None})


def all_departments(connection: Connection) -> list[Department]:
    """All departments that are not archived, by position and code."""
    rows = connection.execute(
        sa.select(department)
        .where(department.c.archived_at.is_(None))
        .order_by(department.c.position, department.c.code)
    )
    return [
        Department(id=r.id, code=r.code, name=r.labels, parent=r.parent, head=r.head, position=r.position) for r in rows
    ]


def departments_of(connection: Connection, person_id: UUID) -> tuple[UUID | None, frozenset[UUID]]:
    """The person's main department, and all departments they are in with those below them."""
    rows = connection.execute(
        sa.select(membership.c.department, membership.c.main, department_closure.c.descendant)
        .join(department_closure, department_closure.c.ancestor == membership.c.department)
        .where(membership.c.person == person_id)
    ).all()
    main = next((row.department for row in rows if row.main), None)
    return main, frozenset(row.descendant for row in rows)


def _read_people_anew(connection: Connection) -> None:
    """Everybody's departments may have changed: sessions and tokens read their people anew."""
    connection.execute(sa.update(person).values(version=person.c.version + 1))


def _in(work: Work, name: Mapping[str, str]) -> str:
    """The name in the workspace's language."""
    return LocalizedText.of(name).get(work.workspace.state(work.connection).locale)


def _hang(connection: Connection, id: UUID, parent: UUID) -> None:
    """Adds the pairs of every ancestor of ``parent`` with everything below ``id``."""
    above, below = department_closure.alias("above"), department_closure.alias("below")
    pairs = (
        sa.select(above.c.ancestor, below.c.descendant, above.c.depth + below.c.depth + 1)
        .select_from(above.join(below, sa.true()))
        .where(above.c.descendant == parent, below.c.ancestor == id)
    )
    connection.execute(sa.insert(department_closure).from_select(["ancestor", "descendant", "depth"], pairs))

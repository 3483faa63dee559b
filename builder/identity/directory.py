"""The ``Directory`` port over the database: who holds a role, leads, manages or stands in for whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.identity_tables import department, department_closure, membership, person, role_grant

# A reporting line longer than this has a loop in it.
_LONGEST_LINE = 50


_ATTENDANCE = sa.select(person.c.active, person.c.substitute, person.c.absent_from, person.c.absent_until).where(
    person.c.id == sa.bindparam("p_person")
)


class DatabaseDirectory:
    """Reads people and departments as they stand in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def people_with_role(self, role: str) -> Sequence[UUID]:
        """Active people who hold a qualified role, in order of login."""
        return self._ids(
            sa.select(person.c.id)
            .join(role_grant, role_grant.c.person == person.c.id)
            .where(role_grant.c.role == role, person.c.active)
            .order_by(person.c.login)
        )

    def manager_of(self, person_id: UUID, level: int = 1) -> UUID | None:
        """The person ``level`` steps up the reporting line, or None at its end."""
        found: UUID | None = person_id
        for _ in range(min(level, _LONGEST_LINE)):
            if found is None:
                return None
            found = self._one(sa.select(person.c.manager).where(person.c.id == found))
        return found

    def department_of(self, person_id: UUID) -> UUID | None:
        """The person's main department."""
        mine = (membership.c.person == person_id, membership.c.main)
        return self._one(sa.select(membership.c.department).where(*mine))

    def head_of(self, department_id: UUID) -> UUID | None:
        """Who leads a department; where it has no head, who leads the nearest one above that has."""
        return self._one(
            sa.select(department.c.head)
            .join(department_closure, department_closure.c.ancestor == department.c.id)
            .where(department_closure.c.descendant == department_id, department.c.head.is_not(None))
            .order_by(department_closure.c.depth)
            .limit(1)
        )

    def stand_in(self, person_id: UUID, at: datetime) -> UUID | None:
        """Who does a person's work at that instant: they themselves, or whoever stands in for the absent.

        Absent people for whom nobody stands in keep their work; for those who have left the workspace it is None.
        """
        here, found = None, person_id
        for _ in range(_LONGEST_LINE):
            row = self._connection.execute(_ATTENDANCE, {"p_person": found}).one_or_none()
            if row is None:
                return here
            absent = (
                row.absent_from is not None
                and row.absent_from <= at
                and not (row.absent_until is not None and row.absent_until <= at)
            )
            here = found if row.active else here
            if row.substitute is None or (row.active and not absent):
                return here
            found = row.substitute
        return here

    def lineage(self, department_id: UUID) -> Sequence[str]:
        """The codes of a department and of those above it, the nearest first."""
        query = (
            sa.select(department.c.code)
            .join(department_closure, department_closure.c.ancestor == department.c.id)
            .where(department_closure.c.descendant == department_id)
            .order_by(department_closure.c.depth)
        )
        return list(self._connection.execute(query).scalars())

    def members_of(self, department_id: UUID, *, below: bool = True) -> Sequence[UUID]:
        """Active people in a department, with all departments below it unless told otherwise."""
        inside = department_closure.c.ancestor == department_id
        if not below:
            inside = sa.and_(inside, department_closure.c.depth == 0)
        return self._ids(
            sa.select(person.c.id)
            .distinct()
            .join(membership, membership.c.person == person.c.id)
            .join(department_closure, department_closure.c.descendant == membership.c.department)
            .where(inside, person.c.active)
            .order_by(person.c.id)
        )

    def names(self, people: Collection[UUID]) -> Mapping[UUID, str]:
        """The names of people by id; unknown ids are left out."""
        if not people:
            return {}
        rows = self._connection.execute(sa.select(person.c.id, person.c.name).where(person.c.id.in_(list(people))))
        return {row.id: row.name for row in rows}

    def department_names(self, departments: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
        """The localised names of departments by id; unknown ids are left out."""
        if not departments:
            return {}
        query = sa.select(department.c.id, department.c.labels).where(department.c.id.in_(list(departments)))
        return {row.id: row.labels for row in self._connection.execute(query)}

    def search(self, text: str, limit: int = 20) -> Sequence[tuple[UUID, str]]:
        """Active people whose name, pinyin or login holds ``text``, for pickers: id and name."""
        columns = (person.c.name, person.c.name_key, person.c.login)
        query = (
            sa.select(person.c.id, person.c.name)
            .where(person.c.active, sa.or_(*(c.icontains(text.strip(), autoescape=True) for c in columns)))
            .order_by(person.c.name_key)
            .limit(limit)
        )
        return [(row.id, row.name) for row in self._connection.execute(query)]

    def _one(self, query: sa.Select[tuple[UUID | None]]) -> UUID | None:
        return self._connection.execute(query).scalars().first()

    def _ids(self, query: sa.Select[tuple[UUID]]) -> list[UUID]:
        return list(self._connection.execute(query).scalars())

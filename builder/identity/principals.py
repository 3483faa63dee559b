"""The principal of a person: everything that row conditions and rights may ask about them."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.identity.departments import departments_of
from builder.identity.people import roles_of
from builder.rights.sharing import shares_with
from builder.storage.identity_tables import person
from engines.core import Principal, PrincipalKind


def principal_of(connection: Connection, person_id: UUID) -> Principal | None:
    """The person as they stand in the database now; None where there is none or they were shut out."""
    row = connection.execute(sa.select(person).where(person.c.id == person_id, person.c.active)).one_or_none()
    if row is None:
        return None
    main, departments = departments_of(connection, person_id)
    roles = roles_of(connection, person_id)
    return Principal(
        kind=PrincipalKind.PERSON,
        id=person_id,
        roles=roles,
        department=main,
        departments=departments,
        locale=row.locale,
        shares=shares_with(connection, person_id, roles),
        attributes={"name": row.name, "login": row.login, "email": row.email, **(row.attributes or {})},
    )


def public_principal(app: str, locale: str) -> Principal:
    """A visitor of a public link of ``app``."""
    return Principal(kind=PrincipalKind.PUBLIC, roles=frozenset({f"{app}.public"}), locale=locale)

"""Who is meant: roles, managers, heads of departments and addresses as people and mail addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.identity_tables import person
from engines.core.ports import Directory
from engines.rules.actions import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person is reached."""

    id: UUID
    name: str
    email: str
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """People and further mail addresses, each once, in the order named."""

    people: tuple[UUID, ...] = ()
    addresses: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.addresses)


def identity(value: Any) -> UUID | None:
    """The id behind what an expression gives for a person or a record: an id, or a context with one."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, UUID) else None


def resolve(directory: Directory, app: str, recipients: Iterable[Recipient]) -> Receivers:
    """Everybody meant by ``recipients``; whoever cannot be found (no manager, no head) is left out."""
    people: dict[UUID, None] = {}
    addresses: dict[str, None] = {}
    for recipient in recipients:
        if recipient.by == "address":
            addresses[recipient.address] = None
        else:
            people.update(dict.fromkeys(_people(directory, app, recipient)))
    return Receivers(people=tuple(people), addresses=tuple(addresses))


def _people(directory: Directory, app: str, recipient: Recipient) -> list[UUID]:
    found: UUID | None
    match recipient.by:
        case "role":
            role = recipient.role if "." in recipient.role else f"{app}.{recipient.role}"
            return list(directory.people_with_role(role))
        case "manager_of":
            found = directory.manager_of(recipient.id) if recipient.id else None
        case "department_head_of":
            found = directory.head_of(recipient.id) if recipient.id else None
        case "person":
            found = recipient.id
        case other:
            raise ValueError(f"there is no way to resolve a recipient by {other!r}")
    return [found] if found else []


def contacts(connection: Connection, people: Iterable[UUID]) -> dict[UUID, Contact]:
    """How active people are reached, by id; others are left out."""
    wanted = list(dict.fromkeys(people))
    if not wanted:
        return {}
    columns = (person.c.id, person.c.name, person.c.email, person.c.locale)
    rows = connection.execute(sa.select(*columns).where(person.c.id.in_(wanted), person.c.active))
    return {row.id: Contact(id=row.id, name=row.name, email=row.email, locale=row.locale) for row in rows}

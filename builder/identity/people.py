"""People: created, changed and shut out by admins; each change is audited and ends what it makes invalid."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from builder.identity.passwords import Passwords, require_strong
from builder.identity.rights import ADMIN, require_admin
from builder.identity.sessions import end_sessions_of
from builder.storage.identity_tables import membership, person, role_grant
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, new_id

_LOGIN_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person as admins see them."""

    id: UUID
    login: str
    name: str
    email: str
    phone: str
    locale: str
    active: bool
    manager: UUID | None
    substitute: UUID | None
    absent_from: datetime | None
    absent_until: datetime | None
    attributes: Mapping[str, Any]
    # Main department first.
    departments: tuple[UUID, ...]
    # What they are in each department, where that is said.
    posts: Mapping[UUID, str]
    # Qualified names.
    roles: frozenset[str]


def create_person(
    work: Work,
    *,
    login: str,
    name: str,
    password_hash: str = "",
    email: str = "",
    phone: str = "",
    locale: str = "zh",
    departments: Iterable[UUID] = (),
    roles: Collection[str] = (),
    manager: UUID | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> UUID:
    """The id of a new person; ``departments``: the main one first. Without a password hash they cannot sign in yet."""
    require_admin(work.principal, "identity.person_create")
    login = _free_login(work.connection, login)
    new = new_id()
    work.connection.execute(
        sa.insert(person).values(
            id=new,
            login=login,
            name=name,
            name_key=pinyin_key(name),
            email=email,
            phone=phone,
            locale=locale,
            password_hash=password_hash,
            manager=manager,
            attributes=dict(attributes) if attributes else None,
            created_at=work.instant,
        )
    )
    _put_departments(work.connection, new, departments, {})
    _put_roles(work, new, roles)
    work.audit("identity.person_created", str(new), {"login": login, "roles": sorted(roles)})
    return new


def update_person(work: Work, id: UUID, **values: Any) -> None:
    """Changes columns of a person (name, email, phone, locale, manager, substitute, absent_from/until, attributes).

    People may change their own phone, locale, substitute and absence; the rest is for admins.
    """
    own = {"phone", "locale", "substitute", "absent_from", "absent_until"}
    if id != work.principal.id or not set(values) <= own:
        require_admin(work.principal, "identity.person_update")
    unknown = set(values) - own - {"name", "email", "manager", "attributes"}
    if unknown:
        raise ValueError(f"people have no {', '.join(sorted(unknown))}")
    if "name" in values:
        values["name_key"] = pinyin_key(values["name"])
    _change(work.connection, id, **values)
    work.audit("identity.person_updated", str(id), {"changed": sorted(values)})


def set_password(work: Work, id: UUID, password: str, passwords: Passwords) -> None:
    """Sets a person's password and ends their sessions; for admins, and for the person who proved the old one."""
    if id != work.principal.id:
        require_admin(work.principal, "identity.password_set")
    require_strong(password, get_person(work.connection, id).login)
    _change(work.connection, id, password_hash=passwords.hash(password))
    end_sessions_of(work.connection, id)
    work.audit("identity.password_set", str(id))


def set_roles(work: Work, id: UUID, roles: Collection[str]) -> None:
    """Gives a person exactly these qualified roles; the last admin cannot lose that role."""
    require_admin(work.principal, "identity.roles_set")
    before = roles_of(work.connection, id)
    if ADMIN in before and ADMIN not in roles:
        _require_another_admin(work.connection, id)
    work.connection.execute(sa.delete(role_grant).where(role_grant.c.person == id))
    _put_roles(work, id, roles)
    _change(work.connection, id)
    detail = {"added": sorted(set(roles) - before), "removed": sorted(before - set(roles))}
    work.audit("identity.roles_set", str(id), detail)


def set_departments(work: Work, id: UUID, departments: Iterable[UUID], posts: Mapping[UUID, str] | None = None) -> None:
    """Puts a person into exactly these departments, the main one first; ``posts``: what they are there."""
    require_admin(work.principal, "identity.departments_set")
    work.connection.execute(sa.delete(membership).where(membership.c.person == id))
    _put_departments(work.connection, id, departments, posts or {})
    _change(work.connection, id)
    work.audit("identity.departments_set", str(id))


def set_active(work: Work, id: UUID, active: bool) -> None:
    """Lets a person in or shuts them out, at once; people are never deleted, because history names them."""
    require_admin(work.principal, "identity.person_activate" if active else "identity.person_deactivate")
    if not active:
        if ADMIN in roles_of(work.connection, id):
            _require_another_admin(work.connection, id)
        end_sessions_of(work.connection, id)
    _change(work.connection, id, active=active)
    work.audit("identity.person_activated" if active else "identity.person_deactivated", str(id))


def get_person(connection: Connection, id: UUID) -> Person:
    """The person; ``AccessDenied`` where there is none."""
    row = connection.execute(sa.select(person).where(person.c.id == id)).one_or_none()
    if row is None:
        raise AccessDenied("identity.person_see")
    return _people(connection, [row])[0]


def find_person(connection: Connection, login: str) -> Person | None:
    """The person with that login, in any case of letters."""
    row = connection.execute(sa.select(person).where(person.c.login == login.strip().lower())).one_or_none()
    return _people(connection, [row])[0] if row is not None else None


def list_people(
    connection: Connection, *, search: str = "", after: str = "", limit: int = 50, active: bool | None = None
) -> list[Person]:
    """A page of people by login, after the login ``after``; ``search`` finds in login, name, pinyin and e-mail."""
    query = sa.select(person).where(person.c.login > after).order_by(person.c.login).limit(limit)
    if active is not None:
        query = query.where(person.c.active.is_(active))
    if search:
        columns = (person.c.login, person.c.name, person.c.name_key, person.c.email)
        query = query.where(sa.or_(*(c.icontains(search.strip(), autoescape=True) for c in columns)))
    return _people(connection, connection.execute(query).all())


def roles_of(connection: Connection, id: UUID) -> frozenset[str]:
    """The qualified roles a person holds."""
    return frozenset(connection.execute(sa.select(role_grant.c.role).where(role_grant.c.person == id)).scalars())


def pinyin_key(name: str) -> str:
    """The name in pinyin with its initials, lower case: "李娜" gives "lina ln", by which it sorts and is found."""
    from pypinyin import Style, lazy_pinyin

    full, initials = lazy_pinyin(name), lazy_pinyin(name, style=Style.FIRST_LETTER)
    return f"{''.join(full)} {''.join(initials)}".lower()


def _free_login(connection: Connection, login: str) -> str:
    login = login.strip().lower()
    if not login or len(login) > _LOGIN_LENGTH or any(c.isspace() for c in login):
        raise InputError([InputProblem(pointer="/login", code="identity.login_invalid", params={"max": _LOGIN_LENGTH})])
    if connection.execute(sa.select(person.c.id).where(person.c.login == login)).first() is not None:
        raise InputError([InputProblem(pointer="/login", code="identity.login_taken", params={"login": login})])
    return login


def _change(connection: Connection, id: UUID, **values: Any) -> None:
    """Updates the row and raises its version, so that sessions read the person anew."""
    statement = sa.update(person).where(person.c.id == id).values(**values, version=person.c.version + 1)
    if connection.execute(statement).rowcount != 1:
        raise AccessDenied("identity.person_update")


def _put_departments(connection: Connection, id: UUID, departments: Iterable[UUID], posts: Mapping[UUID, str]) -> None:
    rows = [
        {"person": id, "department": unit, "main": index == 0, "post": posts.get(unit, "")}
        for index, unit in enumerate(dict.fromkeys(departments))
    ]
    if rows:
        connection.execute(sa.insert(membership), rows)


def _put_roles(work: Work, id: UUID, roles: Collection[str]) -> None:
    wrong = sorted(role for role in roles if "." not in role)
    if wrong:
        raise InputError([InputProblem(pointer="/roles", code="identity.role_unqualified", params={"role": wrong[0]})])
    given = {"person": id, "granted_at": work.instant, "granted_by": work.principal.id}
    if roles:
        work.connection.execute(sa.insert(role_grant), [{**given, "role": role} for role in sorted(set(roles))])


def _require_another_admin(connection: Connection, id: UUID) -> None:
    others = (
        sa.select(role_grant.c.person)
        .join(person, person.c.id == role_grant.c.person)
        .where(role_grant.c.role == ADMIN, person.c.active, person.c.id != id)
    )
    if connection.execute(others.limit(1)).first() is None:
        raise InputError([InputProblem(pointer="/roles", code="identity.last_admin")])


def _people(connection: Connection, rows: Iterable[Row[Any]]) -> list[Person]:
    """The rows as people, with departments and roles read in one query each."""
    rows = list(rows)
    ids = [row.id for row in rows]
    departments: dict[UUID, list[UUID]] = {id: [] for id in ids}
    posts: dict[UUID, dict[UUID, str]] = {id: {} for id in ids}
    roles: dict[UUID, set[str]] = {id: set() for id in ids}
    members = sa.select(membership).where(membership.c.person.in_(ids)).order_by(membership.c.main.desc())
    for member in connection.execute(members):
        departments[member.person].append(member.department)
        if member.post:
            posts[member.person][member.department] = member.post
    for grant in connection.execute(sa.select(role_grant).where(role_grant.c.person.in_(ids))):
        roles[grant.person].add(grant.role)
    plain = ("id", "login", "name", "email", "phone", "locale", "active", "manager", "substitute")
    return [
        Person(
            **{column: getattr(row, column) for column in plain},
            absent_from=row.absent_from,
            absent_until=row.absent_until,
            attributes=row.attributes or {},
            departments=tuple(departments[row.id]),
            posts=posts[row.id],
            roles=frozenset(roles[row.id]),
        )
        for row in rows
    ]

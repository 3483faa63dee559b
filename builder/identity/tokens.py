"""API tokens: act as a person, within scopes, until revoked or expired."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.identity.rights import require_admin
from builder.identity.sessions import token_hash
from builder.storage.identity_tables import api_token, person
from builder.storage.prepared import Prepared
from builder.storage.workspace_tables import workspace
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, new_id

# So that scanners of leaked secrets, and people, know one when they see it.
_MARK = "dgt_"
SCOPES = ("read", "write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token as its owner sees it later: never the token itself."""

    id: UUID
    person: UUID
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


def create_token(
    work: Work, *, person_id: UUID, label: str, scopes: Collection[str], expires_at: datetime | None = None
) -> str:
    """A new token, shown once. People make their own; admins also for others.

    ``scopes``: "read", "write" (includes read), "admin", each alone or for one app ("write:library").
    """
    if person_id != work.principal.id:
        require_admin(work.principal, "identity.token_create")
    wrong = [scope for scope in scopes if scope.split(":")[0] not in SCOPES]
    if wrong or not scopes:
        problem = InputProblem(pointer="/scopes", code="identity.scope_unknown", params={"allowed": list(SCOPES)})
        raise InputError([problem])
    token, new = _MARK + secrets.token_urlsafe(32), new_id()
    work.connection.execute(
        sa.insert(api_token).values(
            id=new,
            person=person_id,
            label=label,
            token_hash=token_hash(token),
            scopes=sorted(scopes),
            created_at=work.instant,
            expires_at=expires_at,
        )
    )
    work.audit("identity.token_created", str(new), {"person": str(person_id), "scopes": sorted(scopes)})
    return token


def revoke_token(work: Work, id: UUID) -> None:
    """Ends a token at once; for its owner and for admins."""
    owner = work.connection.execute(sa.select(api_token.c.person).where(api_token.c.id == id)).scalar_one_or_none()
    if owner is None or owner != work.principal.id:
        require_admin(work.principal, "identity.token_revoke")
    statement = sa.update(api_token).where(api_token.c.id == id, api_token.c.revoked_at.is_(None))
    if work.connection.execute(statement.values(revoked_at=work.instant)).rowcount != 1:
        raise AccessDenied("identity.token_revoke")
    work.audit("identity.token_revoked", str(id))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundToken:
    """A token that is good, with what a request needs to know first."""

    token: ApiToken
    # Version of the person's row: raised with every change of rights.
    person_version: int
    # Number of the set of releases in force.
    generation: int


_FIND = Prepared(
    sa.select(
        api_token, person.c.version.label("person_version"), sa.select(workspace.c.generation).label("generation")
    )
    .join(person, person.c.id == api_token.c.person)
    .where(api_token.c.token_hash == sa.bindparam("hash"), api_token.c.revoked_at.is_(None), person.c.active)
)


def find_token(connection: Connection, token: str, now: datetime) -> FoundToken | None:
    """The token, or None where it is unknown, revoked, expired, or its person was shut out."""
    row: Any = _FIND.first(connection, {"hash": token_hash(token)})
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return FoundToken(token=_token(row), person_version=row.person_version, generation=row.generation)


def touch_token(connection: Connection, id: UUID, now: datetime) -> None:
    """Notes that the token was used."""
    connection.execute(sa.update(api_token).where(api_token.c.id == id).values(used_at=now))


def tokens_of(connection: Connection, person_id: UUID) -> list[ApiToken]:
    """All tokens a person ever had, newest first."""
    query = sa.select(api_token).where(api_token.c.person == person_id).order_by(api_token.c.id.desc())
    return [_token(row) for row in connection.execute(query)]


def allows(scopes: Sequence[str], wanted: str, app: str = "") -> bool:
    """Whether ``scopes`` let a caller do ``wanted`` ("read", "write", "admin") in ``app``; "" is the workspace."""
    sufficient = {"read": ("read", "write"), "write": ("write",), "admin": ("admin",)}[wanted]
    return any(scope in scopes or (bool(app) and f"{scope}:{app}" in scopes) for scope in sufficient)


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        person=row.person,
        label=row.label,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )

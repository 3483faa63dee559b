"""Sessions: a random token in a cookie, its hash in a row, and what ends them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.identity_tables import person, session
from builder.storage.prepared import Prepared
from builder.storage.workspace_tables import workspace
from builder.workspace import Settings

# How stale ``seen_at`` may become before a request writes it.
_TOUCH_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A visit of a signed-in person."""

    token_hash: str
    person: UUID
    # Version of the person's row: raised with every change of rights.
    person_version: int
    # Number of the set of releases in force.
    generation: int
    # Secret from which the visit's CSRF tokens are made.
    csrf: str
    # What pages keep for the visit.
    data: Mapping[str, Any]
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    def is_stale(self, now: datetime) -> bool:
        """Whether the row should be told that the session is in use."""
        return now - self.seen_at >= _TOUCH_EVERY


def token_hash(token: str) -> str:
    """What is stored of a token: tokens have 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def start_session(
    connection: Connection,
    person_id: UUID,
    *,
    now: datetime,
    settings: Settings,
    address: str = "",
    agent: str = "",
) -> str:
    """The token of a new session; it is shown to the browser once and stored nowhere."""
    token = secrets.token_urlsafe(32)
    connection.execute(sa.delete(session).where(session.c.expires_at < now))
    connection.execute(
        sa.insert(session).values(
            token_hash=token_hash(token),
            person=person_id,
            data={"csrf": secrets.token_urlsafe(32)},
            address=address,
            agent=agent[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=settings.session_days),
        )
    )
    return token


_FIND = Prepared(
    sa.select(session, person.c.version, sa.select(workspace.c.generation).label("generation"))
    .join(person, person.c.id == session.c.person)
    .where(
        session.c.token_hash == sa.bindparam("hash"),
        person.c.active,
        session.c.expires_at > sa.bindparam("now", type_=session.c.expires_at.type),
    )
)


def find_session(connection: Connection, token: str, *, now: datetime, settings: Settings) -> Session | None:
    """The session behind a token, or None where it ended, was idle too long, or its person was shut out."""
    row: Any = _FIND.first(connection, {"hash": token_hash(token), "now": now})
    if row is None or row.seen_at + timedelta(hours=settings.session_hours) <= now:
        return None
    return Session(
        token_hash=row.token_hash,
        person=row.person,
        person_version=row.version,
        generation=row.generation,
        csrf=row.data["csrf"],
        data=row.data,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def touch_session(connection: Connection, hash: str, now: datetime) -> None:
    """Notes that the session is in use."""
    connection.execute(sa.update(session).where(session.c.token_hash == hash).values(seen_at=now))


def keep_in_session(connection: Connection, hash: str, data: Mapping[str, Any]) -> None:
    """Replaces what pages keep for the visit; ``data`` must hold the ``csrf`` it had."""
    connection.execute(sa.update(session).where(session.c.token_hash == hash).values(data=dict(data)))


def rotate_session(connection: Connection, hash: str) -> str:
    """A new token for the same visit, as after a change of password; the old one ends at once."""
    token = secrets.token_urlsafe(32)
    connection.execute(sa.update(session).where(session.c.token_hash == hash).values(token_hash=token_hash(token)))
    return token


def end_session(connection: Connection, hash: str) -> None:
    """Signs one visit out."""
    connection.execute(sa.delete(session).where(session.c.token_hash == hash))


def end_sessions_of(connection: Connection, person_id: UUID, *, but: str = "") -> None:
    """Signs out all visits of a person, except the one with the hash ``but``."""
    connection.execute(sa.delete(session).where(session.c.person == person_id, session.c.token_hash != but))

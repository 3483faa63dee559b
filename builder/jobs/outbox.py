"""The outbox: effects are rows of the command's transaction and leave after its commit, at least once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from builder.jobs.ports import Effect, Patience
from builder.jobs.queue import ERROR_LENGTH, machine_now
from builder.storage.due import note_due
from builder.storage.runtime_tables import effect as table
from builder.storage.values import decode, encode
from engines.core import new_id

PENDING, SENT, HELD, DEAD = "pending", "sent", "held", "dead"


def put(
    connection: Connection,
    *,
    channel: str,
    key: str,
    payload: Mapping[str, Any],
    app: str = "",
    subject: tuple[str, UUID] | None = None,
    caused_by: Mapping[str, Any] | None = None,
) -> bool:
    """Whether the effect is new; one with the same ``key`` is queued or sent already and is left as it is."""
    if connection.execute(sa.select(table.c.id).where(table.c.key == key)).first():
        return False
    now = machine_now(connection)
    row = {
        "id": new_id(),
        "channel": channel,
        "key": key,
        "app": app,
        "payload": encode(payload),
        "state": PENDING,
        "attempts": 0,
        "next_at": now,
        "fence": 0,
        "created_at": now,
        "subject_form": subject[0] if subject else None,
        "subject_id": subject[1] if subject else None,
        "caused_by": encode(caused_by) if caused_by is not None else None,
    }
    connection.execute(table.insert(), row)
    note_due(connection)
    return True


def next_at(connection: Connection) -> datetime | None:
    """When the first pending effect may be tried, by the machine's clock."""
    first = sa.select(table.c.next_at).where(table.c.state == PENDING).order_by(table.c.next_at).limit(1)
    found: datetime | None = connection.execute(first).scalar_one_or_none()
    return found


def due(connection: Connection, *, limit: int) -> list[UUID]:
    """Ids of pending effects whose time has come, oldest first."""
    query = sa.select(table.c.id).where(table.c.state == PENDING, table.c.next_at <= machine_now(connection))
    return list(connection.execute(query.order_by(table.c.next_at, table.c.id).limit(limit)).scalars())


def claim(connection: Connection, patience: Patience, limit: int = 10, *, only: UUID | None = None) -> list[Effect]:
    """Pending effects whose time has come, oldest first, leased to the caller; ``only`` that one."""
    machine = machine_now(connection)
    query = sa.select(table).where(table.c.state == PENDING, table.c.next_at <= machine)
    if only is not None:
        query = query.where(table.c.id == only)
    ordered = query.order_by(table.c.next_at, table.c.id).limit(limit)
    rows = connection.execute(ordered.with_for_update(skip_locked=True)).all()
    if rows:
        # The lease is the next attempt itself: whoever dies while sending is followed by another try.
        until = machine + timedelta(seconds=patience.lease_s)
        connection.execute(
            table.update()
            .where(table.c.id.in_([row.id for row in rows]))
            .values(next_at=until, fence=table.c.fence + 1, attempts=table.c.attempts + 1)
        )
    return [_claimed(row) for row in rows]


def _claimed(row: sa.Row[Any]) -> Effect:
    return Effect(
        id=row.id,
        channel=row.channel,
        key=row.key,
        app=row.app,
        payload=decode(row.payload),
        fence=row.fence + 1,
        attempts=row.attempts + 1,
    )


def sent(connection: Connection, effect: Effect) -> None:
    """Notes that the receiver has it."""
    _close(connection, effect, state=SENT, sent_at=machine_now(connection), last_error=None)


def held(connection: Connection, effect: Effect, reason: str) -> None:
    """Notes that its channel can send nothing; it waits on the outbox page and counts no attempt."""
    _close(connection, effect, state=HELD, last_error=reason, attempts=effect.attempts - 1)


def failed(connection: Connection, effect: Effect, error: Exception, patience: Patience, *, final: bool) -> bool:
    """Whether it will be tried again; otherwise it is a dead letter, kept with its last error."""
    text = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    if final or effect.attempts > len(patience.backoff_s):
        _close(connection, effect, state=DEAD, last_error=text)
        return False
    wait = timedelta(seconds=patience.backoff_s[effect.attempts - 1])
    _close(connection, effect, next_at=machine_now(connection) + wait, last_error=text)
    return True


def _close(connection: Connection, effect: Effect, **values: Any) -> None:
    mine = sa.and_(table.c.id == effect.id, table.c.fence == effect.fence)
    connection.execute(table.update().where(mine).values(**values))


def retry(connection: Connection, ids: Sequence[UUID]) -> int:
    """How many held or dead effects are pending again."""
    again = sa.and_(table.c.id.in_(ids), table.c.state.in_((HELD, DEAD)))
    note_due(connection)
    values = {"state": PENDING, "attempts": 0, "next_at": machine_now(connection)}
    return connection.execute(table.update().where(again).values(**values)).rowcount


def release_held(connection: Connection, channel: str) -> int:
    """How many effects of a channel that has become ready are pending again."""
    waiting = sa.and_(table.c.channel == channel, table.c.state == HELD)
    note_due(connection)
    values = {"state": PENDING, "next_at": machine_now(connection)}
    return connection.execute(table.update().where(waiting).values(**values)).rowcount

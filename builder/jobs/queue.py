"""The table of due rows: putting, cancelling, claiming with a lease and a fencing token, and giving back.

Instants of ``due_at`` are the workspace's, which a sandbox may move; leases are the machine's, which nobody moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from builder.jobs.ports import Job, Patience
from builder.storage.due import note_due
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import job as table
from builder.storage.runtime_tables import process_instance
from builder.storage.values import decode, encode
from engines.core import new_id

# A parked row waits for another one to release it.
WAITING, PARKED, DEAD = "waiting", "parked", "dead"
ERROR_LENGTH = 2000


def machine_now(connection: Connection) -> datetime:
    """The instant by which leases are counted: the server's on PostgreSQL, so that many machines agree."""
    if connection.dialect.name == "postgresql":
        return connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)  # type: ignore[no-any-return]
    return datetime.now(UTC)


def put(
    connection: Connection,
    *,
    kind: str,
    due_at: datetime,
    now: datetime,
    payload: Mapping[str, Any],
    app: str = "",
    key: str | None = None,
    instance_id: UUID | None = None,
) -> UUID:
    """The id of a new waiting row; a row of the same ``key`` is replaced, a claim on it loses its fence."""
    if key is not None:
        cancel(connection, key)
    row = row_of(kind=kind, due_at=due_at, now=now, payload=payload, app=app, key=key, instance_id=instance_id)
    connection.execute(table.insert(), row)
    note_due(connection)
    return row["id"]  # type: ignore[no-any-return]


def row_of(
    *,
    kind: str,
    due_at: datetime,
    now: datetime,
    payload: Mapping[str, Any],
    app: str = "",
    key: str | None = None,
    instance_id: UUID | None = None,
) -> dict[str, Any]:
    """The values of a waiting row, for callers that insert many at once."""
    return {
        "id": new_id(),
        "kind": kind,
        "due_at": due_at,
        "state": WAITING,
        "key": key,
        "app": app,
        "instance_id": instance_id,
        "payload": encode(payload),
        "fence": 0,
        "attempts": 0,
        "created_at": now,
    }


def cancel(connection: Connection, *keys: str) -> int:
    """How many rows of these keys there were; none of them will act any more."""
    return connection.execute(table.delete().where(table.c.key.in_(keys))).rowcount if keys else 0


def cancel_instance(connection: Connection, instance_id: UUID) -> int:
    """How many rows of a process instance there were."""
    return _CANCEL_INSTANCE.run(connection, {"p_instance": instance_id})


_CANCEL_INSTANCE = Prepared(table.delete().where(table.c.instance_id == sa.bindparam("p_instance")))


def next_due(connection: Connection) -> datetime | None:
    """When the first waiting row is due by the workspace's clock."""
    found: datetime | None = connection.execute(
        sa.select(table.c.due_at).where(table.c.state == WAITING).order_by(table.c.due_at).limit(1)
    ).scalar_one_or_none()
    return found


def claimable(now: datetime, machine: datetime) -> sa.ColumnElement[bool]:
    """Rows that are due and that nobody holds."""
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= machine)
    return sa.and_(table.c.state == WAITING, table.c.due_at <= now, free)


def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Ids of rows that are due and free, earliest first."""
    query = sa.select(table.c.id).where(claimable(now, machine_now(connection)))
    return list(connection.execute(query.order_by(table.c.due_at, table.c.id).limit(limit)).scalars())


def claim(
    connection: Connection,
    *,
    now: datetime,
    holder: str,
    patience: Patience,
    limit: int = 20,
    only: UUID | None = None,
) -> list[Job]:
    """Due rows, earliest first, leased to ``holder``; each gets the next number of its fence.

    ``only`` claims that one row, where it is due and free. Rows that another transaction has locked are passed over.
    """
    machine = machine_now(connection)
    query = sa.select(table).where(claimable(now, machine)).order_by(table.c.due_at, table.c.id).limit(limit)
    if only is not None:
        query = query.where(table.c.id == only)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    if rows:
        lease = {"lease_until": machine + timedelta(seconds=patience.lease_s), "holder": holder}
        connection.execute(
            table.update()
            .where(table.c.id.in_([row.id for row in rows]))
            .values(**lease, fence=table.c.fence + 1, attempts=table.c.attempts + 1)
        )
    return [_claimed(row) for row in rows]


def _claimed(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        due_at=row.due_at,
        app=row.app,
        payload=decode(row.payload),
        instance_id=row.instance_id,
        key=row.key,
        fence=row.fence + 1,
        attempts=row.attempts + 1,
    )


def hold(connection: Connection, job: Job) -> bool:
    """Whether the caller may act on ``job`` in this transaction; the row is gone with its commit.

    False where it was cancelled, replaced or claimed anew meanwhile. The process instance is locked first, in the order
    in which every other command locks, so that cancelling and firing do not wait for each other crosswise.
    """
    if job.instance_id is not None and connection.dialect.name == "postgresql":
        own = process_instance.c.id == job.instance_id
        connection.execute(sa.select(process_instance.c.id).where(own).with_for_update())
    mine = sa.and_(table.c.id == job.id, table.c.fence == job.fence, table.c.state == WAITING)
    return connection.execute(table.delete().where(mine)).rowcount == 1


def fail(connection: Connection, job: Job, error: Exception, patience: Patience) -> bool:
    """Whether ``job`` will be tried again; otherwise its row is dead and stays to be seen."""
    again = job.attempts <= len(patience.backoff_s)
    values: dict[str, Any] = {"last_error": f"{type(error).__name__}: {error}"[:ERROR_LENGTH], "holder": None}
    if again:
        wait = timedelta(seconds=patience.backoff_s[job.attempts - 1])
        values["lease_until"] = machine_now(connection) + wait
    else:
        values |= {"state": DEAD, "lease_until": None}
    connection.execute(table.update().where(table.c.id == job.id, table.c.fence == job.fence).values(**values))
    return again


def forget(connection: Connection, job: Job) -> bool:
    """Whether there was a dead row of ``job``; it is gone."""
    mine = sa.and_(table.c.id == job.id, table.c.fence == job.fence, table.c.state == DEAD)
    return connection.execute(table.delete().where(mine)).rowcount == 1


def park(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows made by ``row_of`` that wait until ``unpark`` names their key."""
    if rows:
        connection.execute(table.insert(), [{**row, "state": PARKED} for row in rows])


def unpark(connection: Connection, key: str) -> bool:
    """Whether there was a parked row of this key; it is due now."""
    mine = sa.and_(table.c.key == key, table.c.state == PARKED)
    note_due(connection)
    return connection.execute(table.update().where(mine).values(state=WAITING)).rowcount == 1


def suspend(connection: Connection, instance_id: UUID, kind: str) -> None:
    """Rows of this kind of an instance wait until ``resume``; whoever has claimed one comes too late."""
    mine = sa.and_(table.c.instance_id == instance_id, table.c.kind == kind, table.c.state == WAITING)
    connection.execute(table.update().where(mine).values(state=PARKED))


def resume(connection: Connection, instance_id: UUID, kind: str) -> None:
    """The rows that ``suspend`` has stopped are due again, and so are those given up meanwhile."""
    mine = sa.and_(table.c.instance_id == instance_id, table.c.kind == kind, table.c.state.in_((PARKED, DEAD)))
    connection.execute(table.update().where(mine).values(state=WAITING, attempts=0, lease_until=None))
    note_due(connection)


def revive(connection: Connection, job_id: UUID) -> bool:
    """Whether a dead row waits again, with all its attempts."""
    values = {"state": WAITING, "attempts": 0, "lease_until": None}
    dead = sa.and_(table.c.id == job_id, table.c.state == DEAD)
    note_due(connection)
    return connection.execute(table.update().where(dead).values(**values)).rowcount == 1


def release_holder(connection: Connection, holder: str) -> int:
    """How many rows a holder that is known to be gone had leased; they are free at once."""
    held = sa.and_(table.c.holder == holder, table.c.lease_until.is_not(None))
    return connection.execute(table.update().where(held).values(lease_until=None, holder=None)).rowcount

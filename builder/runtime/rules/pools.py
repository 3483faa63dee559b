"""Pools: named sets of records that rules fill, such as customers to be developed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.timeline import write_entry
from builder.storage.runtime_tables import pool_member

if TYPE_CHECKING:
    from builder.workspace.work import Work

_TITLES = {
    "joined": {"zh": "加入池“{pool}”", "en": "Joined the pool “{pool}”"},
    "left": {"zh": "移出池“{pool}”", "en": "Left the pool “{pool}”"},
}


def pools_of(connection: sa.Connection, app: str, form: str, record_id: UUID) -> list[str]:
    """The names of the pools that a record is in, in order."""
    table = pool_member.c
    mine = (table.app == app, table.form == form, table.record_id == record_id)
    return list(connection.execute(sa.select(table.pool).where(*mine).order_by(table.pool)).scalars())


def members(connection: sa.Connection, app: str, pool: str) -> Sequence[tuple[str, UUID]]:
    """Form and id of the records in a pool, in the order in which they came. Rights are the caller's concern."""
    table = pool_member.c
    query = sa.select(table.form, table.record_id).where(table.app == app, table.pool == pool)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(table.at, table.record_id))]


def join(work: Work, app: str, pool: str, form: str, record_id: UUID, *, rule: str) -> None:
    """Puts a record into a pool, once, and writes that to its timeline."""
    if pool in pools_of(work.connection, app, form, record_id):
        return
    row = {"app": app, "pool": pool, "form": form, "record_id": record_id, "at": work.instant}
    work.connection.execute(pool_member.insert(), row)
    _note(work, app, pool, form, record_id, "joined", rule)


def leave(work: Work, app: str, pool: str, form: str, record_id: UUID, *, rule: str) -> None:
    """Takes a record out of a pool; one that is not in it stays as it is."""
    table = pool_member.c
    mine = (table.app == app, table.pool == pool, table.form == form, table.record_id == record_id)
    if work.connection.execute(pool_member.delete().where(*mine)).rowcount:
        _note(work, app, pool, form, record_id, "left", rule)


def _note(work: Work, app: str, pool: str, form: str, record_id: UUID, what: str, rule: str) -> None:
    title = {code: text.format(pool=pool) for code, text in _TITLES[what].items()}
    write_entry(work, form, record_id, kind="note", title=title, data={"rule": rule, "app": app})

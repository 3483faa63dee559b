"""The chain over the audit trail: each line's hash covers the one before, so that a changed line is noticed.

Sealed in the background over committed rows, never inside a command, where it would put all commands into one line.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage import Database
from builder.storage.workspace_tables import audit

_BATCH = 500
_START = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """What a look over the whole chain found."""

    # Lines in the chain, and those that wait to be sealed.
    sealed: int
    waiting: int
    # Position of the first line that does not fit; None where all do.
    broken_at: int | None


def seal(database: Database) -> int:
    """How many lines were put into the chain now; takes the write lock for one batch."""
    with database.write() as connection:
        _lock(connection)
        position, last = _end(connection)
        rows = connection.execute(sa.select(audit).where(audit.c.position.is_(None)).order_by(audit.c.id).limit(_BATCH))
        sealed = 0
        for sealed, row in enumerate(rows.all(), 1):
            last = _hash(last, row)
            found = sa.update(audit).where(audit.c.id == row.id)
            connection.execute(found.values(position=position + sealed, hash=last))
    return sealed


def verify(connection: Connection) -> ChainState:
    """Follows the whole chain; reads every line once."""
    last, expected, broken = _START, 0, None
    rows = connection.execute(
        sa.select(audit)
        .where(audit.c.position.is_not(None))
        .order_by(audit.c.position)
        .execution_options(yield_per=_BATCH)
    )
    for row in rows:
        expected += 1
        last = _hash(last, row)
        if broken is None and (row.position != expected or row.hash != last):
            broken = expected
    waiting = sa.select(sa.func.count()).select_from(audit).where(audit.c.position.is_(None))
    return ChainState(sealed=expected, waiting=connection.execute(waiting).scalar_one(), broken_at=broken)


def _end(connection: Connection) -> tuple[int, str]:
    """Position and hash of the last sealed line."""
    query = sa.select(audit.c.position, audit.c.hash).where(audit.c.position.is_not(None))
    row = connection.execute(query.order_by(audit.c.position.desc()).limit(1)).one_or_none()
    return (row.position, row.hash) if row is not None else (0, _START)


def _hash(previous: str, row: sa.Row[Any]) -> str:
    columns = ("id", "command", "at", "actor_kind", "actor", "action", "subject", "detail")
    told = {name: _plain(getattr(row, name)) for name in columns}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | dict) else str(value)


def _lock(connection: Connection) -> None:
    """One sealer at a time; on SQLite every write is that already."""
    if connection.dialect.name == "postgresql":
        statement = "SELECT pg_advisory_xact_lock(hashtextextended('dougong.audit.' || current_schema(), 0))"
        connection.execute(sa.text(statement))

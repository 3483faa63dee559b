"""Commands: who did what and why, one row each, and the answer to a call that is made twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.prepared import Prepared
from builder.storage.workspace_tables import command as command_table
from engines.core import Principal, StateConflict

# Made once: every command is written down.
_RECORD = Prepared(command_table.insert(), command_table.c.keys())


class AlreadyDone(StateConflict):
    """A command with this idempotency key was carried out before; ``result`` is what it gave."""

    def __init__(self, command_id: UUID, result: Any) -> None:
        super().__init__("command.already_done", command=str(command_id))
        self.command_id = command_id
        self.result = result


def scoped_key(principal: Principal, name: str, key: str) -> str:
    """The key as stored: two people, or two kinds of command, never meet in one."""
    return f"{principal.id or principal.kind.value}:{name}:{key}"


def refuse_repeated(connection: Connection, key: str) -> None:
    """``AlreadyDone`` where a command with the stored ``key`` was committed."""
    row = connection.execute(
        sa.select(command_table.c.id, command_table.c.result).where(command_table.c.idempotency_key == key)
    ).one_or_none()
    if row is not None:
        raise AlreadyDone(row.id, row.result)


def record_command(
    connection: Connection,
    *,
    id: UUID,
    name: str,
    key: str | None,
    principal: Principal,
    reason: str,
    generation: int,
    at: datetime,
    result: Any,
) -> None:
    """Writes the command's row."""
    values = {
        "id": id,
        "name": name,
        "idempotency_key": key,
        "actor_kind": principal.kind.value,
        "actor": principal.id,
        "reason": reason,
        "generation": generation,
        "at": at,
        "result": result,
    }
    _RECORD.run(connection, values)

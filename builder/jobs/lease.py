"""The runner's lease on a workspace: of several processes, one runs the embedded jobs.

It saves work, it does not make anything safe: rows are protected by their own leases and fences.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection

from builder.jobs.queue import machine_now, release_holder
from builder.storage.runtime_tables import runner_lease as table

DUTY = "jobs"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds: host, process and a number of its own, so that a new process is never taken for an old one."""

    name: str

    @classmethod
    def here(cls) -> Holder:
        """A holder for this process."""
        return cls(f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}")

    @property
    def gone(self) -> bool:
        """Whether its process is known to have ended; False where that cannot be told from here."""
        host, pid, _ = self.name.rsplit("/", 2)
        if host != socket.gethostname() or int(pid) == os.getpid():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def within_reach(connection: Connection, holder: Holder) -> bool:
    """Whether ``holder`` could take or renew the lease now; a look without a lock."""
    row = connection.execute(sa.select(table).where(table.c.name == DUTY)).one_or_none()
    return row is None or not _of_another(row, holder, machine_now(connection))


def acquire(connection: Connection, holder: Holder, lease_s: float) -> bool:
    """Whether ``holder`` has the lease now, taken or renewed; rows leased to a runner that ended are freed."""
    machine = machine_now(connection)
    until = machine + timedelta(seconds=lease_s)
    row = connection.execute(sa.select(table).where(table.c.name == DUTY).with_for_update()).one_or_none()
    if row is None:
        return _first(connection, holder, until)
    if _of_another(row, holder, machine):
        return False
    if row.holder != holder.name:
        release_holder(connection, row.holder)
    values = {"holder": holder.name, "lease_until": until, "fence": row.fence + (row.holder != holder.name)}
    connection.execute(table.update().where(table.c.name == DUTY).values(**values))
    return True


def _of_another(row: sa.Row[Any], holder: Holder, machine: datetime) -> bool:
    """Whether somebody else holds it who is not known to have ended."""
    return row.holder != holder.name and row.lease_until > machine and not Holder(row.holder).gone


def _first(connection: Connection, holder: Holder, until: object) -> bool:
    values = {"name": DUTY, "holder": holder.name, "lease_until": until, "fence": 1}
    try:
        with connection.begin_nested():
            connection.execute(table.insert(), values)
    except sa.exc.IntegrityError:
        return False
    return True


def give_up(connection: Connection, holder: Holder) -> None:
    """Ends the lease of ``holder`` at once, so that another process need not wait for it to run out."""
    mine = sa.and_(table.c.name == DUTY, table.c.holder == holder.name)
    connection.execute(table.update().where(mine).values(lease_until=machine_now(connection)))

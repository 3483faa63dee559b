"""A copy of a SQLite workspace, consistent while people go on working."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import cast

from builder.storage.database import Database, SqliteDatabase
from engines.core import DougongError

# Pages copied before the source is let go for a moment.
_PAGES = 2000


class BackupRefused(DougongError):
    """Nothing was copied; says why and what to do instead."""

    code = "backup.refused"


def back_up(database: Database, target: Path) -> int:
    """The size in bytes of the copy at ``target``; it appears there whole or not at all.

    SQLite's online backup: readers and writers go on, and the copy is the state at its end.
    """
    if not isinstance(database, SqliteDatabase):
        raise BackupRefused("this is a PostgreSQL database: back it up with pg_dump, or with your server's own means")
    if target.exists():
        raise BackupRefused(f"{target} exists already; choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    copy = sqlite3.connect(part)
    try:
        with database.read() as connection:
            source = cast("sqlite3.Connection", connection.connection.driver_connection)
            source.backup(copy, pages=_PAGES)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
    os.replace(part, target)
    return target.stat().st_size

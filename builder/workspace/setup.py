"""Making a new workspace in an empty database."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage import Database, migrate
from builder.storage.workspace_tables import workspace
from builder.workspace.settings import Settings
from engines.core import new_id


def initialise(database: Database, settings: Settings, *, name: str = "main", sandbox: bool = False) -> str | None:
    """The one-time set-up token of a workspace just made, or None where the database holds one already.

    Migrates the system tables either way. The token is shown once; only its hash is stored.
    """
    database.create()
    migrate.upgrade(database)
    with database.write() as connection:
        if connection.execute(sa.select(workspace.c.id)).first() is not None:
            return None
        return add_workspace(connection, settings, name=name, sandbox=sandbox)


def add_workspace(connection: Connection, settings: Settings, *, name: str = "main", sandbox: bool = False) -> str:
    """The set-up token of the workspace that was put into the empty system tables."""
    token = secrets.token_urlsafe(24)
    connection.execute(
        sa.insert(workspace).values(
            id=new_id(),
            name=name,
            generation=0,
            zone=settings.zone,
            locale=settings.locale,
            clock_offset=0,
            sandbox=sandbox,
            setup_hash=hashlib.sha256(token.encode()).hexdigest(),
            created_at=datetime.now(UTC),
        )
    )
    return token

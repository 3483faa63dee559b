"""Bringing the system tables of a database to a revision, in one transaction."""

from __future__ import annotations

from importlib import resources
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from builder.storage.database import Database

VERSION_TABLE = "sys_migration"


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs all migrations up to ``revision``; an error leaves the database as it was."""
    with database.write() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Takes migrations back down to ``revision`` ("base": none); an error leaves the database as it was."""
    with database.write() as connection:
        command.downgrade(_config(connection), revision)


def current(connection: Connection) -> str | None:
    """The revision the database stands at, or None where it is empty."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def newest() -> str | None:
    """The newest revision this program knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def history() -> list[tuple[str, str]]:
    """All revisions, oldest first, with the first line of what they do."""
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    return [(script.revision, script.doc) for script in scripts][::-1]


def _config(connection: Connection | None) -> Config:
    attributes: dict[str, Any] = {"connection": connection}
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

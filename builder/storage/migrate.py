"""Bringing the system tables of a database to a revision, in one transaction."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.database import Database
from engines.core import DougongError

# Alembic is imported where it is used: every start of the program looks at the revision, few migrate.
if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "sys_migration"


class UnknownRevision(DougongError):
    """No migration has this name."""

    code = "database.unknown_revision"


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs all migrations up to ``revision``; an error leaves the database as it was. ``UnknownRevision``."""
    from alembic import command

    _require_known(revision, "head")
    with database.write() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Takes migrations back down to ``revision`` ("base": none), all or nothing. ``UnknownRevision``."""
    from alembic import command

    _require_known(revision, "base")
    with database.write() as connection:
        command.downgrade(_config(connection), revision)


def current(connection: Connection) -> str | None:
    """The revision the database stands at, or None where it is empty."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num"))
    return connection.execute(sa.select(table.c.version_num)).scalar_one_or_none()


def newest() -> str:
    """The newest revision this program knows; files of revisions are named in their order."""
    names = (entry.name for entry in (resources.files("migrations") / "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:4].isdigit())


def history() -> list[tuple[str, str]]:
    """All revisions, oldest first, with the first line of what they do."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    return [(script.revision, script.doc) for script in scripts][::-1]


def _require_known(revision: str, end: str) -> None:
    known = [name for name, _ in history()]
    if revision not in (*known, end):
        raise UnknownRevision(f'there is no revision "{revision}"; known: {", ".join((*known, end))}')


def _config(connection: Connection | None) -> Config:
    from alembic.config import Config

    attributes: dict[str, Any] = {"connection": connection}
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

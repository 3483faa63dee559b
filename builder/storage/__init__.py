"""The system's own tables and the connections to a workspace's database."""

from builder.storage.database import Database, PostgresDatabase, SqliteDatabase, open_database
from builder.storage.errors import ConcurrentChange, DatabaseBusy, DatabaseUnreachable
from builder.storage.metadata import metadata

__all__ = [
    "ConcurrentChange",
    "Database",
    "DatabaseBusy",
    "DatabaseUnreachable",
    "PostgresDatabase",
    "SqliteDatabase",
    "metadata",
    "open_database",
]

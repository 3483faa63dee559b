"""The SQL backend: the subset of FEEL with an exact meaning on SQLite and PostgreSQL."""

from engines.feel.sql.source import SqlColumn, SqlJoin, SqlSource

__all__ = ["SqlColumn", "SqlJoin", "SqlSource"]

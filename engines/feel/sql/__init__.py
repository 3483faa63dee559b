"""The SQL backend: the subset of FEEL with an exact meaning on SQLite and PostgreSQL."""

from engines.feel.sql.driver import DriverStatement
from engines.feel.sql.parameters import Parameters
from engines.feel.sql.source import SqlColumn, SqlJoin, SqlSource
from engines.feel.sql.terms import SqlUnsupportedError
from engines.feel.sql.translate import parameters_for, to_sql, to_sql_condition

__all__ = [
    "DriverStatement",
    "Parameters",
    "SqlColumn",
    "SqlJoin",
    "SqlSource",
    "SqlUnsupportedError",
    "parameters_for",
    "to_sql",
    "to_sql_condition",
]

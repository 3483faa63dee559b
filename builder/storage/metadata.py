"""The one MetaData of the system's own tables, and short hands for their columns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from builder.storage.types import Identifier, Instant

# System tables begin with this, so that they never meet a record table or a view of one.
PREFIX = "sys_"

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Options of a table whose rows SQLite keeps in the order of the primary key, without a second tree for it: for tables
# that every command writes and whose rows are small.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def where_set(column: str) -> dict[str, Any]:
    """Options of an index that holds only rows in which ``column`` is not null."""
    condition = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}


def identifier(name: str = "id", *args: Any, **options: Any) -> sa.Column[Any]:
    """A required UUID column; the primary key where it is called ``id``."""
    options.setdefault("primary_key", name == "id")
    options.setdefault("nullable", False)
    return sa.Column(name, Identifier(), *args, **options)


def reference(name: str, target: str, **options: Any) -> sa.Column[Any]:
    """A required UUID column that points to ``target`` ("sys_person.id")."""
    return identifier(name, sa.ForeignKey(target), **options)


def instant(name: str, **options: Any) -> sa.Column[Any]:
    """A required instant."""
    options.setdefault("nullable", False)
    return sa.Column(name, Instant(), **options)


def text(name: str, *args: Any, **options: Any) -> sa.Column[Any]:
    """A required text."""
    options.setdefault("nullable", False)
    return sa.Column(name, sa.Text(), *args, **options)


def count(name: str, **options: Any) -> sa.Column[Any]:
    """A required integer, 0 unless told."""
    options.setdefault("nullable", False)
    options.setdefault("server_default", "0")
    return sa.Column(name, sa.BigInteger(), **options)


def flag(name: str, *, default: bool = False) -> sa.Column[Any]:
    """A required yes or no."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true() if default else sa.false())

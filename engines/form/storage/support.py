"""Tables that the engine keeps beside the records: counters of autonumbers, keys of other systems."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint

from engines.feel.storage import CodePointText, Identifier

SUPPORT = MetaData()

# One row per autonumber field and period: the last number given.
COUNTERS = Table(
    "form_counters",
    SUPPORT,
    Column("field", CodePointText(), nullable=False),
    Column("period", CodePointText(), nullable=False),
    Column("value", Integer(), nullable=False),
    PrimaryKeyConstraint("field", "period"),
)
# By which name other systems know a record; a record may have several, even of one system.
EXTERNAL_KEYS = Table(
    "form_external_keys",
    SUPPORT,
    Column("form", CodePointText(), nullable=False),
    Column("source", CodePointText(), nullable=False),
    Column("key", CodePointText(), nullable=False),
    Column("record", Identifier(), nullable=False),
    PrimaryKeyConstraint("form", "source", "key"),
    UniqueConstraint("record", "source", "key"),
)


def ensure_support(connection: Connection) -> None:
    """Creates the support tables that are missing."""
    SUPPORT.create_all(connection)

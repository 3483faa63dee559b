"""Columns of record tables: those of every record, and those of fields."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer
from sqlalchemy.types import TypeEngine

from engines.feel.storage import (
    CalendarDate,
    CodePointText,
    Duration,
    Flag,
    Identifier,
    Instant,
    Json,
    ScaledDecimal,
    TimeOfDay,
)
from engines.form.types import Storage, StoredColumn

# Written by every change of a record.
SYSTEM_COLUMNS = (
    "id",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "owner",
    "department",
    "deleted_at",
    "valid_from",
    "command",
)
ROW_COLUMNS = ("id", "parent", "position", "version", "valid_from", "command")


def column_type(stored: StoredColumn) -> TypeEngine[Any]:
    """The SQLAlchemy type of a stored column; ``engines.feel.storage`` says what it is on each database."""
    match stored.storage:
        case Storage.TEXT:
            return CodePointText()
        case Storage.DECIMAL:
            return ScaledDecimal(stored.precision, stored.scale)
        case Storage.INTEGER:
            return Integer()
        case Storage.BOOLEAN:
            return Flag()
        case Storage.DATE:
            return CalendarDate()
        case Storage.TIME:
            return TimeOfDay()
        case Storage.INSTANT:
            return Instant()
        case Storage.DURATION:
            return Duration()
        case Storage.UUID:
            return Identifier()
        case Storage.JSON:
            return Json()


def record_columns() -> list[Column[Any]]:
    """New columns that every record has."""
    return [
        Column("id", Identifier(), primary_key=True),
        # Raised by every change that a person or rule makes; what the system computes leaves it.
        Column("version", Integer(), nullable=False),
        Column("created_at", Instant(), nullable=False),
        Column("created_by", Identifier()),
        Column("updated_at", Instant(), nullable=False),
        Column("updated_by", Identifier()),
        Column("owner", Identifier()),
        Column("department", Identifier()),
        Column("deleted_at", Instant()),
        # Since when the row is as it is, and the command that made it so.
        Column("valid_from", Instant(), nullable=False),
        Column("command", Identifier()),
    ]


def row_columns() -> list[Column[Any]]:
    """New columns that every row of a sub-table has."""
    return [
        Column("id", Identifier(), primary_key=True),
        Column("parent", Identifier(), nullable=False),
        Column("position", Integer(), nullable=False),
        # The record's version that brought the row as it is.
        Column("version", Integer(), nullable=False),
        Column("valid_from", Instant(), nullable=False),
        Column("command", Identifier()),
    ]


def history_columns() -> list[Column[Any]]:
    """New columns that only earlier versions have: until when they held, and the version that ended them."""
    return [
        Column("valid_to", Instant(), nullable=False),
        Column("ended_version", Integer(), nullable=False),
        Column("ended_command", Identifier()),
    ]

"""System tables around people: what moves with them, and their calendars."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from builder.storage.metadata import metadata
from builder.storage.types import Identifier, Instant, Json

move = Table(
    "sys_move",
    metadata,
    # A journalled job: what goes from one person to others when they move or leave.
    Column("id", Identifier(), primary_key=True),
    Column("person", Identifier(), nullable=False),
    # Who gets it, where a part of the plan names nobody else.
    Column("successor", Identifier()),
    # What the admin has chosen, and how much of each part is done.
    Column("plan", Json(), nullable=False),
    Column("done", Json(), nullable=False),
    # running, done
    Column("state", String(40), nullable=False),
    Column("started_at", Instant(), nullable=False),
    Column("started_by", Identifier()),
    Column("finished_at", Instant()),
    Index("ix_sys_move_person", "person", "id"),
)

feed = Table(
    "sys_feed",
    metadata,
    # The calendar feed of a person; a new address takes the place of the old one.
    Column("person", Identifier(), primary_key=True),
    # SHA-256 of the token in its address.
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant(), nullable=False),
)

calendar_entry = Table(
    "sys_calendar_entry",
    metadata,
    # An entry that a process has put into somebody's calendar.
    Column("id", Identifier(), primary_key=True),
    Column("person", Identifier(), nullable=False),
    Column("app", String(200), nullable=False),
    # By which the same entry is changed or cancelled later.
    Column("key", String(300), nullable=False),
    Column("title", Json(), nullable=False),
    Column("text", Json()),
    Column("place", Text),
    Column("start_at", Instant(), nullable=False),
    Column("end_at", Instant(), nullable=False),
    # The instants are midnights of the workspace's zone.
    Column("all_day", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    # Raised by every change (RFC 5545 §3.8.7.4).
    Column("sequence", Integer, nullable=False),
    Column("updated_at", Instant(), nullable=False),
    Column("subject_form", String(200)),
    Column("subject_id", Identifier()),
    UniqueConstraint("person", "app", "key"),
    Index("ix_sys_calendar_entry_person", "person", "start_at"),
)

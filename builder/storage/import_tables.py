"""System tables of imports: each with the records that it wrote and the lines that were refused; what is remembered."""

import sqlalchemy as sa

from builder.storage.metadata import count, identifier, instant, metadata, text
from builder.storage.types import Json

import_run = sa.Table(
    "sys_import",
    metadata,
    identifier(),
    text("app"),
    # Qualified.
    text("form"),
    # Who brought it, and whose rights hold throughout; null: the system.
    identifier("person", nullable=True),
    # "uploaded", "checking", "checked", "running", "done", "stopped", "failed", "undoing", "undone"
    text("state"),
    text("file_name"),
    # Key of the bytes in the file store; empty once they are taken away.
    text("blob"),
    # Format, encoding, and the first lines of each sheet.
    sa.Column("inspected", Json(), nullable=False),
    # ``SheetMapping``; null until somebody has chosen.
    sa.Column("mapping", Json()),
    # How far the present stage has come, in records.
    count("done"),
    count("total"),
    # Counts of the present stage: created, updated, same, refused, and what was started.
    sa.Column("counts", Json(), nullable=False),
    # The first records as they would be, and which could not be undone.
    sa.Column("shown", Json(), nullable=False),
    # What ended it: code and parameters.
    sa.Column("error", Json()),
    instant("created_at"),
    instant("finished_at", nullable=True),
    sa.Index("ix_sys_import_person", "person", "form", "created_at"),
)

import_record = sa.Table(
    "sys_import_record",
    metadata,
    identifier("import_id", primary_key=True),
    identifier("record_id", primary_key=True),
    # "created" or "updated"
    text("action"),
    # The record's version before (0: it was made), and once everything that followed was written.
    count("base"),
    count("version"),
)

import_problem = sa.Table(
    "sys_import_problem",
    metadata,
    identifier("import_id", primary_key=True),
    # Line of the file.
    sa.Column("line", sa.BigInteger(), primary_key=True),
    sa.Column("place", sa.Integer(), primary_key=True),
    # Heading of the column to blame; empty for the line.
    text("header"),
    # The sentence, in the language of who brought the file.
    text("text"),
)

import_memory = sa.Table(
    "sys_import_memory",
    metadata,
    identifier("person", primary_key=True),
    sa.Column("form", sa.Text(), primary_key=True, nullable=False),
    # Headings with the fields chosen for them, and what happens to records that exist.
    sa.Column("mapping", Json(), nullable=False),
)

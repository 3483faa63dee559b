"""System tables of changes to many records at once: each with its records and what became of them."""

import sqlalchemy as sa

from builder.storage.metadata import count, identifier, instant, metadata, text
from builder.storage.types import Json

bulk_run = sa.Table(
    "sys_bulk",
    metadata,
    identifier(),
    text("app"),
    # Qualified.
    text("form"),
    # Who asked for it, and whose rights hold throughout.
    identifier("person"),
    # "edit" or "delete"
    text("kind"),
    # Field to its new value, as the form takes it.
    sa.Column("given", Json(), nullable=False),
    # Whether it computes but starts nothing and tells nobody.
    sa.Column("silent", sa.Boolean(), nullable=False),
    # "chosen", "trying", "tried", "running", "done", "stopped", "failed", "undoing", "undone"
    text("state"),
    # How far the present stage has come, in records.
    count("done"),
    count("total"),
    # changed, same, refused, undone, kept; processes, tasks, messages.
    sa.Column("counts", Json(), nullable=False),
    instant("created_at"),
    instant("finished_at", nullable=True),
    sa.Index("ix_sys_bulk_person", "person", "created_at"),
)

bulk_record = sa.Table(
    "sys_bulk_record",
    metadata,
    identifier("bulk_id", primary_key=True),
    sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
    identifier("record_id"),
    # "", "changed", "same", "refused", "undone" or "kept"
    text("result"),
    # Why it was refused, in words.
    text("told"),
    # The values that were changed, as they were; and the version that the record had afterwards.
    sa.Column("before", Json()),
    count("version"),
)

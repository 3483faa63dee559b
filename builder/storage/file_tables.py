"""System table of files: what is known of each; the bytes are in the file store."""

import sqlalchemy as sa

from builder.storage.metadata import count, flag, identifier, instant, metadata, text

file = sa.Table(
    "sys_file",
    metadata,
    # Random: it stands in addresses.
    identifier(),
    # Key of its bytes in the file store; copies share it.
    text("blob"),
    text("name"),
    # Media type, by content.
    text("type"),
    count("size"),
    text("sha256", server_default=""),
    # Whether a small picture of it is kept beside it.
    flag("thumbnail"),
    # "receiving" (bytes are being written), "staged" (waits for a record), "attached", "doomed" (to be taken away)
    text("state"),
    # Qualified form, and field ("photo", "lines.photo").
    text("form"),
    text("field"),
    # Null until a record holds it.
    identifier("record_id", nullable=True),
    # Who may attach it: "person:<id>", "visitor:<hash of their cookie>", "system"
    text("holder"),
    instant("created_at"),
    identifier("created_by", nullable=True),
    instant("attached_at", nullable=True),
    sa.Index("ix_sys_file_record", "record_id"),
    sa.Index("ix_sys_file_blob", "blob"),
    sa.Index("ix_sys_file_state", "state", "created_at"),
    sa.Index("ix_sys_file_holder", "holder", "state"),
)

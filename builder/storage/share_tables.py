"""System table of shared records: single records opened to a person, a role or a department."""

import sqlalchemy as sa

from builder.storage.metadata import identifier, instant, metadata, text

record_share = sa.Table(
    "sys_record_share",
    metadata,
    identifier(),
    # Qualified form name.
    text("form"),
    identifier("record"),
    # "person:<id>", "role:<app>.<role>" or "department:<id>" (with all departments below it).
    text("grantee"),
    # "see" or "edit".
    text("access"),
    # What the one who shared it said about it.
    text("note", server_default=""),
    instant("created_at"),
    identifier("created_by", nullable=True),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    identifier("revoked_by", nullable=True),
    sa.Index("ix_sys_record_share_record", "record"),
    sa.Index("ix_sys_record_share_grantee", "grantee", "form"),
)

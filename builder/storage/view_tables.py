"""System table of the views that people save of lists."""

import sqlalchemy as sa

from builder.storage.metadata import identifier, instant, metadata, text
from builder.storage.types import Json

saved_view = sa.Table(
    "sys_saved_view",
    metadata,
    identifier(),
    # Qualified form name.
    text("form"),
    text("name"),
    identifier("owner"),
    # Qualified roles that it is shared with.
    sa.Column("roles", Json(), nullable=False),
    # What the list's address says: query parameter to its values.
    sa.Column("query", Json(), nullable=False),
    instant("created_at"),
    sa.Index("ix_sys_saved_view_form", "form"),
)

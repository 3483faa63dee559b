"""System table of public links: addresses at which visitors without an account fill in a form."""

import sqlalchemy as sa

from builder.storage.metadata import count, identifier, instant, metadata, text
from builder.storage.types import Json

public_link = sa.Table(
    "sys_public_link",
    metadata,
    identifier(),
    # SHA-256 of the token in the address.
    text("token_hash", unique=True),
    # Qualified form name.
    text("form"),
    # Field values that every answer gets, hidden from visitors; JSON data as the form takes it.
    sa.Column("prefill", Json(), nullable=False),
    instant("created_at"),
    identifier("created_by", nullable=True),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    # How many answers it takes; 0: any number.
    count("most"),
    count("answers"),
    sa.Index("ix_sys_public_link_form", "form"),
)

"""System tables of a workspace as a whole: its identity, settings, commands and audit trail."""

import sqlalchemy as sa

from builder.storage.metadata import CLUSTERED, count, flag, identifier, instant, metadata, text, where_set
from builder.storage.types import Json

# Exactly one row: what every transaction reads first.
workspace = sa.Table(
    "sys_workspace",
    metadata,
    identifier(),
    text("name"),
    # Moves with every publish, rollback or change of a setting; a process that holds another number reloads.
    count("generation"),
    text("zone"),
    text("locale"),
    # Microseconds by which a sandbox's clock is ahead.
    count("clock_offset"),
    flag("sandbox"),
    # SHA-256 of the one-time set-up token; empty once it was used.
    text("setup_hash", server_default=""),
    # Random; signs links to tasks. Empty until the first one.
    text("signing_key", server_default=""),
    instant("created_at"),
)

# Values that an admin gave to settings; the defaults stand in the definitions.
setting = sa.Table(
    "sys_setting",
    metadata,
    # "" for settings of the workspace itself.
    text("app", primary_key=True),
    text("name", primary_key=True),
    sa.Column("value", Json()),
    instant("updated_at"),
    identifier("updated_by", nullable=True),
)

# Who did what and why, once per command; rows of record history point here.
command = sa.Table(
    "sys_command",
    metadata,
    identifier(),
    text("name"),
    # Unique per actor and command name; null where the caller gave none.
    text("idempotency_key", nullable=True),
    text("actor_kind"),
    identifier("actor", nullable=True),
    text("reason", server_default=""),
    count("generation"),
    instant("at"),
    # What a repeated call is answered with.
    sa.Column("result", Json()),
    sa.Index("uq_sys_command_idempotency_key", "idempotency_key", unique=True, **where_set("idempotency_key")),
    sa.Index("ix_sys_command_actor", "actor", "at", **where_set("actor")),
    **CLUSTERED,
)

# One line per thing worth proving later; the chain of hashes is sealed in the background.
audit = sa.Table(
    "sys_audit",
    metadata,
    identifier(),
    # Position in the chain; null until sealed.
    sa.Column("position", sa.BigInteger(), unique=True),
    identifier("command", nullable=True),
    instant("at"),
    text("actor_kind"),
    identifier("actor", nullable=True),
    # Dotted: "identity.signed_in", "release.published", "record.exported" …
    text("action"),
    text("subject", server_default=""),
    sa.Column("detail", Json()),
    # SHA-256 over the previous hash and this row's canonical JSON.
    text("hash", nullable=True),
    sa.Index("ix_sys_audit_at", "at"),
    sa.Index(
        "ix_sys_audit_unsealed",
        "id",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    ),
)

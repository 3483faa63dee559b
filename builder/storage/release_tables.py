"""System tables of apps: immutable releases, their contents, drafts, and the catalogue of physical names."""

import sqlalchemy as sa

from builder.storage.metadata import count, flag, identifier, instant, metadata, reference, text
from builder.storage.types import Json

# Definition files and manifests, by the SHA-256 of their bytes; never changed, never deleted.
blob = sa.Table(
    "sys_blob",
    metadata,
    text("hash", primary_key=True),
    sa.Column("content", sa.LargeBinary(), nullable=False),
)

app = sa.Table(
    "sys_app",
    metadata,
    text("name", primary_key=True),
    # The release in force; null before the first publish.
    sa.Column("active_release", sa.BigInteger()),
    instant("installed_at"),
)

release = sa.Table(
    "sys_release",
    metadata,
    text("app", sa.ForeignKey("sys_app.name"), primary_key=True),
    sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
    # The release's identity: SHA-256 of its package, layer and content hashes.
    text("hash"),
    # Blobs: manifest of the untouched package, the customer's layer, manifest of their folded result.
    text("package_hash"),
    text("layer_hash"),
    text("content_hash"),
    # The version that app.json states.
    text("version", server_default=""),
    # What the plan showed when it was published.
    sa.Column("plan", Json()),
    text("note", server_default=""),
    instant("published_at"),
    identifier("published_by", nullable=True),
)

# Which release of which app was put in force when: the history of the workspace's active set.
activation = sa.Table(
    "sys_activation",
    metadata,
    sa.Column("generation", sa.BigInteger(), primary_key=True, autoincrement=False),
    text("app", sa.ForeignKey("sys_app.name"), primary_key=True),
    sa.Column("release", sa.BigInteger(), nullable=False),
    # publish or rollback
    text("kind"),
    instant("at"),
    identifier("by", nullable=True),
)

# Every physical name ever given. Rows are only added: a renamed field has one for each of its names, with the same
# physical name, and a field whose type changed has one for each way it was stored, so older releases read their data.
physical_name = sa.Table(
    "sys_physical_name",
    metadata,
    # "library.book", "library.book/title", "library.book/copies/shelf"
    text("path", primary_key=True),
    # What is stored there: "table", "text", "decimal(2)" …
    text("storage", primary_key=True),
    text("physical"),
    instant("given_at"),
)

# Work that follows a publish outside its transaction: indexes, unique checks, backfills, conversions.
followup = sa.Table(
    "sys_followup",
    metadata,
    identifier(),
    text("app"),
    sa.Column("release", sa.BigInteger(), nullable=False),
    count("position"),
    # What the form engine is told to do.
    sa.Column("step", Json(), nullable=False),
    # pending, running, done, failed
    text("state", server_default="pending"),
    # Where a resumable batch stands.
    sa.Column("progress", Json()),
    text("error", server_default=""),
    instant("created_at"),
    instant("finished_at", nullable=True),
    sa.Index("ix_sys_followup_state", "state", "app", "release", "position"),
)

draft = sa.Table(
    "sys_draft",
    metadata,
    identifier(),
    text("app"),
    # The release it was begun on; null for an app that has none yet.
    sa.Column("base_release", sa.BigInteger()),
    # open, published, discarded
    text("state", server_default="open"),
    # Raised by every edit, so that two editors notice each other.
    count("version"),
    instant("created_at"),
    identifier("created_by", nullable=True),
    # One open draft per app.
    sa.Index(
        "uq_sys_draft_open",
        "app",
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
)

draft_edit = sa.Table(
    "sys_draft_edit",
    metadata,
    reference("draft", "sys_draft.id", primary_key=True),
    sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
    # "form:order/fields/amount/label"
    text("path"),
    # The edit as JSON text, because its numbers keep their digits: {op, path, value, base, after, command}.
    text("edit"),
    flag("undone"),
    instant("at"),
    identifier("author", nullable=True),
)

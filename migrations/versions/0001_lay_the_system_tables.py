"""Lay the system tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_app",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active_release", sa.BigInteger(), nullable=True),
        sa.Column("installed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sys_app")),
    )
    op.create_table(
        "sys_attempt",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("blocked_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sys_attempt")),
    )
    op.create_table(
        "sys_audit",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("command", Identifier(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", Json(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_audit")),
        sa.UniqueConstraint("position", name=op.f("uq_sys_audit_position")),
    )
    op.create_index("ix_sys_audit_at", "sys_audit", ["at"], unique=False)
    op.create_index(
        "ix_sys_audit_unsealed",
        "sys_audit",
        ["id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "sys_blob",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sys_blob")),
    )
    op.create_table(
        "sys_command",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("result", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_command")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_sys_command_idempotency_key")),
    )
    op.create_index("ix_sys_command_actor", "sys_command", ["actor", "at"], unique=False)
    op.create_index("ix_sys_command_at", "sys_command", ["at"], unique=False)
    op.create_table(
        "sys_department",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", Json(), nullable=False),
        sa.Column("parent", Identifier(), nullable=True),
        sa.Column("head", Identifier(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("archived_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["sys_department.id"], name=op.f("fk_sys_department_parent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_department")),
        sa.UniqueConstraint("code", name=op.f("uq_sys_department_code")),
    )
    op.create_table(
        "sys_draft",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("base_release", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_draft")),
    )
    op.create_index(
        "uq_sys_draft_open",
        "sys_draft",
        ["app"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "sys_followup",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("release", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("step", Json(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("progress", Json(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_followup")),
    )
    op.create_index("ix_sys_followup_state", "sys_followup", ["state", "app", "release", "position"], unique=False)
    op.create_table(
        "sys_person",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="zh", nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("manager", Identifier(), nullable=True),
        sa.Column("substitute", Identifier(), nullable=True),
        sa.Column("absent_from", Instant(), nullable=True),
        sa.Column("absent_until", Instant(), nullable=True),
        sa.Column("attributes", Json(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["manager"], ["sys_person.id"], name=op.f("fk_sys_person_manager")),
        sa.ForeignKeyConstraint(["substitute"], ["sys_person.id"], name=op.f("fk_sys_person_substitute")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_person")),
        sa.UniqueConstraint("login", name=op.f("uq_sys_person_login")),
    )
    op.create_table(
        "sys_physical_name",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("storage", sa.Text(), nullable=False),
        sa.Column("physical", sa.Text(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("path", "storage", name=op.f("pk_sys_physical_name")),
    )
    op.create_table(
        "sys_setting",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Json(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("updated_by", Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("app", "name", name=op.f("pk_sys_setting")),
    )
    op.create_table(
        "sys_workspace",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("clock_offset", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sandbox", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("setup_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_workspace")),
    )
    op.create_table(
        "sys_activation",
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("release", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", Identifier(), nullable=True),
        sa.ForeignKeyConstraint(["app"], ["sys_app.name"], name=op.f("fk_sys_activation_app")),
        sa.PrimaryKeyConstraint("generation", "app", name=op.f("pk_sys_activation")),
    )
    op.create_table(
        "sys_api_token",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", Json(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["sys_person.id"], name=op.f("fk_sys_api_token_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sys_api_token_token_hash")),
    )
    op.create_index("ix_sys_api_token_person", "sys_api_token", ["person"], unique=False)
    op.create_table(
        "sys_department_closure",
        sa.Column("ancestor", Identifier(), nullable=False),
        sa.Column("descendant", Identifier(), nullable=False),
        sa.Column("depth", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["ancestor"], ["sys_department.id"], name=op.f("fk_sys_department_closure_ancestor")),
        sa.ForeignKeyConstraint(
            ["descendant"], ["sys_department.id"], name=op.f("fk_sys_department_closure_descendant")
        ),
        sa.PrimaryKeyConstraint("ancestor", "descendant", name=op.f("pk_sys_department_closure")),
    )
    op.create_index("ix_sys_department_closure_descendant", "sys_department_closure", ["descendant"], unique=False)
    op.create_table(
        "sys_draft_edit",
        sa.Column("draft", Identifier(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("edit", sa.Text(), nullable=False),
        sa.Column("undone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author", Identifier(), nullable=True),
        sa.ForeignKeyConstraint(["draft"], ["sys_draft.id"], name=op.f("fk_sys_draft_edit_draft")),
        sa.PrimaryKeyConstraint("draft", "position", name=op.f("pk_sys_draft_edit")),
    )
    op.create_table(
        "sys_membership",
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("department", Identifier(), nullable=False),
        sa.Column("main", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["sys_department.id"], name=op.f("fk_sys_membership_department")),
        sa.ForeignKeyConstraint(["person"], ["sys_person.id"], name=op.f("fk_sys_membership_person")),
        sa.PrimaryKeyConstraint("person", "department", name=op.f("pk_sys_membership")),
    )
    op.create_index("ix_sys_membership_department", "sys_membership", ["department"], unique=False)
    op.create_table(
        "sys_release",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("package_hash", sa.Text(), nullable=False),
        sa.Column("layer_hash", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("plan", Json(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("published_by", Identifier(), nullable=True),
        sa.ForeignKeyConstraint(["app"], ["sys_app.name"], name=op.f("fk_sys_release_app")),
        sa.PrimaryKeyConstraint("app", "number", name=op.f("pk_sys_release")),
    )
    op.create_table(
        "sys_role_grant",
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("granted_by", Identifier(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["sys_person.id"], name=op.f("fk_sys_role_grant_person")),
        sa.PrimaryKeyConstraint("person", "role", name=op.f("pk_sys_role_grant")),
    )
    op.create_index("ix_sys_role_grant_role", "sys_role_grant", ["role"], unique=False)
    op.create_table(
        "sys_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("data", Json(), nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["sys_person.id"], name=op.f("fk_sys_session_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sys_session")),
    )
    op.create_index("ix_sys_session_expires_at", "sys_session", ["expires_at"], unique=False)
    op.create_index("ix_sys_session_person", "sys_session", ["person"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_sys_session_person", table_name="sys_session")
    op.drop_index("ix_sys_session_expires_at", table_name="sys_session")
    op.drop_table("sys_session")
    op.drop_index("ix_sys_role_grant_role", table_name="sys_role_grant")
    op.drop_table("sys_role_grant")
    op.drop_table("sys_release")
    op.drop_index("ix_sys_membership_department", table_name="sys_membership")
    op.drop_table("sys_membership")
    op.drop_table("sys_draft_edit")
    op.drop_index("ix_sys_department_closure_descendant", table_name="sys_department_closure")
    op.drop_table("sys_department_closure")
    op.drop_index("ix_sys_api_token_person", table_name="sys_api_token")
    op.drop_table("sys_api_token")
    op.drop_table("sys_activation")
    op.drop_table("sys_workspace")
    op.drop_table("sys_setting")
    op.drop_table("sys_physical_name")
    op.drop_table("sys_person")
    op.drop_index("ix_sys_followup_state", table_name="sys_followup")
    op.drop_table("sys_followup")
    op.drop_index(
        "uq_sys_draft_open",
        table_name="sys_draft",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("sys_draft")
    op.drop_table("sys_department")
    op.drop_index("ix_sys_command_at", table_name="sys_command")
    op.drop_index("ix_sys_command_actor", table_name="sys_command")
    op.drop_table("sys_command")
    op.drop_table("sys_blob")
    op.drop_index(
        "ix_sys_audit_unsealed",
        table_name="sys_audit",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.drop_index("ix_sys_audit_at", table_name="sys_audit")
    op.drop_table("sys_audit")
    op.drop_table("sys_attempt")
    op.drop_table("sys_app")

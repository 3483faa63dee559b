"""System tables of people: departments, memberships, roles, sessions, tokens, failed sign-ins."""

import sqlalchemy as sa

from builder.storage.metadata import count, flag, identifier, instant, metadata, reference, text
from builder.storage.types import Json

department = sa.Table(
    "sys_department",
    metadata,
    identifier(),
    # Stable key for imports; unique.
    text("code", unique=True),
    # In the workspace's language, for lists and expressions.
    text("name"),
    # {"zh": …, "en": …}
    sa.Column("labels", Json(), nullable=False),
    reference("parent", "sys_department.id", nullable=True),
    # The person who leads it; no foreign key, because people point to departments.
    identifier("head", nullable=True),
    count("position"),
    instant("archived_at", nullable=True),
)

# Each department with itself and all above it, kept with every move: "and below" is one indexed join.
department_closure = sa.Table(
    "sys_department_closure",
    metadata,
    reference("ancestor", "sys_department.id", primary_key=True),
    reference("descendant", "sys_department.id", primary_key=True),
    count("depth"),
    sa.Index("ix_sys_department_closure_descendant", "descendant"),
)

person = sa.Table(
    "sys_person",
    metadata,
    identifier(),
    # What is typed to sign in: lower case, unique.
    text("login", unique=True),
    text("name"),
    # For sorting and finding by pinyin.
    text("name_key", server_default=""),
    text("email", server_default=""),
    text("phone", server_default=""),
    text("locale", server_default="zh"),
    # argon2id; empty where the person cannot sign in with a password.
    text("password_hash", server_default=""),
    reference("manager", "sys_person.id", nullable=True),
    # Who stands in, from when until when.
    reference("substitute", "sys_person.id", nullable=True),
    instant("absent_from", nullable=True),
    instant("absent_until", nullable=True),
    # Further facts, read in expressions as ``my.<name>``.
    sa.Column("attributes", Json()),
    flag("active", default=True),
    # Raised when rights, password or state change: sessions that carry an older one are read anew.
    count("version"),
    instant("created_at"),
)

membership = sa.Table(
    "sys_membership",
    metadata,
    reference("person", "sys_person.id", primary_key=True),
    reference("department", "sys_department.id", primary_key=True),
    # Exactly one main department per person who is in any.
    flag("main"),
    # What the person is there: "Head of sales".
    text("post", server_default=""),
    sa.Index("ix_sys_membership_department", "department"),
)

# Roles given to people; the roles themselves stand in the apps, but for "sys.admin" and "sys.builder".
role_grant = sa.Table(
    "sys_role_grant",
    metadata,
    reference("person", "sys_person.id", primary_key=True),
    # Qualified: "library.librarian".
    text("role", primary_key=True),
    instant("granted_at"),
    identifier("granted_by", nullable=True),
    sa.Index("ix_sys_role_grant_role", "role"),
)

session = sa.Table(
    "sys_session",
    metadata,
    # SHA-256 of the random token in the cookie.
    text("token_hash", primary_key=True),
    reference("person", "sys_person.id"),
    # CSRF secret and what pages keep for the visit.
    sa.Column("data", Json()),
    text("address", server_default=""),
    text("agent", server_default=""),
    instant("created_at"),
    instant("seen_at"),
    instant("expires_at"),
    sa.Index("ix_sys_session_person", "person"),
    sa.Index("ix_sys_session_expires_at", "expires_at"),
)

api_token = sa.Table(
    "sys_api_token",
    metadata,
    identifier(),
    reference("person", "sys_person.id"),
    text("label"),
    # SHA-256 of the token.
    text("token_hash", unique=True),
    # List of "read", "write", "admin", each alone or narrowed to an app: "write:library".
    sa.Column("scopes", Json(), nullable=False),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("used_at", nullable=True),
    instant("revoked_at", nullable=True),
    sa.Index("ix_sys_api_token_person", "person"),
)

# Failed attempts, counted per key (login, address) and window.
attempt = sa.Table(
    "sys_attempt",
    metadata,
    text("key", primary_key=True),
    count("failures"),
    instant("first_at"),
    instant("blocked_until", nullable=True),
)

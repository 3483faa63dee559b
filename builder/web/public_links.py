"""Public links: who may make one, and what an answer through one does."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.link_tables import public_link
from builder.workspace import Work
from engines.core import AccessDenied, StateConflict, new_id

LIFE = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLink:
    """A link that is good."""

    id: UUID
    # Qualified form name.
    form: str
    prefill: Mapping[str, Any]
    expires_at: datetime | None


def create_link(work: Work, form: str, prefill: Mapping[str, Any], *, most: int = 0) -> str:
    """The token of a new link, shown once; for those whose roles may share the form's records.

    ``prefill``: ids of records and the like for fields that the form's ``public.prefill`` names.
    """
    if not work.records.may(form, "share"):
        raise AccessDenied("share", form)
    _require_visible(work, form, prefill)
    token = secrets.token_urlsafe(24)
    work.connection.execute(
        sa.insert(public_link).values(
            id=new_id(),
            token_hash=_hash(token),
            form=form,
            prefill=dict(prefill),
            created_at=work.instant,
            created_by=work.principal.id,
            expires_at=work.instant + LIFE,
            most=most,
        )
    )
    work.audit("public_link.created", form, {"prefill": sorted(prefill)})
    return token


def _require_visible(work: Work, form: str, prefill: Mapping[str, Any]) -> None:
    """``AccessDenied`` where a link would carry a record that its sender may not see."""
    app, _, name = form.partition(".")
    fields = work.apps[app].forms[name].fields
    for key, value in prefill.items():
        target = fields[key].target if key in fields else ""
        if target and work.records.get(target, UUID(str(value))) is None:
            raise AccessDenied("share", target)


def find_link(connection: Connection, token: str, now: datetime) -> PublicLink | None:
    """The link behind a token; None where it is unknown, expired, revoked or has all its answers."""
    row = connection.execute(sa.select(public_link).where(public_link.c.token_hash == _hash(token))).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.most and row.answers >= row.most:
        return None
    return PublicLink(id=row.id, form=row.form, prefill=row.prefill, expires_at=row.expires_at)


def count_answer(work: Work, link: PublicLink) -> None:
    """Counts one answer; ``StateConflict`` where the last one was just given."""
    table = public_link.c
    free = sa.or_(table.most == 0, table.answers < table.most)
    statement = sa.update(public_link).where(table.id == link.id, table.revoked_at.is_(None), free)
    if work.connection.execute(statement.values(answers=table.answers + 1)).rowcount != 1:
        raise StateConflict("public_link.used_up")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

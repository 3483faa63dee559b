"""Stock phrases (常用语): what people write again and again when they decide; their own, and those of an app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.rights import require_process_admin
from builder.storage.runtime_tables import phrase as table
from builder.workspace.work import Work
from engines.core import AccessDenied, InputError, InputProblem, new_id

LONGEST = 500
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One phrase."""

    id: UUID
    text: str
    # Empty for one's own.
    app: str


def phrases(work: Work, app: str = "") -> Sequence[Phrase]:
    """One's own phrases, then those of ``app``; of all apps where none is named."""
    own = sa.and_(table.c.person == work.principal.id, table.c.person.is_not(None))
    shared = sa.and_(table.c.person.is_(None), table.c.app == app if app else sa.true())
    query = sa.select(table).where(sa.or_(own, shared)).order_by(table.c.person.is_(None), table.c.app, table.c.id)
    return [Phrase(id=row.id, text=row.text, app=row.app) for row in work.connection.execute(query)]


def add_phrase(work: Work, text: str, app: str = "") -> UUID:
    """The id of a new phrase: one's own, or with ``app`` one for all its people, which only its builders may add."""
    person = work.principal.id
    if app:
        require_process_admin(work.principal, app, "phrase.add")
    elif person is None:
        raise AccessDenied("phrase.add")
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise InputError([InputProblem(pointer="/text", code="phrase.length", params={"max": LONGEST})])
    mine = table.c.app == app if app else table.c.person == person
    count = sa.select(sa.func.count()).where(mine)
    if work.connection.execute(count).scalar_one() >= MOST:
        raise InputError([InputProblem(pointer="/text", code="phrase.too_many", params={"max": MOST})])
    row = {"id": new_id(), "person": None if app else person, "app": app, "text": text, "created_at": work.instant}
    work.connection.execute(table.insert(), row)
    return row["id"]  # type: ignore[return-value]


def remove_phrase(work: Work, id: UUID) -> None:
    """Takes a phrase away; ``AccessDenied`` for those of others."""
    row = work.connection.execute(sa.select(table).where(table.c.id == id)).one_or_none()
    if row is None or (row.person is not None and row.person != work.principal.id):
        raise AccessDenied("phrase.remove")
    if row.person is None:
        require_process_admin(work.principal, row.app, "phrase.remove")
    work.connection.execute(table.delete().where(table.c.id == id))

"""Looking through somebody's eyes: an admin's visit that shows what a person sees, and can change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.engine import Connection

from builder.identity.principals import principal_of
from builder.identity.rights import ADMIN, require_admin
from builder.identity.sessions import Session, keep_in_session
from builder.workspace import Work
from engines.core import AccessDenied, Principal

# After this the visit is the admin's own again.
LONGEST = timedelta(minutes=30)
_KEY = "looks_as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whose eyes, and until when."""

    # As the person, but unable to change anything.
    principal: Principal
    until: datetime


def begin_look(work: Work, session: Session, person: UUID, now: datetime) -> None:
    """From now on the visit shows what the person sees; audited. ``now``: the machine's clock, as for sessions."""
    require_admin(work.principal, "rights.look")
    if person == work.principal.id or principal_of(work.connection, person) is None:
        raise AccessDenied("rights.look")
    until = now + LONGEST
    kept = {_KEY: {"person": str(person), "until": until.isoformat(), "by": str(work.principal.id)}}
    keep_in_session(work.connection, session.token_hash, {**session.data, **kept})
    work.audit("rights.look_begun", str(person), {"until": until.isoformat()})


def end_look(work: Work, session: Session) -> None:
    """The visit is the admin's own again; audited."""
    kept = dict(session.data)
    found = kept.pop(_KEY, None)
    keep_in_session(work.connection, session.token_hash, kept)
    if found:
        work.audit("rights.look_ended", str(found["person"]))


def look_of(connection: Connection, session: Session, who: Principal, now: datetime) -> Look | None:
    """Whose eyes the visit of ``who`` looks through; None where through no one's, or no longer."""
    kept = session.data.get(_KEY)
    if not kept or ADMIN not in who.roles or kept["by"] != str(who.id):
        return None
    until = datetime.fromisoformat(kept["until"])
    seen = principal_of(connection, UUID(kept["person"])) if now < until else None
    return Look(principal=replace(seen, looks_only=True), until=until) if seen is not None else None

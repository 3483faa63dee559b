"""Links to tasks in mails and chats: signed for one person and one task, good for a while, behind the sign-in.

The token is the task, the person, the last second of its life and a MAC over them, under a key of the workspace that
never leaves the database. A link gives no right: the person needs what they would need without it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.workspace_tables import workspace
from builder.workspace.work import Work

LIFE = timedelta(days=30)
_SECONDS, _MAC = 5, 16
_LENGTH = 16 + 16 + _SECONDS + _MAC


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLink:
    """What a link says."""

    task: UUID
    person: UUID
    expires_at: datetime


def link_address(work: Work, task: UUID, person: UUID) -> str:
    """The absolute address of a new link; in a command, because the first one of a workspace makes its key."""
    return f"{work.workspace.settings.address}/t/{make_token(work, task, person)}"


def make_token(work: Work, task: UUID, person: UUID) -> str:
    """A token for one person and one task."""
    expires = int((work.instant + LIFE).timestamp())
    said = task.bytes + person.bytes + expires.to_bytes(_SECONDS, "big")
    token = base64.urlsafe_b64encode(said + _mac(_key(work), said))
    return token.decode().rstrip("=")


def read_token(connection: Connection, token: str) -> TaskLink | None:
    """What a token says, or None where this workspace has not made it. It may have expired."""
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    key = connection.execute(sa.select(workspace.c.signing_key)).scalar_one()
    if len(data) != _LENGTH or not key:
        return None
    said, mac = data[:-_MAC], data[-_MAC:]
    if not hmac.compare_digest(mac, _mac(key, said)):
        return None
    expires = datetime.fromtimestamp(int.from_bytes(said[32:], "big"), UTC)
    return TaskLink(task=UUID(bytes=said[:16]), person=UUID(bytes=said[16:32]), expires_at=expires)


def _mac(key: str, said: bytes) -> bytes:
    return hmac.new(key.encode(), b"dougong task link 1" + said, hashlib.sha256).digest()[:_MAC]


def _key(work: Work) -> str:
    """The workspace's key; made where there is none. Of two who make one at once the first one's stays."""
    found: str = work.connection.execute(sa.select(workspace.c.signing_key)).scalar_one()
    if found:
        return found
    fresh = sa.update(workspace).where(workspace.c.signing_key == "").values(signing_key=secrets.token_urlsafe(32))
    work.connection.execute(fresh)
    return work.connection.execute(sa.select(workspace.c.signing_key)).scalar_one()  # type: ignore[no-any-return]

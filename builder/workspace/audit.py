"""The audit trail: one line per thing worth proving later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.workspace_tables import audit
from engines.core import Principal, new_id


def record_audit(
    connection: Connection,
    *,
    at: datetime,
    principal: Principal,
    action: str,
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
    command: UUID | None = None,
) -> None:
    """Writes one line; ``detail`` is JSON data. It is chained to the lines before it later, by ``seal``."""
    connection.execute(
        sa.insert(audit).values(
            id=new_id(),
            at=at,
            actor_kind=principal.kind.value,
            actor=principal.id,
            action=action,
            subject=subject,
            detail=dict(detail) if detail else None,
            command=command,
        )
    )

"""Who may start, see and administer processes and tasks. Default is no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.rights import may_build
from builder.storage.runtime_tables import process_instance, task_candidate, task_copy
from builder.storage.runtime_tables import task as task_table
from engines.core import AccessDenied, Principal, PrincipalKind

if TYPE_CHECKING:
    from builder.runtime.around import Around


def is_process_admin(principal: Principal, app: str) -> bool:
    """Whether the principal may see and mend every instance of an app: who may change the app."""
    return may_build(principal, app)


def require_process_admin(principal: Principal, app: str, action: str) -> None:
    """``AccessDenied`` for everybody else."""
    if not is_process_admin(principal, app):
        raise AccessDenied(action, app)


def require_to_start(around: Around, name: str, subject: tuple[str, UUID] | None) -> None:
    """``AccessDenied`` unless the acting person may see the record that the process would be about.

    A process without a subject is started by the app itself, the system, and its admins.
    """
    principal = around.work.principal
    app = name.split(".", 1)[0]
    if principal.kind in (PrincipalKind.SYSTEM, PrincipalKind.APP) or is_process_admin(principal, app):
        return
    if subject is None or not around.may_see(*subject):
        raise AccessDenied("process.start", name)


def is_offered(principal: Principal, row: sa.Row[Any], around: Around) -> bool:
    """Whether the principal is among those a task was offered to."""
    names = [str(principal.id), *principal.roles, *(str(found) for found in principal.departments)]
    table = task_candidate
    mine = sa.select(table.c.task_id).where(table.c.task_id == row.id, table.c.value.in_(names)).limit(1)
    return around.work.connection.execute(mine).first() is not None


def may_act(principal: Principal, row: sa.Row[Any], around: Around) -> bool:
    """Whether the principal may complete an open task: it is theirs, or nobody's and offered to them."""
    if principal.id is None:
        return False
    if row.assignee is not None:
        return bool(row.assignee == principal.id)
    return is_offered(principal, row, around)


def concerns(principal: Principal, row: sa.Row[Any], around: Around) -> bool:
    """Whether the principal may see a task: all who have, had, may take, started, were copied or administer it."""
    if principal.id is None:
        return principal.kind is PrincipalKind.SYSTEM
    return is_process_admin(principal, row.app) or is_shown(principal, row, around)


def is_shown(principal: Principal, row: sa.Row[Any], around: Around) -> bool:
    """Whether a task shows the principal its step's part of the record; who only administers it has no part in that."""
    if principal.id is None:
        return principal.kind is PrincipalKind.SYSTEM
    if principal.id in (row.assignee, row.initiator, row.delegated_by, row.closed_by):
        return True
    administers = is_process_admin(principal, row.app)
    if is_offered(principal, row, around) or (not administers and around.may_stop_clock(row)):
        return True
    copies = sa.select(task_copy.c.task_id).where(task_copy.c.task_id == row.id, task_copy.c.person == principal.id)
    return around.work.connection.execute(copies).first() is not None or takes_part(principal, row.instance_id, around)


def takes_part(principal: Principal, instance_id: UUID | None, around: Around) -> bool:
    """Whether the principal started the instance or has had a task of it."""
    if instance_id is None or principal.id is None:
        return False
    mine = sa.or_(task_table.c.assignee == principal.id, task_table.c.closed_by == principal.id)
    tasks = sa.select(task_table.c.id).where(task_table.c.instance_id == instance_id, mine).limit(1)
    started = sa.select(process_instance.c.id).where(
        process_instance.c.id == instance_id, process_instance.c.started_by == principal.id
    )
    connection = around.work.connection
    return connection.execute(tasks).first() is not None or connection.execute(started).first() is not None

"""What people put beside a decision or a comment on a task: attached files, and their signature."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from builder.files import FileInfo, holder_of
from builder.files.registry import ATTACHED, STAGED, file_infos
from builder.storage.file_tables import file as table
from builder.storage.runtime_tables import task
from builder.workspace.work import Work
from engines.core import InputError, InputProblem

# The place of such files where those of records have their form; no app can have this name.
FORM = "sys.task"
ATTACHMENT, SIGNATURE = "attachment", "signature"
MOST = 20


def attach(work: Work, task_id: UUID, files: Sequence[UUID], field: str) -> None:
    """Binds files that the acting person has uploaded for a task; ``InputError`` where one is not theirs or too old."""
    if not files:
        return
    if len(set(files)) > MOST:
        raise InputError([InputProblem(pointer=f"/{field}", code="task.too_many_files", params={"max": MOST})])
    mine = (table.c.state == STAGED, table.c.form == FORM, table.c.field == field)
    waiting = sa.and_(table.c.id.in_(list(files)), table.c.holder == holder_of(work.principal), *mine)
    values = {"state": ATTACHED, "record_id": task_id, "attached_at": work.instant}
    if work.connection.execute(table.update().where(waiting).values(values)).rowcount != len(set(files)):
        raise InputError([InputProblem(pointer=f"/{field}", code="task.file_gone")])


def evidence_of(work: Work, instance_id: UUID | None, task_id: UUID) -> Sequence[tuple[FileInfo, UUID | None, object]]:
    """(file, who attached it, when) of all tasks of an instance, or of the one task that has none; oldest first."""
    tasks = sa.select(task.c.id).where(task.c.instance_id == instance_id) if instance_id else [task_id]
    where = (table.c.form == FORM, table.c.record_id.in_(tasks), table.c.state == ATTACHED)
    rows = work.connection.execute(
        sa.select(table.c.id, table.c.created_by, table.c.attached_at).where(*where).order_by(table.c.attached_at)
    ).all()
    known = {info.id: info for info in file_infos(work.connection, *where)}
    return [(known[row.id], row.created_by, row.attached_at) for row in rows if row.id in known]


def belongs(work: Work, info: FileInfo, instance_id: UUID | None, task_id: UUID) -> bool:
    """Whether a file was put beside this task, or beside another one of its instance."""
    if info.form != FORM or info.state != ATTACHED:
        return False
    if info.record_id == task_id or instance_id is None:
        return info.record_id == task_id
    of_task = sa.select(task.c.instance_id).where(task.c.id == info.record_id)
    return work.connection.execute(of_task).scalar_one_or_none() == instance_id

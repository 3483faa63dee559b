"""What people have to do: the ``Workload`` port of the process engine, by which work is distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from builder.storage.runtime_tables import process_instance
from builder.storage.runtime_tables import task as task_table


@dataclass(frozen=True, slots=True)
class Workload:
    """How much people have to do."""

    connection: sa.Connection
    app: str

    def open_tasks(self, people: Sequence[UUID]) -> Mapping[UUID, int]:
        """Open tasks of each of ``people``."""
        table = task_table
        mine = sa.and_(table.c.assignee.in_(list(people)), table.c.status == "open")
        query = sa.select(table.c.assignee, sa.func.count()).where(mine).group_by(table.c.assignee)
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def last_given(self, process: str, node: str, people: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When each of ``people`` last got a task of this step."""
        table, instance = task_table, process_instance
        mine = (table.c.assignee.in_(list(people)), table.c.app == self.app, table.c.node == node)
        query = (
            sa.select(table.c.assignee, sa.func.max(table.c.created_at, type_=table.c.created_at.type))
            .join(instance, instance.c.id == table.c.instance_id)
            .where(*mine, instance.c.process == process)
            .group_by(table.c.assignee)
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

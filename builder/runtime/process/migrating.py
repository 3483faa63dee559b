"""Running instances taken from one release's process to another's: tried first, done one by one, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.process import instances
from builder.runtime.process.instances import Instance
from builder.runtime.rights import require_process_admin
from builder.storage.runtime_tables import process_history, process_instance
from engines.core import AccessDenied, StateConflict
from engines.process.graph import CompiledProcess
from engines.process.migration import Obstacle, migrate, obstacles, undo
from engines.process.state import InstanceState
from engines.process.stepping import StepResult

if TYPE_CHECKING:
    from builder.runtime.around import Around

# Kinds of history rows: the first one keeps the state before, for taking it back.
MIGRATED, UNDONE = "migrated", "migration.undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What would happen to one instance."""

    id: UUID
    release: int
    subject: tuple[str, UUID] | None
    # Where it stands.
    nodes: Sequence[str]
    # Why it cannot be taken over; empty where it can.
    obstacles: Sequence[Obstacle]


class Migrations:
    """``work.service("migrations")``: for those who answer for the app's processes."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._work = around.work
        self._shell = around.processes.shell

    def waiting(self, app: str, process: str, *, after: UUID | None = None, limit: int | None = None) -> list[UUID]:
        """Running instances that keep an older graph than the one in force, oldest first: ``limit`` after one of them.

        Ids grow with time, so that they are the cursor: nobody reads all that wait in order to act on some.
        """
        table = process_instance
        query = sa.select(table.c.id).where(self._older(app, process)).order_by(table.c.id).limit(limit)
        if after is not None:
            query = query.where(table.c.id > after)
        return list(self._work.connection.execute(query).scalars())

    def count(self, app: str, process: str) -> int:
        """How many there are."""
        query = sa.select(sa.func.count()).select_from(process_instance).where(self._older(app, process))
        return self._work.connection.execute(query).scalar_one()

    def _older(self, app: str, process: str) -> sa.ColumnElement[bool]:
        require_process_admin(self._work.principal, app, "process.migrate")
        table, current = process_instance, self._around.process(app, process)
        return sa.and_(
            table.c.app == app,
            table.c.process == process,
            table.c.status == "running",
            table.c.definition_hash != current.hash,
        )

    def try_out(self, ids: Sequence[UUID], mapping: Mapping[str, str]) -> Iterator[Trial]:
        """What the mapping would do to each instance; nothing is changed."""
        for id in ids:
            instance, source, target = self._graphs(id, lock=False)
            yield Trial(
                id=id,
                release=instance.release,
                subject=instance.subject,
                nodes=sorted({token.node for token in instance.state.tokens.values()}),
                obstacles=obstacles(source, target, instance.state, mapping),
            )

    def nodes_in_use(self, ids: Sequence[UUID]) -> list[str]:
        """Nodes at which the instances stand: those a mapping has to speak of."""
        return sorted({name for trial in self.try_out(ids, {}) for name in trial.nodes})

    def migrate(self, id: UUID, mapping: Mapping[str, str]) -> None:
        """Takes one instance to the release in force. ``StateConflict`` with the first obstacle where it cannot be."""
        instance, source, target = self._graphs(id)
        self._work.audit("process.migrate", str(id))
        found = obstacles(source, target, instance.state, mapping)
        if found:
            raise StateConflict(found[0].code, node=found[0].node, found=found[0].found)
        current = self._around.process(instance.app, instance.process)
        before = (instance.release, instance.definition_hash, instance.state)
        result = migrate(source, target, instance.state, mapping, self._shell.surroundings(instance, target))
        kept = {"before": before[2].to_json(), "release": before[0], "hash": before[1]}
        self._move(instance, current.release, current.hash, result, kept)

    def undo(self, id: UUID) -> None:
        """Takes an instance back to where it was before. ``StateConflict`` where something has happened since."""
        instance, _, _ = self._graphs(id)
        self._work.audit("process.migration_undo", str(id))
        table = process_history
        last = sa.select(table.c.kind, table.c.data).where(table.c.instance_id == id).order_by(table.c.number.desc())
        row = self._work.connection.execute(last.limit(1)).one()
        if row.kind != MIGRATED:
            raise StateConflict("process.migration.moved_on", instance=str(id))
        before = InstanceState.from_json(row.data["before"])
        instance.release, instance.definition_hash = row.data["release"], row.data["hash"]
        graph = self._shell.graph(instance)
        result = undo(graph, before, instance.state, self._shell.surroundings(instance, graph))
        self._move(instance, row.data["release"], row.data["hash"], result, None)

    def _graphs(self, id: UUID, *, lock: bool = True) -> tuple[Instance, CompiledProcess, CompiledProcess]:
        """The instance with its own graph and the one in force."""
        shell = self._shell
        instance = shell.hold(id) if lock else instances.look_at(self._work.connection, id)
        if instance is None:
            raise AccessDenied("process.see", str(id))
        require_process_admin(self._work.principal, instance.app, "process.migrate")
        if instance.state.ended:
            raise StateConflict("process.not_running", instance=str(id), status=instance.state.status.value)
        return instance, shell.graph(instance), self._around.process(instance.app, instance.process).graph

    def _move(
        self, instance: Instance, release: int, hash: str, result: StepResult, kept: Mapping[str, Any] | None
    ) -> None:
        """Writes the result; the row about it is the last, so that it tells whether anything happened since."""
        moved = [entry for entry in result.history if entry.kind == MIGRATED]
        others = [entry for entry in result.history if entry.kind != MIGRATED]
        instances.save(self._work.connection, instance, result.state, [*others, *moved], self._work.instant)
        table = process_instance
        identity = {"release": release, "definition_hash": hash}
        self._work.connection.execute(table.update().where(table.c.id == instance.id).values(**identity))
        instance.release, instance.definition_hash = release, hash
        if kept is not None:
            self._keep(instance, kept)
        self._shell.carry_out(instance, result.effects)

    def _keep(self, instance: Instance, kept: Mapping[str, Any]) -> None:
        """Puts what undoing needs into the row about the migration."""
        table = process_history
        mine = sa.and_(table.c.instance_id == instance.id, table.c.number == instance.history_length)
        data = self._work.connection.execute(sa.select(table.c.data).where(mine)).scalar_one()
        self._work.connection.execute(table.update().where(mine).values(data={**data, **kept}))

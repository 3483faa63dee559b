"""The catalogue of physical names in the database, behind the form engine's ``PhysicalNames`` port."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.release_tables import physical_name
from engines.form.storage.physical import TABLE, Path, free_name


class DatabasePhysicalNames:
    """Names as one transaction sees them, read once; what is allocated is written at once.

    Without ``at`` it only reads: ``allocate`` and ``rename`` are for publishing.
    """

    def __init__(self, connection: Connection, *, at: datetime | None = None) -> None:
        self._connection = connection
        self._at = at
        rows = connection.execute(sa.select(physical_name))
        self._names = {(tuple(row.path.split("/")), row.storage): row.physical for row in rows}

    def find(self, path: Path, storage: str) -> str | None:
        """The physical name, or None where none was given yet."""
        return self._names.get((path, storage))

    def has(self, path: Path) -> bool:
        """Whether a name was given to ``path``, in whatever way it is stored."""
        return any(known == path for known, _ in self._names)

    def allocate(self, path: Path, storage: str, wanted: str) -> str:
        """A new name, ``wanted`` or like it, unique within its table (for tables: within the database)."""
        if (path, storage) not in self._names:
            self._add(path, storage, free_name(wanted, self._taken(path, storage)))
        return self._names[path, storage]

    def rename(self, old: Path, new: Path) -> None:
        """Lets ``new`` and everything below it mean what ``old`` means; ``old`` keeps its meaning."""
        for (path, storage), name in list(self._names.items()):
            target = (*new, *path[len(old) :])
            if path[: len(old)] == old and (target, storage) not in self._names:
                self._add(target, storage, name)

    def _taken(self, path: Path, storage: str) -> set[str]:
        if storage == TABLE:
            return {name for (_, kind), name in self._names.items() if kind == TABLE}
        # By table, not by path: a renamed form has one table under two paths.
        table = self._names.get((path[:-1], TABLE))
        owners = {other for (other, kind), name in self._names.items() if kind == TABLE and name == table}
        return {name for (other, kind), name in self._names.items() if kind != TABLE and other[:-1] in owners}

    def _add(self, path: Path, storage: str, name: str) -> None:
        if self._at is None:
            raise RuntimeError("this catalogue of names was opened for reading")
        self._names[path, storage] = name
        row = {"path": "/".join(path), "storage": storage, "physical": name, "given_at": self._at}
        self._connection.execute(sa.insert(physical_name).values(row))

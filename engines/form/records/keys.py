"""Keys by which other systems know records: for upserts and merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import insert, select

from engines.form.records.prepared import chunks
from engines.form.records.world import World
from engines.form.storage.support import EXTERNAL_KEYS


class KeyBook:
    """The external keys of records; a record may have several."""

    def __init__(self, world: World) -> None:
        self._world = world

    def find(self, form: str, source: str, keys: Sequence[str]) -> dict[str, UUID]:
        """Ids of the records that ``source`` knows by ``keys``."""
        table = EXTERNAL_KEYS.c
        found: dict[str, UUID] = {}
        for part in chunks(list(keys)):
            query = select(table.key, table.record).where(
                table.form == form, table.source == source, table.key.in_(part)
            )
            found |= {row[0]: row[1] for row in self._world.connection.execute(query)}
        return found

    def add(self, form: str, source: str, keys: Mapping[str, UUID]) -> None:
        """Notes which record each key stands for; a key that is taken is the database's ``IntegrityError``."""
        rows = [{"form": form, "source": source, "key": key, "record": record} for key, record in keys.items()]
        if rows:
            self._world.connection.execute(insert(EXTERNAL_KEYS), rows)

    def of(self, record: UUID) -> list[tuple[str, str]]:
        """Source and key of every name that a record has elsewhere."""
        table = EXTERNAL_KEYS.c
        query = select(table.source, table.key).where(table.record == record).order_by(table.source, table.key)
        return [(row[0], row[1]) for row in self._world.connection.execute(query)]

"""What is known of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.file_tables import file
from engines.core.ports import StoredFile

RECEIVING, STAGED, ATTACHED, DOOMED = "receiving", "staged", "attached", "doomed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One file that is there: staged or attached."""

    id: UUID
    blob: str
    name: str
    type: str
    size: int
    sha256: str
    thumbnail: bool
    state: str
    form: str
    field: str
    record_id: UUID | None
    holder: str

    @property
    def stored(self) -> StoredFile:
        """The part that records keep."""
        return StoredFile(id=self.id, name=self.name, size=self.size, type=self.type)


_COLUMNS = tuple(file.c[name] for name in FileInfo.__dataclass_fields__)


def file_info(connection: Connection, id: UUID) -> FileInfo | None:
    """The file of that id, or None."""
    return next(iter(file_infos(connection, file.c.id == id)), None)


def file_infos(connection: Connection, *where: Any) -> list[FileInfo]:
    """The files that are there and meet the conditions."""
    query = sa.select(*_COLUMNS).where(file.c.state.in_((STAGED, ATTACHED)), *where)
    return [FileInfo(**row._mapping) for row in connection.execute(query)]


def thumbnail_key(blob: str) -> str:
    """Key of the small picture beside a picture."""
    return f"{blob}.webp"

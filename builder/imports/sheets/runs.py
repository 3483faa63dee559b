"""The row of an import: what was brought, what was chosen, how far it has come."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa

from builder.files.blobs import BlobStore
from builder.files.receiving import clean_name
from builder.imports.reading import inspect_file, open_data_file
from builder.imports.sheets.drafting import Refusal
from builder.imports.sheets.mapping import SheetMapping, memory_of
from builder.imports.sheets.staged import Staged, stage
from builder.messages import messages
from builder.storage.import_tables import import_memory, import_problem, import_record, import_run
from builder.storage.upsert import upsert
from builder.workspace import Work, Workspace
from engines.core import InputError, InputProblem, LocalizedText, Principal, new_id

# While these last, a job works on the import.
WORKING = frozenset({"checking", "running", "undoing"})
# States from which the mapping may still be chosen.
OPEN = frozenset({"uploaded", "checked", "failed"})
# Problems that are kept of one import; the counts go on.
MOST_PROBLEMS = 200_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One import."""

    id: UUID
    app: str
    # Qualified.
    form: str
    person: UUID | None
    state: str
    file_name: str
    blob: str
    # Format, encoding, first lines of each sheet.
    inspected: Mapping[str, Any]
    mapping: SheetMapping | None
    done: int
    total: int
    counts: Mapping[str, int]
    shown: Mapping[str, Any]
    error: Mapping[str, Any] | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_working(self) -> bool:
        """Whether a job works on it."""
        return self.state in WORKING


def receive(workspace: Workspace, principal: Principal, form: str, stream: IO[bytes], name: str) -> UUID:
    """Keeps a table that somebody brings; ``InputError`` where it is too large or cannot be read."""
    name = clean_name(name)
    with tempfile.TemporaryDirectory(prefix="dougong-import-") as folder:
        path = Path(folder) / "table"
        _copy(stream, path, workspace.files.largest, name)
        found = inspect_file(path, name)
        if not any(len(sheet.lines) > 1 for sheet in found.sheets):
            raise InputError([InputProblem(pointer="", code="import.no_lines")])
        blob = BlobStore.new_key()
        workspace.files.blobs.put(blob, path)
    sheets = [
        {"name": s.name, "merged": s.merged, "lines": [[n, list(cells)] for n, cells in s.lines]} for s in found.sheets
    ]
    row = {
        "id": new_id(),
        "app": form.partition(".")[0],
        "form": form,
        "person": principal.id,
        "state": "uploaded",
        "file_name": name,
        "blob": blob,
        "inspected": {"format": found.format, "encoding": found.encoding, "sheets": sheets},
        "counts": {},
        "shown": {},
        "created_at": workspace.clock.now(),
    }
    with workspace.database.write() as connection:
        connection.execute(import_run.insert(), row)
    return row["id"]  # type: ignore[return-value]


def _copy(stream: IO[bytes], path: Path, most: int, name: str) -> None:
    size = 0
    with path.open("wb") as target:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise InputError(
                    [InputProblem(pointer="", code="form.file_too_large", params={"name": name, "max": most})]
                )
            target.write(chunk)
    if not size:
        raise InputError([InputProblem(pointer="", code="file.empty", params={"name": name})])


def find_run(connection: sa.Connection, id: UUID) -> ImportRun | None:
    """An import, or None."""
    row = connection.execute(sa.select(import_run).where(import_run.c.id == id)).one_or_none()
    return _run(row) if row else None


def runs_of(connection: sa.Connection, person: UUID | None, form: str, limit: int = 20) -> list[ImportRun]:
    """Somebody's imports into a form, the newest first."""
    query = sa.select(import_run).where(import_run.c.person == person, import_run.c.form == form)
    rows = connection.execute(query.order_by(import_run.c.created_at.desc(), import_run.c.id.desc()).limit(limit))
    return [_run(row) for row in rows]


def _run(row: Any) -> ImportRun:
    values = dict(row._mapping)
    mapping = values.pop("mapping")
    return ImportRun(mapping=SheetMapping.from_json(mapping) if mapping else None, **values)


def change_run(connection: sa.Connection, id: UUID, **values: Any) -> None:
    """Changes columns of an import's row."""
    connection.execute(sa.update(import_run).where(import_run.c.id == id).values(**values))


def choose(connection: sa.Connection, run: ImportRun, mapping: SheetMapping) -> None:
    """Keeps what was chosen, and remembers it for this person and form."""
    change_run(connection, run.id, mapping=mapping.to_json())
    if run.person is not None:
        row = {"person": run.person, "form": run.form, "mapping": memory_of(mapping)}
        upsert(connection, import_memory, [row])


def remembered(connection: sa.Connection, person: UUID | None, form: str) -> Mapping[str, Any]:
    """What somebody chose last for a form; empty where that is nothing."""
    query = sa.select(import_memory.c.mapping).where(import_memory.c.person == person, import_memory.c.form == form)
    found: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
    return found or {}


# -------------------------------------------------------------------------------------------------- its table


def staged_path(workspace: Workspace, run: ImportRun) -> Path:
    """Where the lines of an import are laid out while it is worked on; made anew where they are gone."""
    folder = workspace.settings.files / ".imports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{run.id.hex}.db"


@contextmanager
def staged_of(workspace: Workspace, run: ImportRun) -> Iterator[Staged]:
    """The lines of an import, read from its file where they are not laid out yet."""
    path = staged_path(workspace, run)
    if not path.exists():
        assert run.mapping is not None  # noqa: S101 - chosen before any work begins
        with fetched(workspace, run) as source, open_data_file(source, run.file_name, run.mapping.sheet) as file:
            stage(file, run.mapping, path)
    with Staged(path) as staged:
        yield staged


def forget_staged(workspace: Workspace, run: ImportRun) -> None:
    """Takes the laid out lines away."""
    staged_path(workspace, run).unlink(missing_ok=True)


@contextmanager
def fetched(workspace: Workspace, run: ImportRun) -> Iterator[Path]:
    """The file as it was brought."""
    with tempfile.TemporaryDirectory(prefix="dougong-import-") as folder:
        path = Path(folder) / "table"
        with workspace.files.blobs.open(run.blob) as stream, path.open("wb") as target:
            shutil.copyfileobj(stream, target)
        yield path


# -------------------------------------------------------------------------------------------------- problems


def note_refusals(work: Work, run: ImportRun, refusals: Sequence[Refusal], locale: str) -> None:
    """Writes down what was refused, in words."""
    places: dict[int, int] = {}
    rows = []
    for refusal in refusals:
        place = places[refusal.line] = places.get(refusal.line, -1) + 1
        words = LocalizedText.of(refusal.text).get(locale) if refusal.text else ""
        words = words or messages().text(refusal.code, locale, refusal.params)
        rows.append(
            {"import_id": run.id, "line": refusal.line, "place": place, "header": refusal.header, "text": words}
        )
    if rows:
        upsert(work.connection, import_problem, rows)


def problems_page(connection: sa.Connection, id: UUID, after: int = 0, limit: int = 50) -> list[Any]:
    """Line, heading and sentence of what was refused, in the order of the file."""
    table = import_problem
    query = sa.select(table.c.line, table.c.header, table.c.text).where(table.c.import_id == id, table.c.line > after)
    return list(connection.execute(query.order_by(table.c.line, table.c.place).limit(limit)))


def clear_problems(connection: sa.Connection, id: UUID) -> None:
    """Forgets what was refused, before a stage begins."""
    connection.execute(sa.delete(import_problem).where(import_problem.c.import_id == id))


def records_of_run(connection: sa.Connection, id: UUID, limit: int) -> list[Any]:
    """The records of an import that were not taken back yet."""
    query = sa.select(import_record).where(import_record.c.import_id == id).order_by(import_record.c.record_id.desc())
    return list(connection.execute(query.limit(limit)))

"""Taking a file in: size, kind by content, room, virus scan, small picture – and only then it waits for its record."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

import sqlalchemy as sa
import structlog

from builder.files.blobs import BlobStore
from builder.files.media_types import RASTER, media_type
from builder.files.registry import DOOMED, RECEIVING, STAGED, thumbnail_key
from builder.files.store import FileStore
from builder.files.thumbnails import make_thumbnail
from builder.storage.file_tables import file as table
from builder.workspace.work import Work
from builder.workspace.workspace import Workspace
from engines.core import ExternalError, InputError, InputProblem, Principal
from engines.core.ports import StoredFile
from engines.form import is_kind

log = structlog.get_logger(__name__)
# Files that somebody may have waiting at once: more than any form takes, fewer than fill a disk.
MOST_STAGED = 200
_CHUNK = 256 * 1024
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is being sent, and for which field."""

    stream: IO[bytes]
    # As the sender calls it.
    name: str
    # Qualified form, and field ("photo", "lines.photo").
    form: str
    field: str
    # Who may attach it; see ``holder_of``.
    holder: str
    # Limits of the field: largest size in bytes, kinds as ``AttachmentType`` has them.
    max_size: int
    kinds: Sequence[str] = ()
    # Whether it must be a picture that can be shown.
    picture: bool = False


def receive(workspace: Workspace, principal: Principal, upload: Upload) -> StoredFile:
    """The file, kept and waiting to be attached; ``InputError`` says why it was not taken.

    Its row is written first, so that bytes whose receiving was interrupted are found and swept.
    """
    store = workspace.files
    name = clean_name(upload.name)
    with tempfile.TemporaryDirectory(prefix="dougong-upload-") as folder:
        path = Path(folder) / "file"
        size, digest = _copy(upload, path, store.largest, name)
        kind = media_type(path, name)
        _check_kind(upload, name, size, kind)
        _scan(store, path, name)
        small = Path(folder) / "small"
        has_small = (kind.startswith("image/") or upload.picture) and make_thumbnail(path, small)
        if upload.picture and (kind not in RASTER or not has_small):
            raise refused("file.not_a_picture", name=name)
        blob = BlobStore.new_key()
        row = {"id": uuid4(), "blob": blob, "name": name, "type": kind, "size": size, "sha256": digest}
        _reserve(workspace, principal, upload, {**row, "thumbnail": has_small}, store.quota)
        store.blobs.put(blob, path)
        if has_small:
            store.blobs.put(thumbnail_key(blob), small)
    with workspace.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == row["id"]).values(state=STAGED))
    return StoredFile(id=row["id"], name=name, size=size, type=kind)  # type: ignore[arg-type]


def clean_name(name: str) -> str:
    """A name without folders and control characters, of a length that every system takes; its end is kept."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(c for c in last if c.isprintable()).strip(" .") or "file"
    if len(text) <= _LONGEST_NAME:
        return text
    suffix = Path(text).suffix[:20]
    return text[: _LONGEST_NAME - len(suffix)] + suffix


def refused(code: str, **params: object) -> InputError:
    """A file that is not taken."""
    return InputError([InputProblem(pointer="", code=code, params=params)])


def _copy(upload: Upload, path: Path, largest: int, name: str) -> tuple[int, str]:
    """Size and SHA-256 of what was sent; what is too large is not read to its end."""
    most = min(largest, upload.max_size)
    size, digest = 0, hashlib.sha256()
    with path.open("wb") as target:
        while chunk := upload.stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise refused("form.file_too_large", name=name, max=most)
            digest.update(chunk)
            target.write(chunk)
    if not size:
        raise refused("file.empty", name=name)
    return size, digest.hexdigest()


def _check_kind(upload: Upload, name: str, size: int, kind: str) -> None:
    told = {"name": name, "type": kind, "size": size}
    if upload.kinds and not any(is_kind(told, wanted) for wanted in upload.kinds):
        raise refused("form.file_type", name=name, types=", ".join(upload.kinds), found=kind)


def _scan(store: FileStore, path: Path, name: str) -> None:
    try:
        verdict = store.scanner.scan(path) if store.scanner else None
    except ExternalError as error:
        log.error("file.scanner_unreachable", reason=str(error))
        raise refused("file.scanner_unreachable", name=name) from error
    if verdict is not None and not verdict.clean:
        raise refused("file.infected", name=name, found=verdict.found)


def _reserve(workspace: Workspace, principal: Principal, upload: Upload, row: dict[str, object], quota: int) -> None:
    """Writes the file's row before its bytes, where there is room."""

    def act(work: Work) -> None:
        _check_room(work, upload, int(str(row["size"])), quota)
        values = {**row, "state": RECEIVING, "form": upload.form, "field": upload.field, "holder": upload.holder}
        stamp = {"created_at": work.instant, "created_by": principal.id}
        work.connection.execute(sa.insert(table).values(**values, **stamp))

    workspace.run(act, principal, command="file.receive")


def _check_room(work: Work, upload: Upload, size: int, quota: int) -> None:
    waiting = sa.select(sa.func.count()).where(table.c.holder == upload.holder, table.c.state.in_((RECEIVING, STAGED)))
    if work.connection.execute(waiting).scalar_one() >= MOST_STAGED:
        raise refused("file.too_many_waiting", max=MOST_STAGED)
    if quota:
        used = sa.select(sa.func.coalesce(sa.func.sum(table.c.size), 0)).where(table.c.state != DOOMED)
        if work.connection.execute(used).scalar_one() + size > quota:
            raise refused("file.no_room", max=quota)

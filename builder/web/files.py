"""Files on pages: which field takes what, taking uploads in, and giving bytes with the rights of their record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, abort, g, request
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import FileWrapper

from builder.files import FileInfo, Upload, file_info, holder_of, receive, thumbnail_key
from builder.files.media_types import RASTER
from builder.web.catalogue import FormPlace
from builder.web.context import site
from builder.web.wording import problem_text
from builder.workspace import Work
from engines.core import InputError, Principal
from engines.core.ports import StoredFile
from engines.form import AttachmentType, CompiledField

# What a browser may do with a file that it opens by itself: nothing.
POLICY = "default-src 'none'; sandbox"
_CHUNK = 64 * 1024


def file_field(place: FormPlace, path: str) -> CompiledField:
    """The field that takes files: "photo", or "lines.photo" in a sub-table; 404 for any other."""
    name, _dot, column = path.partition(".")
    found = place.form.fields.get(name)
    if found is not None and column:
        found = (found.rows or {}).get(column)
    if found is None or not isinstance(found.kind, AttachmentType):
        abort(404)
    return found


def visitor_mark() -> str:
    """What tells this visitor from others, without being the secret itself."""
    return hashlib.sha256(f"visitor {site().secret}".encode()).hexdigest()[:40]


def take_upload(place: FormPlace, path: str, principal: Principal) -> Response:
    """Takes the file that the request carries for a field; answers with what the form then sends."""
    field = file_field(place, path)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        abort(400)
    return upload_answer(lambda: keep(place, path, field, sent, principal))


def upload_answer(keep_it: Callable[[], StoredFile]) -> Response:
    """What the form then sends of the file that was kept, or why it was not taken."""
    try:
        stored = keep_it()
    except InputError as error:
        words = " ".join(problem_text(problem, site().locale) for problem in error.problems)
        return _json({"error": words, "code": error.problems[0].code}, 422)
    return _json(file_json(stored), 201)


def keep(place: FormPlace, path: str, field: CompiledField, sent: FileStorage, principal: Principal) -> StoredFile:
    """The file that was sent, kept until its record is saved."""
    kind = field.kind
    if not isinstance(kind, AttachmentType):
        abort(404)
    upload = Upload(
        stream=sent.stream,
        name=sent.filename or "",
        form=place.name,
        field=path,
        holder=holder_of(principal),
        max_size=kind.largest(field.definition),
        kinds=kind.kinds(field.definition),
        picture=bool(kind.only),
    )
    return receive(site().workspace, principal, upload)


def file_json(stored: StoredFile) -> dict[str, Any]:
    """A file as records keep it."""
    return {"id": str(stored.id), "name": stored.name, "size": stored.size, "type": stored.type}


def readable_file(work: Work, id: UUID) -> FileInfo:
    """A file that the person may have: 404 for all others, whether there is one or not."""
    from builder.files import WorkFiles

    info = file_info(work.connection, id)
    if info is None:
        abort(404)
    mine = info.state == "staged" and info.holder == f"visitor:{visitor_mark()}"
    if not mine and not WorkFiles(work, work.principal).may_read(info):
        abort(404)
    return info


def file_response(info: FileInfo, *, small: bool = False, inline: bool = False) -> Response:
    """The bytes, or the small picture; shown in a page only where it is a picture that can run nothing."""
    if small and not info.thumbnail:
        abort(404)
    key = thumbnail_key(info.blob) if small else info.blob
    try:
        stream = site().workspace.files.blobs.open(key)
    except FileNotFoundError:
        abort(404)
    size = stream.seek(0, 2)
    stream.seek(0)
    type = "image/webp" if small else info.type
    response = Response(FileWrapper(stream, _CHUNK), mimetype=type, direct_passthrough=True)
    response.content_length = size
    response.set_etag(f"{info.sha256}{'-s' if small else ''}")
    shown = small or (inline and type in RASTER)
    response.headers.set("Content-Disposition", "inline" if shown else "attachment", **_names(info.name))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Kept by the browser, but asked about every time: rights may have changed.
    response.headers["Cache-Control"] = "private, no-cache"
    g.pop("nonce", None)
    return response.make_conditional(request, accept_ranges=True, complete_length=size)  # type: ignore[return-value]


def _names(name: str) -> dict[str, str]:
    """Parameters of the header for a name in any script (RFC 6266 §4.3, RFC 8187)."""
    if name.isascii():
        return {"filename": name}
    plain = "".join(c if c.isascii() else "_" for c in name)
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}


def _json(data: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(data, ensure_ascii=False), status=status, mimetype="application/json")

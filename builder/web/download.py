"""Answers that a browser keeps as files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import Response, g

_CHUNK = 64 * 1024


def file_response(target: Any, type: str) -> Response:
    """What a temporary file holds, which is closed once it was sent."""
    size = target.seek(0, 2)
    target.seek(0)
    response = Response(_pieces(target), content_type=type)
    response.content_length = size
    response.call_on_close(target.close)
    return response


def _pieces(target: Any) -> Iterator[bytes]:
    with target:
        while piece := target.read(_CHUNK):
            yield piece


def as_download(response: Response, name: str) -> Response:
    """The response with what makes browsers keep it as a file called ``name``, in any script (RFC 6266, RFC 8187)."""
    clean = "".join(c for c in name if c.isprintable() and c not in '/\\"')
    plain = "".join(c if c.isascii() else "_" for c in clean)
    parameters = (
        {"filename": plain} if clean.isascii() else {"filename": plain, "filename*": f"UTF-8''{quote(clean, safe='')}"}
    )
    response.headers.set("Content-Disposition", "attachment", **parameters)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    g.pop("nonce", None)
    return response

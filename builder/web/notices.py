"""Messages that outlive a redirect: a short-lived cookie, read once and cleared."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from flask import Response, after_this_request, g, request

COOKIE = "dg_notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message at the foot of the next page."""

    text: str
    # "" or "error"
    kind: str = ""
    # What can be done about it, and where; an address of our own.
    action: str = ""
    href: str = ""


def notify(text: str, kind: str = "", *, action: str = "", href: str = "") -> None:
    """Shows ``text`` on the next page that the visitor sees, with a link to ``href`` called ``action``."""
    value = base64.urlsafe_b64encode(json.dumps([text, kind, action, href]).encode()).decode()

    @after_this_request
    def _set(response: Response) -> Response:
        path = request.script_root or "/"
        response.set_cookie(
            COOKIE, value, max_age=60, httponly=True, samesite="Lax", secure=request.is_secure, path=path
        )
        return response


def take_notices() -> list[Notice]:
    """The message waiting for this visitor; it is shown once."""
    value = request.cookies.get(COOKIE)
    if not value or g.get("notice_taken"):
        return []
    g.notice_taken = True

    @after_this_request
    def _clear(response: Response) -> Response:
        response.delete_cookie(COOKIE, path=request.script_root or "/")
        return response

    try:
        text, kind, action, href = map(str, json.loads(base64.urlsafe_b64decode(value)))
    except (binascii.Error, ValueError, TypeError):
        return []
    if not href.startswith("/") or href.startswith("//"):
        action = href = ""
    return [Notice(text=text, kind="error" if kind == "error" else "", action=action, href=href)]

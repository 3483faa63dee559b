"""What every answer carries and every change must show: headers, a policy with a nonce, the CSRF token."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Flask, Response, abort, after_this_request, g, request

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Visitors without a session get this cookie, so that their forms have a token too.
VISITOR_COOKIE = "dg_visitor"
SESSION_COOKIE = "dg_session"


def new_nonce() -> str:
    """A value for this answer's scripts alone."""
    return secrets.token_urlsafe(16)


def csrf_token(secret: str) -> str:
    """The token that forms of the holder of ``secret`` (a session or visitor cookie) carry."""
    return hmac.new(secret.encode(), b"dougong csrf 1", hashlib.sha256).hexdigest()


def check_csrf(secret: str | None) -> None:
    """Refuses a change (403) whose token is not its sender's, or that another site's page sent."""
    if request.method in SAFE:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, "csrf")
    given = request.headers.get("X-CSRF-Token") or request.form.get("_csrf", "")
    if not secret or not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        abort(403, "csrf")


def visitor_secret() -> str:
    """The secret of somebody without a session: from their cookie, else a new one that the answer sets."""
    known = request.cookies.get(VISITOR_COOKIE, "")
    if len(known) >= 32:
        return known
    fresh = secrets.token_urlsafe(32)

    @after_this_request
    def _set(response: Response) -> Response:
        set_cookie(response, VISITOR_COOKIE, fresh)
        return response

    return fresh


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page: scripts by nonce alone, nothing evaluated, nothing from elsewhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def add_headers(response: Response) -> Response:
    """The answer with its security headers; files that name their own policy keep it."""
    response.headers.setdefault("Content-Security-Policy", policy(g.get("nonce", "none")))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if "site" in g and g.site.signed_in else "no-cache, private"
    return response


def install(app: Flask) -> None:
    """Hooks the headers into ``app``."""

    @app.before_request
    def _nonce() -> None:
        g.nonce = new_nonce()

    app.after_request(add_headers)


def set_cookie(response: Response, name: str, value: str, *, days: float | None = None, readable: bool = False) -> None:
    """A cookie of ours: same-site, not readable by scripts unless ``readable``, secure where the request was."""
    response.set_cookie(
        name,
        value,
        max_age=int(days * 86400) if days else None,
        httponly=not readable,
        secure=request.is_secure,
        samesite="Lax",
        path=request.script_root or "/",
    )

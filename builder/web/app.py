"""The Flask application over a set of workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, g, request
from flask.sansio.blueprints import Blueprint
from werkzeug.middleware.proxy_fix import ProxyFix

from builder.identity import SignedIn
from builder.rights.looking import Look, look_of
from builder.web import errors, health, security
from builder.web.assets import Assets
from builder.web.context import Site, identity_of, visitor
from builder.web.i18n import preferred
from builder.web.templating import set_up_templates
from builder.workspace import Workspace
from builder.workspace.workspace import LookOnly
from engines.core import SystemClock

WsgiApp = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# What may be sent while looking through somebody's eyes.
_LOOK_ENDS = frozenset({"auth.logout", "auth.look_end"})
# Larger requests are refused before they are read, unless files may be larger.
LARGEST_REQUEST = 64 * 1024 * 1024


def create_app(workspaces: Workspace | Mapping[str, Workspace], *, blueprints: Iterable[Blueprint] = ()) -> Flask:
    """The application over ``workspaces``: one, or several by name or host name.

    The first is the one reached without ``/w/<name>``. ``blueprints``: further pages, shown in the same shell.
    """
    known = {"main": workspaces} if isinstance(workspaces, Workspace) else dict(workspaces)
    app = _App("builder.web", root_path=_root(), template_folder="templates", static_folder="static")
    largest = max(LARGEST_REQUEST, *((each.settings.file_max_mb + 1) * 1024 * 1024 for each in known.values()))
    app.config.update(MAX_CONTENT_LENGTH=largest, MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024, MAX_FORM_PARTS=100_000)
    app.config.update(SEND_FILE_MAX_AGE_DEFAULT=31_536_000)
    app.extensions["dougong_workspaces"] = known
    app.extensions["dougong_identities"] = {}
    app.extensions["dougong_assets"] = Assets()
    health.install(app)
    security.install(app)
    errors.install(app)
    app.before_request(_enter)
    set_up_templates(app)
    from builder.web.pages import BLUEPRINTS

    for blueprint in (*BLUEPRINTS, *blueprints):
        app.register_blueprint(blueprint)
    first = next(iter(known.values()))
    wsgi: Any = _WorkspacePrefix(app.wsgi_app, known)
    if first.settings.proxies:
        count = first.settings.proxies
        wsgi = ProxyFix(wsgi, x_for=count, x_proto=count, x_host=count)
    app.wsgi_app = wsgi  # type: ignore[method-assign]
    return app


class _App(Flask):
    """Flask without looking at each view and hook, each time, for whether it is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class _WorkspacePrefix:
    """Finds the workspace: by ``/w/<name>`` (moved to SCRIPT_NAME, so that links keep it), by host, else the first."""

    def __init__(self, inner: WsgiApp, workspaces: Mapping[str, Workspace]) -> None:
        self._inner = inner
        self._workspaces = workspaces

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/w/"):
            name, _slash, rest = path[3:].partition("/")
            if name not in self._workspaces:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"no such workspace\n"]
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + f"/w/{name}"
            environ["PATH_INFO"] = "/" + rest
            environ["dougong.workspace"] = name
        else:
            host = environ.get("HTTP_HOST", "").split(":")[0]
            environ["dougong.workspace"] = host if host in self._workspaces else next(iter(self._workspaces))
        return self._inner(environ, start_response)


def _enter() -> None:
    """Makes the request's surroundings before any page runs, and refuses forged changes."""
    from flask import current_app

    if request.endpoint in {"static", "health.healthz", "health.metrics"}:
        return
    workspace: Workspace = current_app.extensions["dougong_workspaces"][request.environ["dougong.workspace"]]
    # The API is used with a token in a header, which no other site's page can send; cookies do not count there.
    is_api = request.path.startswith("/api/")
    token = "" if is_api else request.cookies.get(security.SESSION_COOKIE, "")
    signed_in = identity_of(workspace).authenticate(token) if token else None
    look = _look(workspace, signed_in)
    chosen = signed_in.principal.locale if signed_in else None
    locale = preferred(request, chosen)
    secret = "" if is_api else _secret(signed_in)
    g.site = Site(
        workspace=workspace,
        locale=locale,
        signed_in=signed_in,
        principal=look.principal if look else signed_in.principal if signed_in else visitor(locale),
        secret=secret,
        look=look,
    )
    if not is_api:
        security.check_csrf(secret)
    if look and request.method not in _READING and request.endpoint not in _LOOK_ENDS:
        raise LookOnly(request.endpoint or "")


def _look(workspace: Workspace, signed_in: SignedIn | None) -> Look | None:
    """Through whose eyes the visit looks; asked of the database only where the visit says so."""
    if signed_in is None or signed_in.session is None or "looks_as" not in signed_in.session.data:
        return None
    with workspace.database.read() as connection:
        return look_of(connection, signed_in.session, signed_in.principal, SystemClock().now())


def _secret(signed_in: SignedIn | None) -> str:
    """What the CSRF tokens of a sender derive from."""
    return signed_in.session.csrf if signed_in and signed_in.session else security.visitor_secret()


def _root() -> str:
    from pathlib import Path

    return str(Path(__file__).resolve().parent.parent)

"""Refusals and failures as people see them: never a stack trace; a bug has an id that the log has too."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from builder.web.confirming import confirmation
from builder.web.context import CONFIRMED
from builder.web.wording import code_text, problem_text
from builder.workspace.workspace import LookOnly
from engines.core import AccessDenied, BudgetExceeded, ExternalError, InputError, StateConflict, new_id

log = logging.getLogger("dougong.web")

STATUS: dict[type[Exception], int] = {
    AccessDenied: 403,
    StateConflict: 409,
    InputError: 422,
    BudgetExceeded: 422,
    ExternalError: 502,
}


def install(app: Flask) -> None:
    """Hooks the error pages into ``app``."""
    for kind in STATUS:
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _known(error: Exception) -> Response:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    if isinstance(error, InputError) and "site" in g:
        return _refused(error)
    if isinstance(error, LookOnly) and "site" in g:
        return answer(status, code=error.code, message=code_text(error.code, g.site.locale))
    return answer(status, code=getattr(error, "code", ""), params=getattr(error, "params", {}))


def _refused(error: InputError) -> Response:
    """What was refused where no form stands that could show it; what may be confirmed is asked."""
    confirm = confirmation(error.problems)
    if confirm is not None and "/api/" not in request.path:
        sent = [(name, value) for name, value in request.form.items(multi=True) if name not in ("_csrf", CONFIRMED)]
        return make_response(render_template("pages/confirm.html", confirm=confirm, sent=sent), 422)
    message = " ".join(problem_text(problem, g.site.locale) for problem in error.problems if problem.text)
    return answer(422, code=error.code, message=message)


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    response = answer(error.code or 500, code=str(error.description or "") if error.code == 403 else "")
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def _bug(error: Exception) -> Response:
    incident = str(new_id())
    log.error("unhandled error", exc_info=error, extra={"incident": incident, "path": request.path})
    return answer(500, incident=incident)


def answer(status: int, *, code: str = "", params: Any = None, incident: str = "", message: str = "") -> Response:
    """The error as problem details (RFC 9457) for the API, else as a page; a bare line where no page can be made."""
    if "/api/" in request.path or request.accept_mimetypes.best == "application/json":
        body = {"type": "about:blank", "status": status, "code": code, "incident": incident, "params": params or {}}
        response = jsonify({key: value for key, value in body.items() if value})
        response.mimetype = "application/problem+json"
        response.status_code = status
        return response
    if "site" not in g:
        return Response(f"{status} {incident}".strip(), status=status, mimetype="text/plain")
    told: dict[str, Any] = {"code": code, "params": params or {}, "incident": incident, "message": message}
    page = render_template("pages/error.html", status=status, **told)
    return make_response(page, status)

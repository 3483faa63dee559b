"""Refusals of the API as problem details (RFC 9457 §3): code, words in the caller's language, pointers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from builder.web.api.output import json_response
from builder.web.context import site
from builder.web.wording import code_text, problem_text
from engines.core import AccessDenied, BudgetExceeded, DougongError, InputError, StateConflict

TITLES = {
    400: "Bad request",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "Not found",
    409: "Conflict",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
}


class ApiRefusal(DougongError):
    """A refusal of the API itself."""

    def __init__(self, status: int, code: str, params: Mapping[str, Any] | None = None) -> None:
        self.status = status
        self.code = code
        self.params = dict(params or {})
        super().__init__(code)


def problem(status: int, code: str, params: Mapping[str, Any] | None = None, **more: Any) -> Response:
    """The answer for one refusal."""
    given = {key: plain(value) for key, value in (params or {}).items()}
    detail = code_text(code, site().locale, given)
    data = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "code": code}
    answer = json_response({**data, "detail": detail, "params": given, **more}, status)
    answer.mimetype = "application/problem+json"
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def plain(value: Any) -> Any:
    """A parameter as JSON data."""
    match value:
        case UUID() | Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    return value


def install(blueprint: Blueprint) -> None:
    """Answers every refusal below ``blueprint`` in this form."""
    blueprint.register_error_handler(ApiRefusal, lambda e: problem(e.status, e.code, e.params))
    blueprint.register_error_handler(AccessDenied, lambda e: problem(403, e.code, {"operation": e.operation}))
    blueprint.register_error_handler(StateConflict, lambda e: problem(409, e.code, e.params))
    blueprint.register_error_handler(BudgetExceeded, lambda e: problem(422, e.code))
    blueprint.register_error_handler(InputError, _input)


def _input(error: InputError) -> Response:
    found = [
        {
            "pointer": item.pointer,
            "code": item.code,
            "severity": item.severity,
            "message": problem_text(item, site().locale),
            "params": {key: plain(value) for key, value in item.params.items()},
        }
        for item in error.problems
    ]
    return problem(422, error.code, problems=found)

"""Who calls: a token in the Authorization header, with the rights of its person inside the token's scopes."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson
from flask import g, request

from builder.identity import SignedIn, allows
from builder.web.api.problems import ApiRefusal
from builder.web.context import Site, identity_of, site
from builder.web.ratelimit import Brake
from builder.workspace import Work

Result = TypeVar("Result")
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_guesses = Brake(60, 60)
_EXACTLY = json.JSONDecoder(parse_float=Decimal)


def authenticate() -> None:
    """For ``before_request``: 401 without a good token, 403 where its scopes do not reach."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    here = site()
    signed_in = identity_of(here.workspace).authenticate_token(token) if token else None
    if signed_in is None:
        if token:
            _guesses.require()
        raise ApiRefusal(401, "api.unauthenticated")
    _require_scope(signed_in)
    g.site = Site(
        workspace=here.workspace,
        locale=here.locale if request.headers.get("Accept-Language") else signed_in.principal.locale,
        signed_in=signed_in,
        principal=signed_in.principal,
        secret=here.secret,
    )


def _require_scope(signed_in: SignedIn) -> None:
    scopes = signed_in.token.scopes if signed_in.token else ()
    wanted = "write" if request.method in CHANGES else "read"
    app = str((request.view_args or {}).get("app", ""))
    if not allows(scopes, wanted, app):
        raise ApiRefusal(403, "api.scope", params={"wanted": wanted, "scopes": list(scopes)})


def body() -> dict[str, Any]:
    """The request's JSON object; 415 and 400 for anything else."""
    if request.mimetype != "application/json":
        raise ApiRefusal(415, "api.not_json")
    sent = request.get_data()
    try:
        # Read with Decimal, so that no digit of an amount is lost; the quick parser says whether it is JSON at all.
        orjson.loads(sent)
        data = _EXACTLY.decode(sent.decode())
    except ValueError as error:
        raise ApiRefusal(400, "api.not_json") from error
    if not isinstance(data, dict):
        raise ApiRefusal(400, "api.not_an_object")
    return data


def command(action: Callable[[Work], Result], name: str) -> Result:
    """What ``action`` returns as one command; the header ``Idempotency-Key`` makes a repeated call safe."""
    here = site()
    key = request.headers.get("Idempotency-Key") or None

    def confirmed(work: Work) -> Result:
        work.confirmed = frozenset(request.args.getlist("confirm"))
        return action(work)

    result: Result = here.workspace.run(confirmed, here.principal, command=name, key=key)
    return result


def uuid_or_404(text: str) -> UUID:
    """An id from an address."""
    try:
        return UUID(text)
    except ValueError:
        raise ApiRefusal(404, "api.not_found") from None

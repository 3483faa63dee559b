"""Webhooks from other systems: signed with a time stamp, taken once, mapped to a message or the start of a process."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engines.core import AccessDenied, InputError, InputProblem, Principal, PrincipalKind

if TYPE_CHECKING:
    from builder.definitions.webhooks import WebhookDefinition
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace

# Seconds by which the sender's clock may differ from ours; a longer-kept request is refused.
WINDOW_S = 300
LARGEST = 256 * 1024


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature that a sender gives: HMAC-SHA256 over the time stamp, a dot, and the body."""
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def receive(workspace: Workspace, app: str, hook: WebhookDefinition, headers: Mapping[str, str], body: bytes) -> int:
    """How many instances took it. A request that comes again, replayed or repeated, gives the first answer and no more.

    ``AccessDenied`` for what is not signed, wrongly signed or too old; ``InputError`` for what is no JSON.
    """
    stamp, given = headers.get("X-Timestamp", ""), headers.get("X-Signature", "")
    secret = workspace.settings.secrets().get(hook.secret)
    signed = secret is not None and hmac.compare_digest(given.encode(), sign(secret, stamp, body).encode())
    if not signed or not _is_recent(workspace, stamp):
        raise AccessDenied("webhook.receive", f"{app}.{hook.name}")
    if len(body) > LARGEST:
        raise InputError([InputProblem(pointer="", code="webhook.too_large", params={"max": LARGEST})])
    try:
        data = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise InputError([InputProblem(pointer="", code="webhook.no_json")]) from error
    principal = Principal(kind=PrincipalKind.APP, roles=frozenset({f"{app}.app"}))
    taken: str = workspace.run(
        lambda work: _act(work, app, hook, data), principal, command=f"webhook.{app}.{hook.name}", key=given
    )
    return int(taken)


def _is_recent(workspace: Workspace, stamp: str) -> bool:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    # The machine's clock: a sandbox that has moved its own still talks with the world.
    now = workspace.clock.base.now().timestamp()
    return abs(now - int(stamp)) <= WINDOW_S


def _act(work: Work, app: str, hook: WebhookDefinition, body: Any) -> str:
    """How many took it, as a text: it is kept as the command's result."""
    values = {name: found.evaluate({"body": body}, work.context).value for name, found in hook.compiled.items()}
    key = values.pop("", None)
    if hook.process:
        work.processes.start(f"{app}.{hook.process}", variables=values)
        taken = 1
    else:
        correlation = "" if key is None else str(key)
        taken = len(work.processes.message(app, hook.message, key=correlation, variables=values))
    work.result = str(taken)
    return str(taken)

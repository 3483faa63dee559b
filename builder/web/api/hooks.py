"""Where other systems send what they are to tell an app; see ``builder.runtime.hooks``."""

from __future__ import annotations

from flask import Blueprint, Response, request

from builder.runtime.hooks import LARGEST, receive
from builder.web.api import problems
from builder.web.api.output import json_response
from builder.web.api.problems import ApiRefusal
from builder.web.catalogue import apps
from builder.web.context import site
from builder.web.ratelimit import Brake

blueprint = Blueprint("hooks", __name__)
problems.install(blueprint)
_brake = Brake(600, 60)


@blueprint.post("/api/hooks/<app>/<name>")
def hook(app: str, name: str) -> Response:
    """Takes one; refusals do not say whether there is such a webhook."""
    _brake.require()
    found = apps().get(app)
    wanted = next((one for one in found.definition.webhooks if one.name == name), None) if found else None
    if wanted is None:
        raise ApiRefusal(403, "access.denied")
    body = request.stream.read(LARGEST + 1)
    taken = receive(site().workspace, app, wanted, request.headers, body)
    return json_response({"taken": taken}, 202)

"""People to choose from, for pickers outside a form."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from builder.identity import DatabaseDirectory
from builder.web.context import reading, require_person
from builder.web.pickers import MOST

blueprint = Blueprint("people", __name__, url_prefix="/people")
blueprint.before_request(require_person)


@blueprint.get("/choices")
def choices() -> Response:
    """Active people whose name, pinyin or login holds the text, as JSON."""
    with reading() as work:
        found = DatabaseDirectory(work.connection).search(request.args.get("q", "").strip()[:100], MOST)
    return jsonify(items=[{"id": str(id), "label": name} for id, name in found])

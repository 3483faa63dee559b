"""Files: uploads for the fields of forms, and downloads with the rights of the record that holds them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, abort, request

from builder.web.access import field_access
from builder.web.catalogue import form_or_404
from builder.web.context import reading, require_person, site
from builder.web.files import file_response, readable_file, take_upload

blueprint = Blueprint("files", __name__)


@blueprint.post("/a/<app>/f/<form>/files/<field>")
def upload(app: str, form: str, field: str) -> Response:
    """Takes a file for a field that the person may write; it waits for the record to be saved."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    place = form_or_404(app, form)
    if not (place.may("create") or place.may("edit")):
        abort(403)
    if field_access(place.form, site().principal).get(field) != "write":
        abort(403)
    return take_upload(place, field, site().principal)


@blueprint.get("/files/<uuid:id>")
def download(id: UUID) -> Response:
    """The file; ``?small=1``: its small picture; ``?inline=1``: to be shown where that is safe."""
    with reading() as work:
        info = readable_file(work, id)
    return file_response(info, small="small" in request.args, inline="inline" in request.args)

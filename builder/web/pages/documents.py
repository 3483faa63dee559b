"""Documents of a record: its own print as PDF, and the Word and Excel files that the app has templates for."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, abort

from builder.documents.filling import make, may_make
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import change, reading, require_person, site
from builder.web.download import as_download
from builder.web.names import WorkNames, title_of
from builder.web.printing import record_pdf
from builder.workspace import Work
from engines.form import Record

blueprint = Blueprint("documents", __name__, url_prefix="/a/<app>/f/<form>/<uuid:id>/document")
blueprint.before_request(require_person)
PDF = "application/pdf"


def printable(work: Work, place: FormPlace, id: UUID) -> Record:
    """A record that the person may see (else 404) and print (else 403)."""
    record: Record | None = work.records.get(place.name, id)
    if record is None:
        abort(404)
    if not work.records.may(place.name, "print", id):
        abort(403)
    return record


@blueprint.get("/print.pdf")
def print_page(app: str, form: str, id: UUID) -> Response:
    """The record as PDF, without any template."""
    place = form_or_404(app, form)
    with reading() as work:
        record = printable(work, place, id)
        content = record_pdf(work, place, record)
        name = title_of(place.form, record, WorkNames(work))
    change(lambda work: work.audit("record.print", place.name, {"record": str(id)}), "record.print")
    return as_download(Response(content, content_type=PDF), f"{place.label} {name}.pdf")


@blueprint.get("/<name>")
def office(app: str, form: str, id: UUID, name: str) -> Response:
    """A Word or Excel file filled in with the record."""
    place = form_or_404(app, form)
    document = place.app.documents.get(name)
    if document is None or document.form != place.name or not may_make(document, site().principal):
        abort(404)
    with reading() as work:
        printable(work, place, id)
        made = make(work, document, id)
    detail = {"record": str(id), "document": name}
    change(lambda work: work.audit("record.document", place.name, detail), "record.document")
    return as_download(Response(made.content, content_type=made.type), made.name)

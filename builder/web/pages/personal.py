"""What a record holds of a person: shown, given as a file, erased for good with a report."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, change, reading, require_person, site
from builder.web.download import as_download
from builder.web.forms import Display
from builder.web.names import WorkNames, title_of
from builder.web.notices import notify
from builder.web.record_page import has_personal
from builder.workspace import Work
from engines.form import CompiledField, PersonalValue, Record, to_json

blueprint = Blueprint("personal", __name__, url_prefix="/a/<app>/f/<form>/<uuid:id>/personal")
blueprint.before_request(require_person)


def _found(work: Work, place: FormPlace, id: UUID) -> tuple[Record, list[PersonalValue]]:
    """The record (else 404) and what it holds, for those who may export it (else 403)."""
    record: Record | None = work.records.get(place.name, id)
    if record is None or not has_personal(place):
        abort(404)
    if not work.records.may(place.name, "export", id):
        abort(403)
    # The right to export the record opens no field that the person may not read.
    access = work.records.access(place.name, id)
    values = work.records.of(place.name).personal(place.name, id)
    return record, [value for value in values if access.get(value.field, "hidden") in {"read", "write"}]


def _field(place: FormPlace, path: str) -> CompiledField:
    name, _dot, column = path.partition(".")
    field = place.form.fields[name]
    return (field.rows or {})[column] if column else field


def _label(place: FormPlace, path: str) -> str:
    table, dot, _column = path.partition(".")
    own = site().text(_field(place, path).definition.label) or path
    return f"{site().text(place.form.fields[table].definition.label) or table} / {own}" if dot else own


@blueprint.get("/")
def page(app: str, form: str, id: UUID) -> str:
    """Every personal value of the record and of its earlier versions."""
    place = form_or_404(app, form)
    with reading() as work:
        record, values = _found(work, place, id)
        names = WorkNames(work)
        display = Display(site().formats, names, place.app.name)
        rows = [
            (
                _label(place, value.field),
                display.text(_field(place, value.field).definition, value.value),
                value.current,
            )
            for value in values
        ]
        title = title_of(place.form, record, names)
        may_erase = work.records.may(place.name, "delete", id)
    return render_template(
        "pages/personal.html",
        app=place.app.name,
        form=place.local,
        app_label=place.app_label,
        plural=place.plural,
        id=id,
        title=title,
        rows=rows,
        may_erase=may_erase,
    )


@blueprint.get("/data.json")
def data(app: str, form: str, id: UUID) -> Response:
    """The same as a file that a machine reads."""
    place = form_or_404(app, form)
    with reading() as work:
        record, values = _found(work, place, id)
        title = title_of(place.form, record, WorkNames(work))
    told = {
        "form": place.name,
        "record": str(id),
        "at": site().formats.now.isoformat(),
        "values": [
            {"field": v.field, "label": _label(place, v.field), "value": to_json(v.value), "current": v.current}
            for v in values
        ],
    }
    change(lambda work: work.audit("record.personal", place.name, {"record": str(id)}), "record.personal")
    text = json.dumps(told, ensure_ascii=False, indent=2, default=str)
    return as_download(Response(text, content_type="application/json"), f"{title}.json")


@blueprint.post("/erase")
def erase(app: str, form: str, id: UUID) -> BaseResponse:
    """Empties all of it, in every version, for good; that and which fields stands in the audit trail."""
    place = form_or_404(app, form)
    if not has_personal(place):
        abort(404)

    def act(work: Work) -> list[str]:
        if work.records.get(place.name, id) is None:
            abort(404)
        done = work.records.erase(place.name, id)
        work.audit("record.erased", place.name, {"record": str(id), "fields": list(done.changed)})
        work.result = list(done.changed)
        return list(done.changed)

    fields: list[Any] = change(act, "record.erase")
    names = ", ".join(_label(place, name) for name in fields)
    notify(_("Erased for good: %(fields)s.", fields=names) if fields else _("There was nothing to erase."))
    return redirect(url_for("personal.page", app=app, form=form, id=id))

"""What was, and may be again: the recycle bin of a form, earlier versions compared with now, copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, change, reading, site
from builder.web.entry import entry_page
from builder.web.forms import Display
from builder.web.history import compared
from builder.web.names import WorkNames, title_of
from builder.web.notices import notify
from builder.web.rows import plain_columns, table_rows
from builder.workspace import Work
from engines.form import ListQuery, Record, RecordVersion, SortDefinition

PAGE = 50


def bin_page(app: str, form: str) -> str:
    """What was deleted, for those who may delete; each can be taken back."""
    place = form_or_404(app, form)
    if not place.may("delete"):
        abort(404)
    with reading() as work:
        newest = (SortDefinition(field="updated_at", direction="desc"),)
        query = ListQuery(deleted=True, sort=newest, limit=PAGE, after=request.args.get("after") or None, count=True)
        page = work.records.page(place.name, query)
        names = WorkNames(work)
        names.learn(place.form, page.records)
        title = [place.form.title] if place.form.title else []
        columns = plain_columns(place.form, [*title, "updated_at", "updated_by"])
        rows = table_rows(place, page.records, columns, Display(site().formats, names, app))
    ids = [record.id for record in page.records]
    return render_template(
        "pages/bin.html",
        **_context(place),
        columns=columns,
        rows=list(zip(ids, rows, strict=True)),
        next_href=url_for("records.bin", app=app, form=form, after=page.next) if page.next else "",
    )


def restore(app: str, form: str, id: UUID) -> BaseResponse:
    """Takes a record out of the recycle bin."""
    place = form_or_404(app, form)
    change(lambda work: work.records.restore(place.name, id) and None, "record.restore")
    notify(_("The record is back."))
    return redirect(url_for("records.page", app=app, form=form, id=id))


def compare(app: str, form: str, id: UUID, version: int) -> str:
    """A version beside the record as it is now."""
    place = form_or_404(app, form)
    with reading() as work:
        now, then, told = _then(work, place, id, version)
        names = WorkNames(work)
        names.learn(place.form, [now, then])
        lines = compared(place, then, now, Display(site().formats, names, app))
        return render_template(
            "pages/compare.html",
            **_context(place),
            id=id,
            title=title_of(place.form, now, names),
            told=told,
            who=(names.person(told.by) if told.by else None) or _("The system"),
            lines=lines,
            may_restore=bool(lines) and work.records.may(place.name, "edit", id),
            current=now.version,
        )


def restore_version(app: str, form: str, id: UUID, version: int) -> BaseResponse:
    """Puts the values of a version back, as a change of its own with today's rights and checks."""
    place = form_or_404(app, form)
    base = request.form.get("_version", type=int)

    def act(work: Work) -> None:
        now, then, _told = _then(work, place, id, version)
        work.records.update(place.name, id, earlier_values(place, then, now), base_version=base)

    change(act, "record.restore_version", reason=_("Version %(number)s put back", number=version))
    notify(_("The values of version %(number)s are back.", number=version))
    return redirect(url_for("records.page", app=app, form=form, id=id))


def copy(app: str, form: str, id: UUID) -> Response:
    """A new record that starts with everything of this one: its rows and files too, without what must be unique."""
    place = form_or_404(app, form)
    if not place.may("create"):
        abort(403)
    with reading() as work:
        record = _record(work, place, id)
    return entry_page(place, record=None, start=copied_values(place, record))


def copied_values(place: FormPlace, record: Record) -> dict[str, Any]:
    """The values that a copy of a record starts with."""
    found: dict[str, Any] = {}
    for name, field in place.form.fields.items():
        if not field.entered or field.read_only or field.definition.unique or name not in record.values:
            continue
        value = record.values[name]
        if name not in record.masked:
            found[name] = [_new_row(field.rows, row) for row in value or ()] if field.rows is not None else value
    return found


def earlier_values(place: FormPlace, then: Record, now: Record) -> dict[str, Any]:
    """What to write so that a record holds again what it held; rows that are gone come back as new ones."""
    access = field_access(place.form, site().principal)
    found: dict[str, Any] = {}
    for name, field in place.form.fields.items():
        seen = name in then.values and name in now.values and name not in then.masked | now.masked
        if not field.entered or not seen or access[name] != "write" or then.values[name] == now.values[name]:
            continue
        value = then.values[name]
        if field.rows is not None:
            alive = {row["id"] for row in now.values[name] or ()}
            value = [
                {**_new_row(field.rows, row), **({"id": row["id"]} if row["id"] in alive else {})}
                for row in value or ()
            ]
        found[name] = value
    return found


def _new_row(columns: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name, column in columns.items() if column.entered}


def _record(work: Work, place: FormPlace, id: UUID) -> Record:
    found: Record | None = work.records.get(place.name, id)
    if found is None:
        abort(404)
    return found


def _then(work: Work, place: FormPlace, id: UUID, version: int) -> tuple[Record, Record, RecordVersion]:
    """The record now, as it was in a version, and what is known of that version; 404 where one cannot be seen."""
    now = _record(work, place, id)
    told = next((item for item in work.records.history(place.name, id) if item.version == version), None)
    then = work.records.of(place.name).as_of(place.name, id, told.at) if told else None
    if told is None or then is None:
        abort(404)
    return now, then, told


def _context(place: FormPlace) -> dict[str, Any]:
    return {
        "app": place.app.name,
        "form": place.local,
        "app_label": place.app_label,
        "plural": place.plural,
        "single": place.label,
    }


def register(blueprint: Blueprint) -> None:
    """Adds these pages to those of records."""
    blueprint.add_url_rule("/bin", "bin", bin_page)
    blueprint.add_url_rule("/<uuid:id>/restore", "restore", restore, methods=["POST"])
    blueprint.add_url_rule("/<uuid:id>/copy", "copy", copy)
    blueprint.add_url_rule("/<uuid:id>/history/<int:version>", "compare", compare)
    blueprint.add_url_rule("/<uuid:id>/history/<int:version>", "restore_version", restore_version, methods=["POST"])

"""Entering a field of a record in the list itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.confirming import confirmation
from builder.web.conflicts import clash_of
from builder.web.context import change, reading, site
from builder.web.list_tools import editable, may_bulk
from builder.web.listing import columns_of, read_state
from builder.web.rows import table_rows
from builder.web.single import cell_of, enterable, sent
from builder.web.views.sheet import READABLE, Sheet
from builder.web.wording import problem_text
from builder.workspace import Work
from engines.core import InputError, InputProblem, StateConflict
from engines.form import Record


def register(blueprint: Blueprint) -> None:
    """Adds the cells of lists to the pages of records."""
    blueprint.add_url_rule("/<uuid:id>/cell/<field>", "cell", show)
    blueprint.add_url_rule("/<uuid:id>/cell/<field>", "save_cell", save, methods=["POST"])


def _place(app: str, form: str, field: str) -> FormPlace:
    place = form_or_404(app, form)
    if not place.may("see"):
        abort(404)
    if not place.may("edit") or field not in enterable(place, field_access(place.form, site().principal)):
        abort(403)
    return place


def show(app: str, form: str, id: UUID, field: str) -> Response:
    """The input of the field, with the value as it is now."""
    return _form(_place(app, form, field), id, field)


def save(app: str, form: str, id: UUID, field: str) -> Response:
    """The record's row as it is after the change; the input again with what is wrong, or who was faster."""
    place = _place(app, form, field)
    values = sent(place, field, request.form)
    version = request.form.get("_version", type=int)

    def act(work: Work) -> None:
        work.records.update(place.name, id, values, base_version=version)

    try:
        change(act, "record.cell")
    except InputError as error:
        return _form(place, id, field, typed=values, problems=error.problems, version=version)
    except StateConflict as error:
        with reading() as work:
            clash = clash_of(work, place, _record(work, place, id), values, error)
        theirs = [f"{item.label}: {item.theirs.striptags()}" for item in clash.fields]
        return _form(place, id, field, typed=values, told=[clash.sentence, *theirs], status=409)
    return _row(place, id)


def _record(work: Work, place: FormPlace, id: UUID) -> Record:
    found: Record | None = work.records.get(place.name, id)
    if found is None:
        abort(404)
    return found


def _form(
    place: FormPlace,
    id: UUID,
    field: str,
    *,
    typed: dict[str, Any] | None = None,
    problems: Sequence[InputProblem] = (),
    told: Sequence[str] = (),
    version: int | None = None,
    status: int = 200,
) -> Response:
    confirm = confirmation(problems)
    with reading() as work:
        record = _record(work, place, id)
        if not work.records.may(place.name, "edit", id):
            abort(403)
        sheet = _sheet(work, place)
        sheet.names.learn(place.form, [record])
        mine = [p for p in problems if p.pointer == f"/{field}"]
        others = [problem_text(p, site().locale) for p in problems if p not in mine and not confirm]
        cell = cell_of(
            work,
            place,
            field,
            record.values,
            record=id,
            names=sheet.names,
            typed=typed,
            problems=() if confirm else mine,
        )
        html = render_template(
            "parts/cell_form.html",
            cell=cell,
            action=f"{url_for('records.save_cell', app=place.app.name, form=place.local, id=id, field=field)}"
            f"{sheet.state.query}",
            version=record.version if version is None else version,
            told=[*told, *others],
            confirm=confirm,
        )
    return make_response(html, 422 if problems else status)


def _sheet(work: Work, place: FormPlace) -> Sheet:
    access = field_access(place.form, site().principal)
    state = read_state(place, [name for name in place.form.fields if access[name] in READABLE])
    return Sheet(work, place, state, access)


def _row(place: FormPlace, id: UUID) -> Response:
    with reading() as work:
        sheet = _sheet(work, place)
        record = _record(work, place, id)
        sheet.names.learn(place.form, [record])
        rows = table_rows(place, [record], columns_of(place, sheet.state), sheet.display, editable(sheet))
        html = render_template("parts/views/rows.html", rows=rows, more_href="", columns=(), bulk=may_bulk(sheet))
    return make_response(html)

"""Records: creating, reading, editing, deleting, their history, and what a picker may choose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.web import record_page, record_parts, starting
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.conflicts import Clash, clash_of, own_edits
from builder.web.context import _, change, reading, require_person, site
from builder.web.entry import entry_page, record_input, sent_files
from builder.web.forms import layout_for
from builder.web.history import versions_shown
from builder.web.names import WorkNames, title_of
from builder.web.notices import notify
from builder.web.pages import list_bulk, list_cells, list_saved, list_views, lists, record_versions, sharing
from builder.web.pickers import choices_for
from builder.web.record_parts import holds
from builder.web.why import explain
from builder.web.why_not import asked_about, has_rules
from builder.workspace import Work
from engines.core import InputError, InputProblem, StateConflict
from engines.form import Record

# People that one comment may name.
MENTIONS = 50
blueprint = Blueprint("records", __name__, url_prefix="/a/<app>/f/<form>")
blueprint.before_request(require_person)
lists.register(blueprint)
list_views.register(blueprint)
list_saved.register(blueprint)
list_bulk.register(blueprint)
list_cells.register(blueprint)
record_versions.register(blueprint)
sharing.register(blueprint)


def instant(text: str) -> datetime:
    """An aware instant as links carry it; ``ValueError`` for anything else."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def record_or_404(work: Work, place: FormPlace, id: UUID) -> Record:
    """A record that the person may see."""
    found: Record | None = work.records.get(place.name, id)
    if found is None:
        abort(404)
    return found


@blueprint.get("/new")
def new(app: str, form: str) -> Response:
    """An empty form; query parameters named like fields fill them in."""
    place = form_or_404(app, form)
    if not place.may("create"):
        abort(403)
    return entry_page(place, record=None, typed=record_input(place, request.args, "create"))


@blueprint.post("/new")
def create(app: str, form: str) -> BaseResponse:
    """Makes a record, or shows the form again with all that was typed and what is wrong with it."""
    place = form_or_404(app, form)
    values = record_input(place, request.form, "create")
    if refused := _refused_files(place, values, "create"):
        return entry_page(place, record=None, typed=values, problems=refused)

    def act(work: Work) -> Any:
        made = work.records.create(place.name, values)
        work.result = str(made.record.id)
        return work.result

    try:
        id = change(act, "record.create", key=request.form.get("_key") or None)
    except InputError as error:
        return entry_page(place, record=None, typed=values, problems=error.problems)
    notify(_("Saved."))
    if request.form.get("_do") == "again":
        return redirect(url_for("records.new", app=app, form=form))
    return redirect(url_for("records.page", app=app, form=form, id=id))


@blueprint.get("/<uuid:id>")
def page(app: str, form: str, id: UUID) -> str:
    """The record's page."""
    place = form_or_404(app, form)
    with reading() as work:
        record = record_or_404(work, place, id)
        before = request.args.get("before", type=instant)
        told = record_page.context(work, place, record, before)
        return render_template("pages/record.html", **told, asked_about=has_rules(work, place))


@blueprint.get("/<uuid:id>/edit")
def edit(app: str, form: str, id: UUID) -> Response:
    """The record in a form."""
    place = form_or_404(app, form)
    with reading() as work:
        record = record_or_404(work, place, id)
        if not work.records.may(place.name, "edit", id):
            abort(403)
    return entry_page(place, record=record)


@blueprint.post("/<uuid:id>/edit")
def update(app: str, form: str, id: UUID) -> BaseResponse:
    """Saves a record; refused input and a lost race show the form again with everything typed."""
    place = form_or_404(app, form)
    values = record_input(place, request.form, "edit")
    if refused := _refused_files(place, values, "edit"):
        return entry_page(place, record=_now(place, id), typed=values, problems=refused)
    base = request.form.get("_version", type=int)

    def act(work: Work) -> None:
        work.records.update(place.name, id, values, base_version=base)

    try:
        change(act, "record.update", key=request.form.get("_key") or None)
    except InputError as error:
        return entry_page(place, record=_now(place, id), typed=values, problems=error.problems, version=base)
    except StateConflict as error:
        return _clash(place, id, values, error)
    undo = url_for("records.compare", app=app, form=form, id=id, version=base) if base else ""
    notify(_("Saved."), action=_("Undo"), href=undo)
    return redirect(url_for("records.page", app=app, form=form, id=id))


def _refused_files(place: FormPlace, values: dict[str, Any], purpose: str) -> list[InputProblem]:
    return sent_files(place, values, purpose, site().principal) if request.files else []


def _now(place: FormPlace, id: UUID) -> Record:
    with reading() as work:
        return record_or_404(work, place, id)


def _clash(place: FormPlace, id: UUID, values: Mapping[str, Any], error: StateConflict) -> Response:
    record = _now(place, id)
    with reading() as work:
        clash: Clash = clash_of(work, place, record, values, error)
    return entry_page(place, record=record, typed=own_edits(values, error), clash=clash, version=record.version)


@blueprint.post("/<uuid:id>/delete")
def delete(app: str, form: str, id: UUID) -> BaseResponse:
    """Puts a record into the recycle bin."""
    place = form_or_404(app, form)

    def act(work: Work) -> None:
        work.records.delete(place.name, id, base_version=request.form.get("_version", type=int))

    change(act, "record.delete")
    notify(_("The record is in the recycle bin."), action=_("Undo"), href=url_for("records.bin", app=app, form=form))
    return redirect(url_for("records.list", app=app, form=form))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@blueprint.post("/<uuid:id>/comment")
def comment(app: str, form: str, id: UUID) -> BaseResponse:
    """Adds a comment to the record's timeline."""
    place = form_or_404(app, form)
    text = request.form.get("text", "")
    people = [found for item in request.form.getlist("mention")[:MENTIONS] if (found := _uuid(item))]
    change(lambda work: work.service("timeline").comment(place.name, id, text, mentions=people), "record.comment")
    return redirect(url_for("records.page", app=app, form=form, id=id, _anchor="timeline"))


@blueprint.post("/<uuid:id>/press/<button>")
def press(app: str, form: str, id: UUID, button: str) -> BaseResponse:
    """Does what a button of the record's page says, where that page shows the button to this person."""
    place = form_or_404(app, form)
    items = layout_for(place.form, "page").walk()
    item = next((found for found in items if found.type == "button" and found.name == button), None)
    if item is None:
        abort(404)

    choices = starting.chosen(request.form)

    def act(work: Work) -> None:
        record = record_or_404(work, place, id)
        if not holds(work, place.name, id, item.visible):
            abort(403)
        record_parts.press(work, place, record, item, choices)

    try:
        change(act, "record.press", key=request.form.get("_key") or None)
    except InputError as error:
        if not starting.is_about_choices(error):
            raise
        return starting.page(place, id, item, choices, error)
    notify(_("Done."))
    return redirect(url_for("records.page", app=app, form=form, id=id))


@blueprint.get("/<uuid:id>/history")
def history(app: str, form: str, id: UUID) -> str:
    """All versions with the fields that each one changed."""
    place = form_or_404(app, form)
    with reading() as work:
        record = record_or_404(work, place, id)
        names = WorkNames(work)
        names.learn(place.form, [record])
        return render_template(
            "pages/history.html",
            **place_context(place),
            id=id,
            title=title_of(place.form, record, names),
            versions=versions_shown(work, place, record, names),
        )


@blueprint.get("/<uuid:id>/why")
def why_not(app: str, form: str, id: UUID) -> str:
    """What rules and decisions made of the record at one of its changes, or make of it now."""
    place = form_or_404(app, form)
    with reading() as work:
        record = record_or_404(work, place, id)
        names = WorkNames(work)
        names.learn(place.form, [record])
        return render_template(
            "pages/why_not.html",
            **place_context(place),
            **asked_about(work, place, record, names, request.args.get("at", "")),
            id=id,
            title=title_of(place.form, record, names),
        )


@blueprint.get("/<uuid:id>/why/<field>")
def why(app: str, form: str, id: UUID, field: str) -> str:
    """Why a field has the value it has."""
    place = form_or_404(app, form)
    with reading() as work:
        record = record_or_404(work, place, id)
        if field not in place.form.fields or field not in record.values or field in record.masked:
            abort(404)
        names = WorkNames(work)
        names.learn(place.form, [record])
        return render_template(
            "pages/why.html",
            **place_context(place),
            **explain(work, place, record, field, names),
            asked_about=has_rules(work, place),
            id=id,
            title=title_of(place.form, record, names),
        )


@blueprint.get("/choices/<field>")
def choices(app: str, form: str, field: str) -> Response:
    """What a picker offers for what was typed, as JSON."""
    place = form_or_404(app, form)
    given = request.args
    found = choices_for(
        place,
        field,
        given.get("q", "").strip()[:100],
        record=given.get("record", type=UUID),
        beside=given.get("beside", "")[:100],
    )
    response = make_response(jsonify(items=found))
    response.headers["Cache-Control"] = "no-store"
    return response


def place_context(place: FormPlace) -> dict[str, Any]:
    """What every page of a form says about it."""
    return {
        "app": place.app.name,
        "form": place.local,
        "app_label": place.app_label,
        "plural": place.plural,
        "single": place.label,
    }

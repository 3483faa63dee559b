"""What views of records ask for while one works in them: more of a column or a branch, and a card that was moved."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.conflicts import clash_of
from builder.web.context import _, change, reading, site
from builder.web.filters import SYSTEM_KINDS
from builder.web.list_tools import rows_in
from builder.web.listing import columns_of, read_state
from builder.web.pages.lists import mark_of
from builder.web.pickers import choices_for, system_choices
from builder.web.views.board import cards_in
from builder.web.views.gantt import shifted
from builder.web.views.kinds import missing
from builder.web.views.sections import condition, sections_of
from builder.web.views.sheet import READABLE, Sheet
from builder.web.views.tree import branches
from builder.web.wording import problem_text
from builder.workspace import Work
from engines.core import AccessDenied, InputError, StateConflict

# Days that one move may lead over: a slip of the hand goes no further.
MOST_DAYS = 36_600


def register(blueprint: Blueprint) -> None:
    """Adds what views ask for to the pages of records."""
    blueprint.add_url_rule("/section", "section", section)
    blueprint.add_url_rule("/filter/<field>", "filter_choices", filter_choices)
    blueprint.add_url_rule("/branch", "branch", branch)
    blueprint.add_url_rule("/<uuid:id>/place", "place", place, methods=["POST"])


def _sheet(work: Work, found: FormPlace) -> Sheet:
    """The view that the request's address names."""
    access = field_access(found.form, site().principal)
    state = read_state(found, [name for name in found.form.fields if access[name] in READABLE])
    mark = mark_of(work, found)
    return Sheet(work, found, state, access, narrowed=mark.drill.filter if mark else "")


def _visible(app: str, form: str) -> FormPlace:
    found = form_or_404(app, form)
    if not found.may("see"):
        abort(404)
    return found


def section(app: str, form: str) -> str:
    """The next cards of a column, or rows of a group."""
    found = _visible(app, form)
    with reading() as work:
        sheet = _sheet(work, found)
        if sheet.view.kind == "list" and sheet.state.group:
            shown = rows_in(sheet, request.args.get("in", ""), sheet.state.after)
            return render_template("parts/views/rows.html", columns=columns_of(found, sheet.state), **shown)
        if sheet.view.kind != "kanban" or missing(sheet):
            abort(404)
        cards = cards_in(sheet, sheet.key("group"), request.args.get("in", ""), sheet.state.after)
        movable = sheet.movable(sheet.key("group"))
    return render_template("parts/views/cards.html", movable=movable, **cards)


def filter_choices(app: str, form: str, field: str) -> Response:
    """What a condition may name, for what was typed: records, people or departments, as far as they may be seen."""
    found = _visible(app, form)
    access = field_access(found.form, site().principal)
    if access.get(field, "read") not in READABLE or (field not in found.form.fields and field not in SYSTEM_KINDS):
        abort(404)
    text = request.args.get("q", "").strip()[:100]
    if field in found.form.fields:
        items = choices_for(found, field, text)
    else:
        items = system_choices(SYSTEM_KINDS[field], text)
    response = make_response(jsonify(items=items))
    response.headers["Cache-Control"] = "no-store"
    return response


def branch(app: str, form: str) -> str:
    """What is right below a record of a tree."""
    found = _visible(app, form)
    with reading() as work:
        sheet = _sheet(work, found)
        if sheet.view.kind != "tree" or missing(sheet):
            abort(404)
        root = request.args.get("root", type=UUID)
        return render_template("parts/views/branches.html", **branches(sheet, root, sheet.state.after))


def place(app: str, form: str, id: UUID) -> Response:
    """Moves a card: into another column, or by days; answers with the new version and the columns' figures."""
    found = _visible(app, form)
    version = request.form.get("version", type=int)
    moved: dict[str, Any] = {}

    def act(work: Work) -> None:
        moved["values"] = _wanted(work, found, id)
        moved["version"] = work.records.update(found.name, id, moved["values"], base_version=version).record.version

    try:
        change(act, "record.move")
    except InputError as error:
        return _refused(" ".join(problem_text(p, site().locale) for p in error.problems), 422)
    except StateConflict as error:
        with reading() as work:
            record = work.records.get(found.name, id) or abort(404)
            return _refused(clash_of(work, found, record, moved["values"], error).sentence, 409)
    with reading() as work:
        figures = _figures(_sheet(work, found))
    return make_response(jsonify(version=moved["version"], columns=figures, text=_("Saved.")))


def _refused(text: str, status: int) -> Response:
    return make_response(jsonify(error=text), status)


def _wanted(work: Work, found: FormPlace, id: UUID) -> dict[str, Any]:
    """The values that the move gives the record; 403 for what views do not move."""
    sheet = _sheet(work, found)
    given = request.form
    if sheet.view.kind == "kanban" and "into" in given:
        by = sheet.key("group")
        if not sheet.movable(by):
            raise AccessDenied("edit", found.name)
        condition(sheet, by, given["into"])
        return {by: _value(found, by, given["into"])}
    if sheet.view.kind in {"calendar", "gantt"}:
        return _dates(work, sheet, id)
    abort(400)


def _value(found: FormPlace, by: str, key: str) -> Any:
    if found.form.fields[by].definition.type == "boolean" and key:
        return key == "true"
    return key or None


def _dates(work: Work, sheet: Sheet, id: UUID) -> dict[str, Any]:
    """Both ends moved by ``days``, or each by its own."""
    ends = {"start": sheet.key("start"), "end": sheet.key("end")}
    record = work.records.get(sheet.place.name, id)
    if record is None:
        abort(404)
    whole = request.form.get("days", 0, type=int)
    values = {}
    for end, name in ends.items():
        days = request.form.get(f"{end}_days", whole, type=int)
        value = record.get(name) if name else None
        if not days or value is None:
            continue
        if abs(days) > MOST_DAYS:
            abort(400)
        if not sheet.movable(name):
            raise AccessDenied("edit", sheet.place.name)
        values[name] = shifted(value, days)
    return values


def _figures(sheet: Sheet) -> dict[str, Any]:
    """Counts and sums of a board's columns, by their keys."""
    if sheet.view.kind != "kanban":
        return {}
    sections, _left_out = sections_of(sheet, sheet.key("group"))
    return {s.key: {"count": s.count_text, "sums": [f"{label} {total}" for label, total in s.sums]} for s in sections}

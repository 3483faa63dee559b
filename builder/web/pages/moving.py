"""Administration: somebody moves or leaves – their department, manager and post, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.identity import get_person
from builder.runtime import moving
from builder.web.catalogue import place_of
from builder.web.context import _, change, reading, site
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.people_picker import people_cell, people_named
from builder.web.wording import problem_text
from engines.core import InputError


def register(blueprint: Blueprint) -> None:
    """Adds the pages to those of the administration."""
    blueprint.add_url_rule("/people/<uuid:id>/move", "person_move", choose)
    blueprint.add_url_rule("/people/<uuid:id>/move", "person_move_begin", begin, methods=["POST"])


def choose(id: UUID) -> Response:
    """What the person has, to be chosen from; and the moves so far."""
    return _page(id)


def _page(id: UUID, problem: str = "", status: int = 200) -> Response:
    from builder.web.pages.admin import tabs

    sent = request.form if request.method == "POST" else None
    with reading() as work:
        person = get_person(work.connection, id)
        names = WorkNames(work)
        found = moving.having(work, id)
        moves = [_shown(move, names) for move in moving.moves_of(work, id)]
        to = people_named(sent.getlist("to")) if sent else (person.manager,) if person.manager else ()
        cell = people_cell(
            "to", _("Who gets it"), chosen=[(one, names.person(one) or _("unknown")) for one in to], required=False
        )
    chosen = set(sent.getlist("part")) if sent else {one.part for one in found}
    parts = [{"name": o.part, "label": label(o.part), "count": o.count, "chosen": o.part in chosen} for o in found]
    page = render_template(
        "admin/move.html", tabs=tabs("people"), person=person, parts=parts, moves=moves, cell=cell, problem=problem,
        running=any(move["running"] for move in moves), leaves=bool(sent and sent.get("leaves")),
    )  # fmt: skip
    return make_response(page, status)


def label(part: str) -> str:
    """What a part is called."""
    if part.startswith("records:"):
        place = place_of(part.removeprefix("records:"))
        return _("Records: %(form)s", form=place.plural if place else part)
    known = {
        "work": _("Open tasks, delegations and turns in approvals"),
        "instances": _("Running processes that they started"),
        "substitutions": _("People for whom they stand in"),
        "reports": _("People who report to them"),
        "heads": _("Departments that they lead"),
        "roles": _("Roles"),
    }
    return known.get(part, part)


def _shown(move: moving.Move, names: WorkNames) -> dict[str, Any]:
    def line(part: str, done: Mapping[str, Any]) -> dict[str, Any]:
        return {"label": label(part), "count": done.get("count", 0), "left": done.get("left", 0)}

    lines: Sequence[dict[str, Any]] = [line(part, move.done.get(part, {})) for part in move.parts]
    return {
        "at": move.started_at,
        "by": names.person(move.started_by) if move.started_by else _("The system"),
        "to": names.person(move.to) if move.to else "",
        "leaves": move.leaves,
        "running": move.state != "done",
        "lines": lines,
    }


def begin(id: UUID) -> BaseResponse:
    """Begins the move; a job carries it out."""
    form = request.form
    to = next(iter(people_named(form.getlist("to"))), None)
    leaves = bool(form.get("leaves"))
    try:
        change(lambda work: moving.begin_move(work, id, form.getlist("part"), to=to, leaves=leaves), "people.move")
    except InputError as error:
        return _page(id, " ".join(problem_text(item, site().locale) for item in error.problems), 422)
    notify(_("The move has begun. This page shows how far it is."))
    return redirect(url_for("admin.person_move", id=id))

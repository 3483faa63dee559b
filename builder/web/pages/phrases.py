"""Stock phrases: one's own, and those of the apps that one builds."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from builder.identity import may_build
from builder.runtime.phrases import LONGEST, add_phrase, phrases, remove_phrase
from builder.web.catalogue import apps
from builder.web.context import _, change, reading, require_person, site
from builder.web.notices import notify
from builder.web.wording import problem_text
from engines.core import InputError

blueprint = Blueprint("phrases", __name__, url_prefix="/phrases")
blueprint.before_request(require_person)


@blueprint.get("/")
def index() -> Response:
    """All phrases that the person may use, with those that they may change."""
    return _page()


def _page(problem: str = "", status: int = 200) -> Response:
    built = {
        name: site().text(app.definition.label) for name, app in apps().items() if may_build(site().principal, name)
    }
    with reading() as work:
        found = phrases(work)
    groups = [("", _("My own")), *built.items()]
    shown = [
        {"app": app, "label": label, "phrases": [item for item in found if item.app == app]} for app, label in groups
    ]
    page = render_template("pages/phrases.html", groups=shown, problem=problem, longest=LONGEST)
    return make_response(page, status)


@blueprint.post("/")
def add() -> Response:
    """Adds one."""
    try:
        change(lambda work: add_phrase(work, request.form.get("text", ""), request.form.get("app", "")), "phrase.add")
    except InputError as error:
        return _page(" ".join(problem_text(item, site().locale) for item in error.problems), 422)
    notify(_("Saved."))
    return redirect(url_for("phrases.index"))


@blueprint.post("/<uuid:id>/remove")
def remove(id: UUID) -> Response:
    """Takes one away."""
    change(lambda work: remove_phrase(work, id), "phrase.remove")
    return redirect(url_for("phrases.index"))

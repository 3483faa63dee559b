"""The page on which a new form begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.web.context import _, site
from builder.web.notices import notify
from builder.web.studio import new_form
from builder.web.studio.drafting import DraftView, edit, view
from builder.web.wording import problem_text
from engines.core import InputError

Frame = Callable[[DraftView, str], dict[str, Any]]


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the page to the studio."""

    @blueprint.get("/<app>/new-form")
    def new_form_page(app: str) -> str:
        """What a new form is called, where it stands in the menu and who may do what."""
        found = view(app)
        return render_template("studio/new_form.html", **frame(found, "overview"), **_context(found))

    @blueprint.post("/<app>/new-form")
    def new_form_make(app: str) -> BaseResponse:
        """Makes it in the draft and opens its designer; what was typed stays where it is refused."""
        found = view(app)
        given = request.form
        wanted = new_form.Wanted(
            labels={code: given.get(code, "").strip() for code in ("zh", "en")},
            plurals={code: given.get(f"plural_{code}", "") for code in ("zh", "en")},
            name=given.get("name", "").strip(),
            group=given.get("group", ""),
            rights={role: _level(given, role) for role, _label, _suggested in new_form.roles(found)},
        )
        try:
            name = edit(app, lambda draft: new_form.create(draft, found, wanted), key=given.get("_key"))
        except InputError as error:
            problems = {item.pointer.strip("/"): problem_text(item, site().locale) for item in error.problems}
            told = {**frame(found, "overview"), **_context(found, problems)}
            return make_response(render_template("studio/new_form.html", **told), 422)
        notify(_("The form stands in the draft. Add fields to it, then publish."))
        return redirect(url_for("studio.form", app=app, form=name))


def _level(given: Mapping[str, str], role: str) -> str:
    level = given.get(f"right.{role}", "none")
    return level if level in new_form.LEVELS else "none"


def _context(found: DraftView, problems: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "given": request.form,
        "problems": problems or {},
        "groups": new_form.groups(found),
        "roles": new_form.roles(found),
        "levels": new_form.level_labels(),
    }

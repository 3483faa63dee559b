"""Publishing a draft: what would change, the confirmation, and the way back to an older release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.releases import activations_of, cancel_followup, plan, publish, releases_of, resume_followup, rollback
from builder.web.context import _, change, reading, site
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.studio.changes_shown import changes_shown, data_shown
from builder.web.studio.drafting import DraftView, ProblemShown, edit, view
from builder.web.studio.followups_shown import followups_shown
from builder.workspace import Work
from engines.core import DefinitionError, Diagnostic, StateConflict

Frame = Callable[[DraftView, str], dict[str, Any]]
Problems = Callable[[DraftView, Sequence[Diagnostic] | None], list[ProblemShown]]


def register(blueprint: Blueprint, frame: Frame, problems: Problems, kinds: Callable[[], Mapping[str, str]]) -> None:
    """Adds publishing to the studio."""

    @blueprint.get("/<app>/publish")
    def publish_page(app: str) -> Response:
        """The plan."""
        found = view(app)
        return make_response(
            render_template("studio/publish.html", **frame(found, "publish"), **_plan(found, problems, kinds()))
        )

    @blueprint.post("/<app>/publish")
    def publish_draft(app: str) -> BaseResponse:
        """Puts the draft into force; what stands against it is shown and nothing has changed."""
        found = view(app)
        here = site()
        try:
            note, later = request.form.get("note", "").strip(), here.workspace.settings.runner != "none"
            done = publish(here.workspace, app, None, here.principal, note=note, later=later)
        except DefinitionError as error:
            told = _plan(found, problems, kinds()) | {"problems": problems(found, error.diagnostics)}
            return make_response(render_template("studio/publish.html", **frame(found, "publish"), **told), 422)
        notify(_("Release %(number)s is in force.", number=done.number))
        return redirect(url_for("studio.releases", app=app))

    @blueprint.post("/<app>/discard")
    def discard(app: str) -> BaseResponse:
        """Throws the draft away."""
        edit(app, lambda draft: draft.discard())
        notify(_("The draft is gone; the app is as it was."))
        return redirect(url_for("studio.overview", app=app))

    @blueprint.get("/<app>/releases")
    def releases(app: str) -> str:
        """All releases, and which was in force when."""
        found = view(app)
        with reading() as work:
            known = releases_of(work.connection, app)
            history = activations_of(work.connection, app)
            names = WorkNames(work)
            names.learn_people([item.published_by for item in known if item.published_by])
            active = work.apps[app].release
            rows = [
                {
                    "number": item.number,
                    "version": item.version,
                    "note": item.note,
                    "at": item.published_at,
                    "by": (names.person(item.published_by) if item.published_by else None) or _("The system"),
                    "active": item.number == active,
                    "layered": item.package_hash != item.content_hash,
                    "times": sum(1 for a in history if a.release == item.number),
                }
                for item in known
            ]
            steps = followups_shown(work, app)
        return render_template("studio/releases.html", **frame(found, "releases"), releases=rows, **steps)

    _register_steps(blueprint)

    @blueprint.post("/<app>/releases/<int:number>/activate")
    def activate(app: str, number: int) -> BaseResponse:
        """Puts an older release into force again."""
        here = site()
        rollback(here.workspace, app, number, here.principal, note=request.form.get("note", ""))
        notify(_("Release %(number)s is in force again.", number=number))
        return redirect(url_for("studio.releases", app=app))


def _register_steps(blueprint: Blueprint) -> None:
    """What follows a release: how far it is, and stopping and going on."""

    @blueprint.get("/<app>/followups")
    def followups(app: str) -> str:
        """The part of the page that tells it."""
        view(app)
        with reading() as work:
            return render_template("studio/followups.html", app=app, **followups_shown(work, app))

    @blueprint.post("/<app>/followups/<uuid:id>/cancel")
    def cancel_step(app: str, id: UUID) -> BaseResponse:
        """Stops a step where it stands."""
        return _step(app, id, cancel_followup, "release.followup.cancel")

    @blueprint.post("/<app>/followups/<uuid:id>/resume")
    def resume_step(app: str, id: UUID) -> BaseResponse:
        """Goes on with a step."""
        return _step(app, id, resume_followup, "release.followup.resume")


def _step(app: str, id: UUID, act: Callable[[Work, str, UUID], None], command: str) -> BaseResponse:
    view(app)
    try:
        change(lambda work: act(work, app, id), command)
    except KeyError:
        abort(404)
    except StateConflict:
        notify(_("The step has moved on meanwhile."))
    return redirect(url_for("studio.releases", app=app))


def _plan(found: DraftView, problems: Problems, kinds: Mapping[str, str]) -> dict[str, Any]:
    """What the draft changes and what that means, for the page; nothing where there is no draft."""
    nothing: dict[str, Any] = {"planned": False, "changed": [], "data": [], "problems": []}
    if not found.edits:
        return nothing
    try:
        with reading() as work:
            made = plan(work, found.app)
    except (DefinitionError, StateConflict):
        return nothing | {"problems": problems(found, None)}
    return {
        "planned": True,
        "changed": changes_shown(made.changes, found.published, found.documents, kinds),
        "data": data_shown(made, found.documents),
        "problems": problems(found, made.diagnostics),
    }

"""Saving a list as a view of one's own, sharing it with roles, taking it away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from builder.lists.saved_views import (
    SavedView,
    may_change,
    may_share,
    remove_view,
    role_choices,
    save_view,
    saved_view,
    saved_views,
)
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, change, reading, site
from builder.web.listing import ListState
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.wording import problem_text
from builder.workspace import Work
from engines.core import InputError

# What a view keeps of a list's address.
KEPT = ("view", "q", "f", "where", "group", "sort", "cols", "span", "zoom")
_LONGEST = 12_000


def register(blueprint: Blueprint) -> None:
    """Adds saved views to the pages of records."""
    blueprint.add_url_rule("/views", "save_view", save, methods=["POST"])
    blueprint.add_url_rule("/views/<uuid:id>", "change_view", save, methods=["POST"])
    blueprint.add_url_rule("/views/<uuid:id>/remove", "remove_view", remove, methods=["POST"])


def save(app: str, form: str, id: UUID | None = None) -> Response:
    """Makes a view of the list as it is, or gives a view what the list is now."""
    place = _visible(app, form)
    given = request.form
    query = _query(given.get("query", ""))

    def act(work: Work) -> str:
        before = saved_view(work, place.name, id) if id else None
        name = given.get("name", before.name if before else "")
        roles = given.getlist("roles") if "roles_shown" in given else list(before.roles if before else ())
        return str(save_view(work, place.name, name, query, roles, id))

    try:
        made = change(act, "view.save", key=given.get("_key") or None)
    except InputError as error:
        notify(" ".join(problem_text(item, site().locale) for item in error.problems), kind="error")
        return redirect(f"{url_for('records.list', app=app, form=form)}?{urlencode(query, doseq=True)}")
    notify(_("The view is saved."))
    return redirect(url_for("records.list", app=app, form=form, saved=made))


def remove(app: str, form: str, id: UUID) -> Response:
    """Takes a view away."""
    place = _visible(app, form)
    change(lambda work: remove_view(work, place.name, id), "view.remove")
    notify(_("The view is removed."))
    return redirect(url_for("records.list", app=app, form=form))


def _visible(app: str, form: str) -> FormPlace:
    place = form_or_404(app, form)
    if not place.may("see"):
        abort(404)
    return place


def _query(text: str) -> dict[str, list[str]]:
    """What of an address a view keeps."""
    if len(text) > _LONGEST:
        abort(413)
    given = parse_qs(text.removeprefix("?"), max_num_fields=200)
    return {name: given[name] for name in KEPT if name in given}


# -- for the list's page


def opened(place: FormPlace) -> Response | None:
    """Where a saved view leads that the address names and nothing else; None where it names more, or none."""
    if set(request.args) != {"saved"}:
        return None
    with reading() as work:
        found = saved_view(work, place.name, _uuid(request.args["saved"]))
    if found is None:
        abort(404)
    return redirect(_href(place, found))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        abort(404)


def _href(place: FormPlace, view: SavedView) -> str:
    base = url_for("records.list", app=place.app.name, form=place.local)
    return f"{base}?{urlencode([*view.query.items(), ('saved', str(view.id))], doseq=True)}"


def saved_context(work: Work, place: FormPlace, state: ListState) -> Mapping[str, Any]:
    """What the list's page says of saved views: their tabs, and what can be saved."""
    views = saved_views(work, place.name)
    names = WorkNames(work)
    current = next((view for view in views if str(view.id) == state.saved), None)
    roles = role_choices(work, place.name) if may_share(work, place.name) else []
    return {
        "saved": [
            {
                "href": _href(place, view),
                "label": view.name,
                "current": view is current,
                "shared": bool(view.roles),
            }
            for view in views
        ],
        "current_view": {
            "id": current.id,
            "name": current.name,
            "roles": current.roles,
            "mine": may_change(work, place.name, current),
            "changed": _changed(current, state),
        }
        if current
        else None,
        "view_roles": [{"name": role, "label": names.role(role) or role} for role in roles],
        "query": state.query,
    }


def _changed(view: SavedView, state: ListState) -> bool:
    """Whether the list is no longer what the view keeps."""
    return _query(state.query) != {name: list(values) for name, values in view.query.items()}

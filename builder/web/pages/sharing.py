"""Sharing one record: with whom it is shared, sharing it with somebody more, taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.definitions.app_definition import EVERY_APP
from builder.identity import DatabaseDirectory, all_departments
from builder.rights.sharing import revoke_share, share_record, shares_of
from builder.web.catalogue import FormPlace, apps, form_or_404
from builder.web.context import _, change, reading, site
from builder.web.names import WorkNames, title_of
from builder.web.notices import notify
from builder.web.pickers import MOST
from builder.web.wording import problem_text
from builder.workspace import Work
from engines.core import InputError, InputProblem
from engines.form import Record

# Roles of every app that nobody is given.


def register(blueprint: Blueprint) -> None:
    """Adds the pages to those of records."""
    blueprint.add_url_rule("/<uuid:id>/sharing", "sharing", show)
    blueprint.add_url_rule("/<uuid:id>/sharing", "share", share, methods=["POST"])
    blueprint.add_url_rule("/<uuid:id>/sharing/<uuid:share>/revoke", "unshare", unshare, methods=["POST"])
    blueprint.add_url_rule("/<uuid:id>/sharing/receivers", "receivers", receivers)


def show(app: str, form: str, id: UUID) -> Response:
    """With whom the record is shared."""
    return _page(form_or_404(app, form), id)


def share(app: str, form: str, id: UUID) -> BaseResponse:
    """Shares it; what was refused is shown with everything typed."""
    place, given = form_or_404(app, form), request.form

    def act(work: Work) -> None:
        kind, key = _receiver(work, given)
        until = _end_of_day(given.get("until", ""))
        access, note = given.get("access", ""), given.get("note", "")
        share_record(work, place.name, id, kind=kind, key=key, access=access, until=until, note=note)

    try:
        change(act, "record.share", key=given.get("_key") or None)
    except InputError as error:
        return _page(place, id, {item.pointer.strip("/"): problem_text(item, site().locale) for item in error.problems})
    notify(_("The record is shared."))
    return redirect(url_for("records.sharing", app=app, form=form, id=id))


def unshare(app: str, form: str, id: UUID, share: UUID) -> BaseResponse:
    """Takes it back."""
    place = form_or_404(app, form)
    change(lambda work: revoke_share(work, place.name, id, share), "record.unshare")
    notify(_("The record is no longer shared with them."))
    return redirect(url_for("records.sharing", app=app, form=form, id=id))


def receivers(app: str, form: str, id: UUID) -> Response:
    """People, roles and departments whose name holds what was typed, as JSON."""
    place = form_or_404(app, form)
    with reading() as work:
        _record(work, place, id)
        found = _found(work, request.args.get("q", "").strip()[:100])
    response = make_response(jsonify(items=found[:MOST]))
    response.headers["Cache-Control"] = "no-store"
    return response


def _found(work: Work, text: str) -> list[dict[str, str]]:
    wanted = text.lower()
    people = DatabaseDirectory(work.connection).search(text, MOST)
    roles = [
        (f"{name}.{role}", site().text(found.label) or role, site().text(app.definition.label))
        for name, app in apps().items()
        for role, found in app.roles.items()
        if role not in EVERY_APP
    ]
    units = [(item.id, site().text(item.name)) for item in all_departments(work.connection)]
    return [
        *({"id": f"person:{id}", "label": name, "detail": _("Person")} for id, name in people),
        *({"id": f"department:{id}", "label": name, "detail": _("Department")} for id, name in units
          if wanted in name.lower()),
        *({"id": f"role:{key}", "label": name, "detail": _("Role") + " · " + of} for key, name, of in roles
          if wanted in name.lower()),
    ]  # fmt: skip


def _receiver(work: Work, given: Mapping[str, str]) -> tuple[str, str]:
    """Whom the form names: chosen from the list, or typed where no script runs."""
    chosen, typed = given.get("with", ""), given.get("with__text", "").strip()
    if not chosen and typed:
        exact = [item["id"] for item in _found(work, typed) if item["label"] == typed]
        chosen = exact[0] if len(exact) == 1 else ""
    kind, _colon, key = chosen.partition(":")
    return kind, key


def _end_of_day(text: str) -> datetime | None:
    """The last moment of the day that was chosen; None for no end."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise InputError([InputProblem(pointer="/until", code="share.past")]) from None
    zone = site().workspace.clock.zone()
    return datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(microseconds=1)


def _record(work: Work, place: FormPlace, id: UUID) -> Record:
    """The record, for those who may share it; for all others the page is not there."""
    found: Record | None = work.records.get(place.name, id)
    if found is None or not work.records.may(place.name, "share", id):
        abort(404)
    return found


def _page(place: FormPlace, id: UUID, problems: Mapping[str, str] | None = None) -> Response:
    with reading() as work:
        record = _record(work, place, id)
        names = WorkNames(work)
        names.learn(place.form, [record])
        page = render_template(
            "pages/sharing.html",
            app=place.app.name,
            form=place.local,
            app_label=place.app_label,
            plural=place.plural,
            id=id,
            title=title_of(place.form, record, names),
            shares=shown(work, place, id, names),
            may_edit=work.records.may(place.name, "edit", id),
            problems=problems or {},
            given=request.form,
            earliest=site().workspace.clock.now().astimezone(site().workspace.clock.zone()).date(),
        )
    return make_response(page, 422 if problems else 200)


def shown(work: Work, place: FormPlace, id: UUID, names: WorkNames) -> list[dict[str, Any]]:
    """The shares of a record in words."""
    found = shares_of(work, place.name, id)
    names.learn_people([UUID(item.key) for item in found if item.kind == "person"])
    names.learn_people([item.by for item in found if item.by])
    kinds = {"person": _("Person"), "role": _("Role"), "department": _("Department")}
    levels = {"see": _("may see it"), "edit": _("may see and edit it")}
    called = {
        "person": lambda key: names.person(UUID(key)),
        "department": lambda key: names.department(UUID(key)),
        "role": names.role,
    }
    return [
        {
            "id": item.id,
            "kind": kinds[item.kind],
            "icon": {"person": "person", "role": "people", "department": "building"}[item.kind],
            "name": called[item.kind](item.key) or item.key,
            "access": levels[item.access],
            "note": item.note,
            "by": (names.person(item.by) if item.by else None) or _("The system"),
            "at": item.at,
            "until": item.until,
        }
        for item in found
    ]

"""Administration of the workspace: people and roles, settings, the sandbox's clock, what leaves and what waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.identity import (
    SYSTEM_ROLES,
    create_person,
    get_person,
    list_people,
    random_password,
    set_active,
    set_password,
    set_roles,
    update_person,
)
from builder.jobs import outbox
from builder.storage.runtime_tables import effect, job
from builder.storage.values import decode
from builder.storage.workspace_tables import audit
from builder.web import person_form
from builder.web.audit_words import audit_rows, job_words
from builder.web.calendar_warnings import calendar_warnings
from builder.web.catalogue import apps
from builder.web.context import _, change, reading, require_person, site
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.pages import admin_indexes, admin_rights, moving
from builder.web.wording import code_text, problem_text
from builder.workspace import Work
from builder.workspace.app_settings import write_setting
from builder.workspace.moving_clock import advance_clock
from engines.core import InputError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
moving.register(blueprint)
PAGE = 50
# How far one click may move a sandbox's clock.
STEPS = tuple(
    (part, number, timedelta(**{part: number}))
    for part, number in (("minutes", 15), ("hours", 1), ("days", 1), ("days", 30))
)
# What a move may be put together from, and how far it may go at once.
PARTS = ("days", "hours", "minutes", "seconds")
FARTHEST = timedelta(days=3660)


@blueprint.before_request
def _admins_only() -> Any:
    if refused := require_person():
        return refused
    if not site().is_admin:
        abort(404)
    return None


def tabs(here: str) -> list[dict[str, Any]]:
    """The parts of the administration, with where one is."""
    listed = [
        ("people", _("People"), url_for("admin.people")),
        ("settings", _("Settings"), url_for("admin.settings")),
        ("outbox", _("Outbox"), url_for("admin.outbox_page")),
        ("jobs", _("Jobs"), url_for("admin.jobs")),
        ("indexes", _("Indexes"), url_for("admin.indexes")),
        ("audit", _("Audit trail"), url_for("admin.audit_page")),
    ]
    if _is_sandbox():
        listed.insert(2, ("clock", _("Clock"), url_for("admin.clock")))
    return [{"label": label, "href": href, "current": name == here} for name, label, href in listed]


def _page(template: str, here: str, **values: Any) -> str:
    warnings = calendar_warnings(apps().values())
    return render_template(f"admin/{template}.html", tabs=tabs(here), warnings=warnings, **values)


def _is_sandbox() -> bool:
    workspace = site().workspace
    with workspace.database.read() as connection:
        return workspace.state(connection).sandbox


@blueprint.get("/")
def index() -> BaseResponse:
    """The first page."""
    return redirect(url_for("admin.people"))


# -- people


@blueprint.get("/people")
def people() -> str:
    """Everybody, found by name, pinyin or login."""
    search = request.args.get("q", "").strip()
    with reading() as work:
        found = list_people(work.connection, search=search, after=request.args.get("after", ""), limit=PAGE)
    rows = [{"person": person, "roles": [role_label(role) for role in sorted(person.roles)]} for person in found]
    next_href = url_for("admin.people", q=search or None, after=found[-1].login) if len(found) == PAGE else ""
    return _page("people", "people", rows=rows, search=search, next_href=next_href)


def role_label(role: str) -> str:
    """What a role is called, with its app."""
    system = {"sys.admin": _("Administrator"), "sys.builder": _("Builder of all apps")}
    if role in system:
        return system[role]
    app, _dot, name = role.partition(".")
    found = apps().get(app)
    if found and name == "builder":
        return _("Designer of %(app)s", app=site().text(found.definition.label) or app)
    definition = found.roles.get(name) if found else None
    return (site().text(definition.label) or name) if definition else role


def _offered_roles() -> list[tuple[str, str]]:
    offered = [(role, role_label(role)) for role in SYSTEM_ROLES]
    for name, app in apps().items():
        given = [role for role in app.roles if role not in {"app", "public", "shared"}]
        offered += [(f"{name}.{role}", role_label(f"{name}.{role}")) for role in given]
    return offered


@blueprint.get("/people/new")
def person_new() -> str:
    """An empty form for a person."""
    return _person_page(None)


def _person_page(person: Any, problem: str = "", password: str = "") -> str:
    place = person_form.position(person) if person else None
    offered = _offered_roles()
    return _page("person", "people", person=person, offered=offered, problem=problem, password=password, place=place)


@blueprint.post("/people/new")
def person_create() -> Response:
    """Makes a person with a random password, shown once."""
    here, form = site(), request.form
    password = random_password()
    hashed = here.identity.passwords.hash(password)

    def act(work: Work) -> UUID:
        return create_person(
            work,
            login=form.get("login", "").strip(),
            name=form.get("name", "").strip(),
            email=form.get("email", "").strip(),
            password_hash=hashed,
            roles=form.getlist("roles"),
        )

    try:
        id = change(act, "identity.person_create")
    except InputError as error:
        return make_response(_person_page(None, _problems(error)), 422)
    with reading() as work:
        return make_response(_person_page(get_person(work.connection, id), password=password))


@blueprint.get("/people/<uuid:id>")
def person(id: UUID) -> str:
    """A person with roles and state."""
    with reading() as work:
        return _person_page(get_person(work.connection, id))


@blueprint.post("/people/<uuid:id>")
def person_save(id: UUID) -> Response | BaseResponse:
    """Changes name, mail and roles, or lets somebody in or out."""
    form, here = request.form, site()
    password = random_password() if form.get("_do") == "password" else ""

    def act(work: Work) -> None:
        match form.get("_do"):
            case "password":
                set_password(work, id, password, here.identity.passwords)
            case "in" | "out" as way:
                set_active(work, id, way == "in")
            case _:
                update_person(work, id, name=form.get("name", "").strip(), email=form.get("email", "").strip())
                set_roles(work, id, form.getlist("roles"))
                person_form.save_position(work, id, form)

    try:
        change(act, "identity.person_save")
    except InputError as error:
        with reading() as work:
            return make_response(_person_page(get_person(work.connection, id), _problems(error)), 422)
    if password:
        with reading() as work:
            return make_response(_person_page(get_person(work.connection, id), password=password))
    notify(_("Saved."))
    return redirect(url_for("admin.person", id=id))


def _problems(error: InputError) -> str:
    return " ".join(problem_text(item, site().locale) for item in error.problems)


admin_rights.register(blueprint, _page, role_label)
admin_indexes.register(blueprint, _page)


# -- settings and clock


@blueprint.get("/settings")
def settings() -> str:
    """The settings of every app."""
    with reading() as work:
        values = {name: dict(work.settings(name)) for name in apps()}
    groups = [
        {
            "app": name,
            "label": site().text(app.definition.label),
            "settings": app.settings.values(),
            "values": values[name],
        }
        for name, app in apps().items()
        if app.settings
    ]
    return _page("settings", "settings", groups=groups)


@blueprint.post("/settings/<app>")
def settings_save(app: str) -> BaseResponse:
    """Sets one setting."""
    name, value = request.form.get("name", ""), request.form.get("value", "").strip()
    try:
        change(lambda work: write_setting(work, app, name, value or None), "setting.write")
    except InputError as error:
        notify(_problems(error), "error")
    else:
        notify(_("Saved."))
    return redirect(url_for("admin.settings"))


@blueprint.get("/clock")
def clock() -> Any:
    """The sandbox's clock."""
    if not _is_sandbox():
        abort(404)
    return _clock_page()


def _clock_page(problem: str = "", status: int = 200) -> Any:
    clock = site().workspace.clock
    labels = {"days": _("Days"), "hours": _("Hours"), "minutes": _("Minutes"), "seconds": _("Seconds")}
    parts = [(name, labels[name], request.form.get(name, "")) for name in PARTS]
    page = _page("clock", "clock", now=clock.now(), offset=clock.offset, steps=STEPS, parts=parts, problem=problem)
    return make_response(page, status)


@blueprint.post("/clock")
def clock_move() -> Any:
    """Moves it forward: timers that come due meanwhile fire."""
    if not _is_sandbox():
        abort(404)
    given = {name: request.form.get(name, "").strip() or "0" for name in PARTS}
    if not all(text.isascii() and text.isdigit() and len(text) < 9 for text in given.values()):
        return _clock_page(_("Enter whole numbers."), 422)
    by = timedelta(**{name: int(text) for name, text in given.items()})
    if not timedelta(0) < by <= FARTHEST:
        return _clock_page(_("Say how far the clock is to move, at most ten years."), 422)
    change(lambda work: advance_clock(work, by), "clock.advance")
    notify(_("The clock was moved."))
    return redirect(url_for("admin.clock"))


# -- what leaves, what waits, what happened


@blueprint.get("/outbox")
def outbox_page() -> str:
    """Mails and calls: sent, waiting, held because nothing is configured, given up."""
    state = request.args.get("state", "")
    query = sa.select(effect).order_by(effect.c.created_at.desc(), effect.c.id.desc()).limit(PAGE)
    if state:
        query = query.where(effect.c.state == state)
    with reading() as work:
        rows = [_effect(row) for row in work.connection.execute(query)]
    return _page("outbox", "outbox", rows=rows, state=state, states=_states())


def _states() -> dict[str, tuple[str, str]]:
    return {
        "pending": (_("waiting"), "c-blue"),
        "sent": (_("sent"), "c-green"),
        "held": (_("held"), "c-amber"),
        "dead": (_("given up"), "c-red"),
    }


def _effect(row: sa.Row[Any]) -> dict[str, Any]:
    payload: Mapping[str, Any] = decode(row.payload)
    to = payload.get("to") or payload.get("url") or ""
    return {
        "id": row.id,
        "channel": row.channel,
        "state": row.state,
        "at": row.created_at,
        "to": ", ".join(map(str, to)) if isinstance(to, list | tuple) else str(to),
        "subject": _text(payload.get("subject")),
        "body": _text(payload.get("body") or payload.get("text") or payload.get("json")),
        "error": code_text(row.last_error, site().locale) if row.last_error else "",
        "attempts": row.attempts,
    }


def _text(value: Any) -> str:
    return site().text(value) if isinstance(value, str | Mapping) else "" if value is None else str(value)


@blueprint.post("/outbox/retry")
def outbox_retry() -> BaseResponse:
    """Lets held and given-up effects go again."""
    ids = [UUID(text) for text in request.form.getlist("id")]
    count = change(lambda work: outbox.retry(work.connection, ids), "outbox.retry")
    notify(_("%(count)s will be tried again.", count=count))
    return redirect(url_for("admin.outbox_page"))


@blueprint.get("/jobs")
def jobs() -> str:
    """Timers and schedules that wait, and jobs that were given up."""
    query = sa.select(job).order_by(job.c.state, job.c.due_at).limit(100)
    with reading() as work:
        rows = work.connection.execute(query).all()
    return _page("jobs", "jobs", rows=rows, kinds=job_words())


@blueprint.get("/audit")
def audit_page() -> str:
    """What was done that is worth proving."""
    before = request.args.get("before", type=UUID)
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(PAGE)
    if before is not None:
        query = query.where(audit.c.id < before)
    with reading() as work:
        rows = work.connection.execute(query).all()
        shown = audit_rows(rows, WorkNames(work), role_label)
    next_href = url_for("admin.audit_page", before=rows[-1].id) if len(rows) == PAGE else ""
    return _page("audit", "audit", rows=shown, next_href=next_href)

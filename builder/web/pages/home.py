"""Where people arrive: what waits for them and the apps they may use."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template
from werkzeug.wrappers import Response

from builder.web.context import _, reading, require_person, site
from builder.web.names import WorkNames
from builder.web.navigation import menus
from builder.web.tasks import shown

# Tasks on the home page.
SHOWN = 6
blueprint = Blueprint("home", __name__)
blueprint.before_request(require_person)


@blueprint.get("/")
def index() -> str:
    """The person's home page."""
    here = site()
    now = here.workspace.clock.now().astimezone(here.formats.zone)
    name = here.principal.attributes.get("name", "")
    with reading() as work:
        page = work.service("inbox").page("todo", limit=SHOWN)
        names = WorkNames(work)
        names.learn_people([item.initiator for item in page.items if item.initiator])
        tasks = [shown(item, names) for item in page.items]
    return render_template(
        "pages/home.html",
        greeting=_greeting(now.hour) % {"name": name},
        today=here.formats.date(now.date()),
        apps=menus(),
        tasks=tasks,
    )


def _greeting(hour: int) -> str:
    if hour < 12:
        return _("Good morning, %(name)s", name="%(name)s")
    return _("Good afternoon, %(name)s", name="%(name)s") if hour < 18 else _("Good evening, %(name)s", name="%(name)s")


@blueprint.get("/a/<app>/")
def app(app: str) -> Response:
    """The first page of an app's menu."""
    for menu in menus():
        if menu.name == app and menu.first:
            return redirect(menu.first)  # type: ignore[return-value]
    abort(404)

"""What the person was told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from builder.runtime.notifications import Notice
from builder.web.catalogue import place_of
from builder.web.context import _, change, reading, require_person, site
from builder.workspace import Work

blueprint = Blueprint("notifications", __name__, url_prefix="/notifications")
blueprint.before_request(require_person)
PAGE = 50
_TONES = {"warning": "c-amber", "alert": "c-orange", "critical": "c-red"}


@blueprint.get("/")
def index() -> str:
    """Notices, newest first."""
    before = request.args.get("before", type=UUID)
    with reading() as work:
        found = work.service("notifications").page(before=before, limit=PAGE)
        unread = work.service("notifications").unread()
    next_href = url_for("notifications.index", before=found[-1].id) if len(found) == PAGE else ""
    return render_template(
        "pages/notifications.html", told=[_shown(item) for item in found], unread=unread, next_href=next_href
    )


def _shown(notice: Notice) -> dict[str, Any]:
    severities = {"warning": _("Warning"), "alert": _("Alert"), "critical": _("Critical")}
    return {
        "title": site().text(notice.title),
        "body": site().text(notice.body) if notice.body else "",
        "at": notice.at,
        "read": notice.read_at is not None,
        "tone": _TONES.get(notice.severity, ""),
        "severity": severities.get(notice.severity, ""),
        "href": _href(notice),
    }


def _href(notice: Notice) -> str:
    if notice.task_id:
        return url_for("inbox.task", id=notice.task_id)
    place = place_of(notice.subject[0]) if notice.subject else None
    if place is None or notice.subject is None:
        return url_for("notifications.index")
    return url_for("records.page", app=place.app.name, form=place.local, id=notice.subject[1])


@blueprint.post("/read")
def read() -> Response:
    """Marks all notices as read."""

    def act(work: Work) -> None:
        work.service("notifications").mark_read()

    change(act, "notifications.read")
    return redirect(url_for("notifications.index"))  # type: ignore[return-value]

"""Calendar feeds: a secret address per person that calendar programs read, made and revoked on the account page."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.runtime.calendar_entries import calendar_text, feed_person, new_feed, revoke_feed
from builder.web.context import _, change, require_person, site
from builder.web.notices import notify
from builder.web.ratelimit import Brake

blueprint = Blueprint("feeds", __name__)
_brake = Brake(60, 60)


@blueprint.get("/calendar/<token>.ics")
def feed(token: str) -> Response:
    """The feed; 404 for an address that is unknown, replaced or revoked, and for who was shut out."""
    _brake.require()
    here = site()
    with here.workspace.read(here.principal) as work:
        found = feed_person(work.connection, token)
        if found is None:
            abort(404)
        text = calendar_text(work, *found)
    response = Response(text, mimetype="text/calendar")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.post("/account/calendar")
def make() -> BaseResponse:
    """Makes a new address, shown once; the one before stops working."""
    from builder.web.pages.auth import account_page

    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    token = change(new_feed, "feed.make")
    return account_page(feed=f"{site().workspace.settings.address}{url_for('feeds.feed', token=token)}")


@blueprint.post("/account/calendar/revoke")
def revoke() -> BaseResponse:
    """Ends the feed."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    change(revoke_feed, "feed.revoke")
    notify(_("The address no longer works."))
    return redirect(url_for("auth.account"))

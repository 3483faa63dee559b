"""Links to tasks from mails and chats: one signs in, sees what it is about, and confirms. Opening changes nothing.

Programs that scan mails follow links, and so may whoever a mail was forwarded to: a link gives no right and acts on
nothing before its page is sent.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.runtime.phrases import phrases
from builder.runtime.task_links import TaskLink, read_token
from builder.web.context import _, change, reading, require_person, site
from builder.web.notices import notify
from builder.web.pages.inbox_batch import item_of, result_of
from builder.web.task_page import TaskPage
from builder.web.tasks import outcomes
from builder.web.wording import code_text
from builder.workspace import Work
from engines.core import new_id

blueprint = Blueprint("task_links", __name__)
blueprint.before_request(require_person)


@blueprint.get("/t/<token>")
def look(token: str) -> Response:
    """What the task is about and what can be decided; ``?o=`` only chooses an outcome beforehand."""
    link, refused = _link(token)
    return refused if link is None else _page(token, link, chosen=request.args.get("o", ""))


@blueprint.post("/t/<token>")
def decide(token: str) -> BaseResponse:
    """Decides the task as the person who has signed in; a refusal shows the page again with what was typed."""
    link, refused = _link(token)
    if link is None:
        return refused
    form = request.form

    def act(work: Work) -> None:
        work.processes.complete(
            link.task,
            form.get("_outcome", ""),
            comment=form.get("_comment", "").strip(),
            seen_version=form.get("_version", type=int),
        )

    state, reason = result_of(lambda: change(act, "task.complete", key=form.get("_key") or None))
    if state != "done":
        status = 409 if state == "conflict" else 422
        return _page(token, link, chosen=form.get("_outcome", ""), problem=reason, status=status)
    notify(_("Done."))
    return redirect(url_for("inbox.task", id=link.task))


def _link(token: str) -> tuple[TaskLink | None, Response]:
    """The link, where it is good and meant for whoever is signed in; else the page that says why it is not."""
    with reading() as work:
        link, now = read_token(work.connection, token), work.instant
    if link is None or link.expires_at <= now:
        return None, _refused("task.link_closed", 410)
    if link.person != site().principal.id:
        return None, _refused("task.link_of_others", 403)
    return link, Response()


def _refused(code: str, status: int) -> Response:
    page = render_template("pages/error.html", status=status, message=code_text(code, site().locale))
    return make_response(page, status)


def _page(token: str, link: TaskLink, *, chosen: str, problem: str = "", status: int = 200) -> Response:
    with reading() as work:
        page = TaskPage(work, link.task)
        item = item_of(page)
        offered: list[dict[str, Any]] = [] if item.problem else outcomes(page.row)
        html = render_template(
            "pages/task_link.html",
            token=token,
            item=item,
            # What the link has chosen comes first, and looks like it.
            outcomes=sorted(offered, key=lambda one: one["name"] != chosen),
            chosen=chosen,
            problem=problem,
            changes=page.changes(),
            phrases=phrases(work, page.row.app),
            key=str(new_id()),
        )
    return make_response(html, status)

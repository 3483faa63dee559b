"""Answer links: a question that a mail asked, answered without an account. Opening one changes nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.identity import public_principal
from builder.runtime.answers import SCORE, Question, choice_label, find_question
from builder.web.catalogue import apps
from builder.web.context import site
from builder.web.ratelimit import Brake
from builder.web.wording import problem_text
from engines.core import InputError, StateConflict

blueprint = Blueprint("answers", __name__)
_brake = Brake(30, 60)


@blueprint.get("/answer/<token>")
def ask(token: str) -> Response:
    """The question; ``?a=`` is only chosen beforehand, nothing is taken before it is sent."""
    here = site()
    with here.workspace.read(here.principal) as work:
        question, now = find_question(work.connection, token), work.instant
    if question is None or question.app not in apps():
        return _closed(None)
    if question.answered_at is not None:
        return _page(question, state="thanks") if "sent" in request.args else _closed(question)
    if question.expires_at <= now:
        return _closed(question)
    return _page(question, chosen=request.args.get("a", ""))


@blueprint.post("/answer/<token>")
def give(token: str) -> BaseResponse:
    """Takes the answer once; what was typed stays where it is refused."""
    _brake.require()
    here = site()
    with here.workspace.read(here.principal) as work:
        question = find_question(work.connection, token)
    if question is None:
        return _closed(None)
    chosen, comment = request.form.get("answer", ""), request.form.get("comment", "")
    visitor = public_principal(question.app, here.locale)
    try:
        here.workspace.run(
            lambda work: work.service("answers").give(token, chosen, comment), visitor, command="answer.give"
        )
    except StateConflict:
        return _closed(question)
    except InputError as error:
        problems = {item.pointer.strip("/"): problem_text(item, here.locale) for item in error.problems}
        return _page(question, chosen=chosen, comment=comment, problems=problems, status=422)
    return redirect(url_for("answers.ask", token=token, sent=1))


def _closed(question: Question | None) -> Response:
    """Unknown, used and expired links look the same to whoever was given none."""
    return _page(question, state="closed", status=410)


def _page(question: Question | None, *, state: str = "open", status: int = 200, **values: Any) -> Response:
    here = site()
    app = apps().get(question.app) if question else None
    choices = [(choice, choice_label(choice, here.locale)) for choice in question.choices] if question else []
    html = render_template(
        "pages/answer.html",
        state=state,
        app_name=here.text(app.definition.label) if app else "",
        heading=here.text(question.title) if question else "",
        choices=choices,
        scale=question is not None and question.kind == SCORE,
        **{"chosen": "", "comment": "", "problems": {}, **values},
    )
    response = make_response(html, status)
    # The token stands in the address: it goes nowhere else, and no search engine keeps the page.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response

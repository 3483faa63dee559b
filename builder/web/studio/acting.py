"""What every designer does with a request: one action on the draft, its refusal in words, and who was faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request

from builder.definitions import MISSING
from builder.releases import Draft
from builder.web.context import _, reading, site
from builder.web.names import WorkNames
from builder.web.studio.drafting import edit
from builder.web.studio.properties import parse, written
from builder.web.wording import problem_text
from engines.core import InputError, StateConflict

CHANGED = "studio.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A property that somebody else changed since this person saw it; nothing was overwritten."""

    who: str
    when: str
    theirs: str
    mine: str
    # What to send to have one's own way after all.
    again: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an action went."""

    # Path of what is selected afterwards.
    selected: str
    status: int = 200
    # Why it was refused.
    problem: str = ""
    clash: Clash | None = None


def perform(app: str, action: Callable[[Draft], str]) -> Outcome:
    """Carries ``action`` out in the draft of ``app``; it gives the path that is selected afterwards.

    The request's ``_key`` makes a repeated one harmless. A refusal changes nothing and keeps what was entered.
    """
    selected = request.form.get("sel", "")
    if request.form.get("action") == "select":
        return Outcome(selected=selected)
    try:
        return Outcome(selected=edit(app, action, key=request.form.get("_key")))
    except InputError as error:
        problem = " ".join(problem_text(item, site().locale) for item in error.problems)
        return Outcome(selected=selected, status=422, problem=problem)
    except StateConflict as error:
        if error.code == CHANGED:
            return Outcome(selected=selected, status=409, clash=_clash(error.params))
        problem = _("Somebody else changed the draft just now. This is what it looks like.")
        return Outcome(selected=selected, status=409, problem=problem)


def answered(template: str, outcome: Outcome, context: dict[str, Any]) -> Response:
    """The designer as it looks now."""
    html = render_template(template, **{**context, "problem": outcome.problem, "clash": outcome.clash})
    return make_response(html, outcome.status)


def set_property(draft: Draft, path: str, kind: str, text: str) -> None:
    """Gives a property the value that was entered as ``text``; an empty one is taken away.

    ``StateConflict`` where the request tells what stood there (``was``) and somebody has changed it since.
    """
    value = parse(kind, text)
    require_unchanged(draft, path, written(kind, draft.value(path)), text)
    parent, _slash, last = path.rpartition("/")
    if last in {"zh", "en"} and draft.value(parent) is MISSING:
        if value is not MISSING:
            draft.edit(parent, {last: value})
    elif value is MISSING:
        if draft.value(path) is not MISSING:
            draft.remove(path)
    elif draft.value(path) != value:
        draft.edit(path, value)


def require_unchanged(draft: Draft, path: str, now: str, mine: str) -> None:
    """``StateConflict`` "studio.changed" where the page had shown another value than stands there ``now``."""
    was = request.form.get("was")
    if was is None or now in (was, mine):
        return
    last = draft.last_edit_of(path)
    raise StateConflict(CHANGED, theirs=now, mine=mine, by=last.author if last else None, at=last.at if last else None)


def _clash(params: dict[str, Any]) -> Clash:
    by, at, theirs = params["by"], params["at"], str(params["theirs"])
    with reading() as work:
        names = WorkNames(work)
        names.learn_people([by] if isinstance(by, UUID) else [])
        who = (names.person(by) if isinstance(by, UUID) else None) or _("Somebody")
    again = {name: value for name, value in request.form.items() if name not in {"_key", "_csrf"}} | {"was": theirs}
    when = site().formats.instant(at) if isinstance(at, datetime) else ""
    return Clash(who=who, when=when, theirs=theirs, mine=str(params["mine"]), again=again)

"""Deciding several tasks at once: one outcome, one comment, each task a command of its own with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from builder.runtime.phrases import phrases
from builder.web.context import _, change, reading, site
from builder.web.forms import Display
from builder.web.people_picker import people_named
from builder.web.rows import column_label, record_value
from builder.web.task_page import TaskPage
from builder.web.tasks import outcomes, task_row
from builder.web.wording import code_text, problem_text
from builder.workspace import Work
from engines.core import AccessDenied, InputError, StateConflict, new_id

# Tasks decided at once, and fields of each record that are shown.
MOST = 50
FACTS = 4


def register(blueprint: Blueprint) -> None:
    """Adds the pages."""
    blueprint.add_url_rule("/batch", "batch", choose)
    blueprint.add_url_rule("/batch", "decide_batch", decide, methods=["POST"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of the tasks chosen."""

    id: UUID
    title: str
    subject: str
    href: str
    # Version of the record that is shown here.
    version: int | str = ""
    facts: Sequence[tuple[str, Any]] = ()
    # Why it cannot be decided together with others; empty where it can.
    problem: str = ""


def choose() -> str:
    """What was chosen, with what can be decided for all of it; looking at it changes nothing."""
    chosen = people_named(request.args.getlist("id"))[:MOST]
    items: list[Item] = []
    offered: list[list[dict[str, str]]] = []
    known: dict[str, Any] = {}
    with reading() as work:
        for id in chosen:
            page = TaskPage(work, id)
            item = item_of(page)
            items.append(item)
            if not item.problem:
                offered.append(outcomes(page.row))
                known |= {found.text: found for found in phrases(work, page.row.app)}
    return render_template(
        "pages/batch.html", items=items, outcomes=common(offered), phrases=list(known.values()), key=str(new_id())
    )


def common(offered: Sequence[Sequence[dict[str, str]]]) -> list[dict[str, str]]:
    """The outcomes that all of the tasks have, by name and label, in the order of the first."""
    if not offered:
        return []
    first, *others = offered
    return [one for one in first if all(_has(other, one) for other in others)]


def _has(outcomes: Sequence[dict[str, str]], wanted: dict[str, str]) -> bool:
    return any((one["name"], one["label"]) == (wanted["name"], wanted["label"]) for one in outcomes)


def item_of(page: TaskPage) -> Item:
    """A task with what it is about, and why it cannot be decided without its own page."""
    row = page.row
    return Item(
        id=row.id,
        title=site().text(row.title) or row.node,
        subject=row.subject_title or "",
        href=url_for("inbox.task", id=row.id),
        version=page.record.version if page.record else "",
        facts=_facts(page),
        problem=code_text(code, site().locale) if (code := _obstacle(page)) else "",
    )


def _obstacle(page: TaskPage) -> str:
    """Why a task cannot be decided here, as a code."""
    row = page.row
    if row.status != "open" or not page.work.service("around").may_act(row):
        return "task.not_yours"
    ticks = row.details.get("checklist") or row.details.get("signature") == "required"
    return "task.needs_own_page" if ticks or row.delegated_by else ""


def _facts(page: TaskPage) -> list[tuple[str, Any]]:
    """The first fields of the step's page: what is decided about."""
    if page.place is None or page.record is None or page.layout is None:
        return []
    display = Display(site().formats, page.names, page.place.app.name)
    form, record = page.place.form, page.record
    names = [n for n in page.layout.field_names() if record.values.get(n) not in (None, "", []) and n != form.title]
    plain = [n for n in names if form.fields[n].rows is None][:FACTS]
    return [(column_label(form, name), record_value(form, record, name, display)) for name in plain]


def decide() -> Response:
    """Decides each task by itself; says of each what has become of it."""
    form = request.form
    chosen = people_named(form.getlist("id"))[:MOST]
    if not chosen:
        abort(400)
    results = [_decide(id) for id in chosen]
    done = sum(result["state"] == "done" for result in results)
    html = render_template("pages/batch_done.html", results=results, done=done)
    return make_response(html, 200 if done == len(results) else 409)


def _decide(id: UUID) -> dict[str, Any]:
    form = request.form
    named: dict[str, Any] = {}

    def act(work: Work) -> None:
        row = task_row(work, id)
        named.update(title=site().text(row.title) or row.node, subject=row.subject_title or "")
        work.processes.complete(
            id,
            form.get("_outcome", ""),
            comment=form.get("_comment", "").strip(),
            seen_version=form.get(f"_version.{id}", type=int),
        )

    state, reason = result_of(lambda: change(act, "task.complete", key=f"{form.get('_key', '')}:{id}"))
    return {"href": url_for("inbox.task", id=id), "state": state, "reason": reason, **_named(id, named)}


def _named(id: UUID, named: dict[str, Any]) -> dict[str, Any]:
    """Title and subject; read anew where the command was a repeated one and did nothing."""
    if named:
        return named
    with reading() as work:
        row = task_row(work, id)
        return {"title": site().text(row.title) or row.node, "subject": row.subject_title or ""}


def result_of(command: Callable[[], Any]) -> tuple[str, str]:
    """What has become of a command: "done", "conflict" or "refused", and why."""
    locale = site().locale
    try:
        command()
    except StateConflict as error:
        if error.code == "task.closed":
            who = error.params.get("by_name") or _("The system")
            return "conflict", _("%(who)s has closed it meanwhile.", who=who)
        return "conflict", code_text(error.code, locale, error.params)
    except InputError as error:
        told = dict.fromkeys(problem_text(problem, locale) for problem in error.problems)
        return "refused", " ".join(told)
    except AccessDenied:
        return "refused", code_text("task.not_yours", locale)
    return "done", ""

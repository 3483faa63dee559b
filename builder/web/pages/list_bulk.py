"""Changing or deleting many records at once: chosen in a list, tried out and shown, done, taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from builder.lists import bulk
from builder.lists.bulk import BulkRun, find_run, items_of, refused_of
from builder.lists.bulk_working import run_to_end
from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, change, reading, site
from builder.web.forms import Display
from builder.web.listing import read_state
from builder.web.names import WorkNames, title_of
from builder.web.notices import notify
from builder.web.pages.lists import mark_of
from builder.web.rows import column_label
from builder.web.single import cell_of, enterable, sent
from builder.web.views.sheet import READABLE, Sheet
from builder.web.wording import code_text, problem_text
from builder.workspace import Work
from engines.core import InputError, StateConflict
from engines.form.types import Refused

# Runs of so few records are done at once, while their page is waited for.
FEW = 50
# Records that the preview shows.
SHOWN = 10


def register(blueprint: Blueprint) -> None:
    """Adds changes of many records to the pages of records."""
    blueprint.add_url_rule("/bulk", "bulk_choose", choose, methods=["POST"])
    blueprint.add_url_rule("/bulk/<uuid:id>", "bulk", page)
    blueprint.add_url_rule("/bulk/<uuid:id>/control", "bulk_control", control)
    blueprint.add_url_rule("/bulk/<uuid:id>/try", "bulk_try", try_out, methods=["POST"])
    for name, begin in (("start", bulk.begin_run), ("undo", bulk.begin_undo), ("stop", bulk.stop)):
        blueprint.add_url_rule(f"/bulk/<uuid:id>/{name}", f"bulk_{name}", _beginning(begin, name), methods=["POST"])


def choose(app: str, form: str) -> Response:
    """Notes which records are meant: those ticked, or all that the list holds."""
    place = form_or_404(app, form)
    kind = request.form.get("kind", "")
    if kind not in {"edit", "delete"}:
        abort(400)
    if not place.may(kind):
        abort(403)
    ids = [found for text in request.form.getlist("id") if (found := _uuid(text))]

    def act(work: Work) -> str:
        wanted = _all(work, place) if "all" in request.form else ids
        return str(bulk.choose(work, place.name, kind, wanted))

    try:
        id = change(act, "bulk.choose")
    except InputError as error:
        notify(" ".join(problem_text(item, site().locale) for item in error.problems), kind="error")
        return redirect(f"{url_for('records.list', app=app, form=form)}?{request.query_string.decode()}")
    if kind == "delete":
        return _go(place, UUID(id), lambda work, run: bulk.begin_trial(work, run, {}, False), "bulk.try")
    return redirect(_at("bulk", place, UUID(id)))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _all(work: Work, place: FormPlace) -> list[UUID]:
    """All records of the list that the request's address names."""
    access = field_access(place.form, site().principal)
    state = read_state(place, [name for name in place.form.fields if access[name] in READABLE])
    mark = mark_of(work, place)
    sheet = Sheet(work, place, state, access, narrowed=mark.drill.filter if mark else "")
    return bulk.matching_ids(work, place.name, sheet.query())


def _at(page: str, place: FormPlace, id: UUID) -> str:
    return url_for(f"records.{page}", app=place.app.name, form=place.local, id=id)


def _run(place: FormPlace, id: UUID) -> BulkRun:
    """A run over this form that the person asked for."""
    with site().workspace.database.read() as connection:
        run = find_run(connection, id)
    if run is None or run.form != place.name or run.person != site().principal.id:
        abort(404)
    return run


def control(app: str, form: str, id: UUID) -> str:
    """The input of the field that is to be changed."""
    place = form_or_404(app, form)
    _run(place, id)
    name = request.args.get("field", "")
    if name not in enterable(place, field_access(place.form, site().principal)):
        return ""
    with reading() as work:
        return render_template("parts/bulk_control.html", cell=cell_of(work, place, name, {}))


def try_out(app: str, form: str, id: UUID) -> Response:
    """Tries out what was entered."""
    place = form_or_404(app, form)
    name = request.form.get("field", "")
    allowed = enterable(place, field_access(place.form, site().principal))
    given: dict[str, Any] = {}
    if name in allowed:
        given = {name: sent(place, name, MultiDict(request.form)).get(name)}
    if _run(place, id).kind == "delete":
        given = {}
    silent = "silent" in request.form
    return _go(place, id, lambda work, run: bulk.begin_trial(work, run, given, silent), "bulk.try")


def _beginning(begin: Callable[[Work, BulkRun], None], name: str) -> Callable[..., Response]:
    def act(app: str, form: str, id: UUID) -> Response:
        return _go(form_or_404(app, form), id, begin, f"bulk.{name}")

    act.__doc__ = f"The next stage: {name}."
    return act


def _go(place: FormPlace, id: UUID, begin: Callable[[Work, BulkRun], None], command: str) -> Response:
    """Begins a stage, does it at once where the records are few, and shows where it stands."""
    run = _run(place, id)
    try:
        change(lambda work: begin(work, run), command)
    except InputError as error:
        notify(" ".join(problem_text(item, site().locale) for item in error.problems), kind="error")
    except StateConflict as error:
        notify(code_text(error.code, site().locale), kind="error")
    else:
        if run.total <= FEW:
            run_to_end(site().workspace, id)
    return redirect(_at("bulk", place, id))


def page(app: str, form: str, id: UUID) -> str:
    """Where it stands: what to change, what it would do, what it did."""
    place = form_or_404(app, form)
    run = _run(place, id)
    access = field_access(place.form, site().principal)
    names = enterable(place, access)
    with reading() as work:
        shown = _rows(work, place, run)
        field = next(iter(run.given), "")
        cell = cell_of(work, place, field, {}, typed=run.given) if field in names else None
    return render_template(
        "pages/bulk.html",
        app=app,
        form=form,
        app_label=place.app_label,
        plural=place.plural,
        id=id,
        run=run,
        fields=[{"name": n, "label": column_label(place.form, n), "chosen": n == field} for n in names],
        cell=cell,
        field_label=column_label(place.form, field) if field else "",
        rows=shown,
        facts=_facts(run),
        started=_started(run),
        percent=100 * run.done // run.total if run.total else 0,
    )


def _rows(work: Work, place: FormPlace, run: BulkRun) -> list[dict[str, Any]]:
    """The first records, and those that were refused, with what changes in them."""
    with site().workspace.database.read() as connection:
        items = {item.place: item for item in items_of(connection, run.id, 0, SHOWN)}
        items |= {item.place: item for item in refused_of(connection, run.id)}
    records = {r.id: r for r in work.records.get_many(place.name, [item.record_id for item in items.values()])}
    names = WorkNames(work)
    names.learn(place.form, records.values())
    display = Display(site().formats, names, place.app.name)
    field = place.form.fields.get(next(iter(run.given), ""))
    rows = []
    for _place, item in sorted(items.items()):
        record = records.get(item.record_id)
        row = {"title": title_of(place.form, record, names) if record else "•••", "told": item.told}
        row["href"] = _at("page", place, item.record_id) if record else ""
        row["result"] = item.result
        if record and field is not None and run.state in {"trying", "tried"}:
            row["before"] = display.short(field.definition, record.values.get(field.name))
            row["after"] = _after(display, field, run.given[field.name])
        rows.append(row)
    return rows


def _after(display: Display, field: Any, value: Any) -> Any:
    try:
        return display.short(field.definition, None if value in (None, "", []) else field.coerce(value))
    except Refused:
        return str(value)


def _facts(run: BulkRun) -> list[tuple[str, str, str]]:
    number, ahead = site().formats.number, run.state in {"trying", "tried"}
    deleting = run.kind == "delete"
    changed = (_("would be deleted") if deleting else _("would be changed")) if ahead else ""
    words = {
        "changed": changed or (_("deleted") if deleting else _("changed")),
        "same": _("the same already"),
        "refused": _("refused"),
        "undone": _("taken back"),
        "kept": _("kept, changed since"),
    }
    tones = {"refused": "red", "kept": "amber"}
    return [
        (words[name], number(run.counts.get(name, 0)), tones.get(name, ""))
        for name in words
        if run.counts.get(name) or name == "changed"
    ]


def _started(run: BulkRun) -> list[str]:
    number = site().formats.number
    words = {
        "processes": _("processes: %(count)s", count=number(run.counts.get("processes", 0))),
        "tasks": _("tasks: %(count)s", count=number(run.counts.get("tasks", 0))),
        "messages": _("notices and messages: %(count)s", count=number(run.counts.get("messages", 0))),
    }
    return [word for name, word in words.items() if run.counts.get(name)]

"""Bringing a table: upload, choose what its columns are, look at what would happen, take it in, take it back."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.imports.sheets import working
from builder.imports.sheets.blank import blank_table
from builder.imports.sheets.mapping import targets_of
from builder.imports.sheets.refused import refused_file
from builder.imports.sheets.runs import ImportRun, find_run, problems_page, receive, remembered, runs_of
from builder.web import importing
from builder.web.catalogue import FormPlace, app_or_404
from builder.web.context import _, change, require_person, site
from builder.web.download import as_download, file_response
from builder.web.exporting import KINDS
from builder.web.notices import notify
from builder.web.wording import code_text, problem_text
from builder.workspace import Work
from engines.core import InputError, InputProblem, LocalizedText, StateConflict
from engines.form import Rights

PROBLEMS = 50
blueprint = Blueprint("imports", __name__, url_prefix="/a/<app>/f/<form>/import")
blueprint.before_request(require_person)


def place_or_refuse(app: str, form: str) -> FormPlace:
    """The form, for those who may import into it."""
    found = app_or_404(app)
    compiled = found.forms.get(form)
    if compiled is None:
        abort(404)
    place = FormPlace(app=found, form=compiled, local=form)
    if not place.may("import"):
        abort(403 if any(place.may(each) for each in ("see", "create", "edit")) else 404)
    return place


def run_or_404(place: FormPlace, id: UUID) -> ImportRun:
    """An import that the person brought into this form."""
    with site().workspace.database.read() as connection:
        run = find_run(connection, id)
    if run is None or run.form != place.name or run.person != site().principal.id:
        abort(404)
    return run


@blueprint.get("/")
def start(app: str, form: str) -> str:
    """Where a table is brought, and what was brought before."""
    return _start(place_or_refuse(app, form))


def _start(place: FormPlace, problem: str = "") -> str:
    with site().workspace.database.read() as connection:
        runs = runs_of(connection, site().principal.id, place.name)
    return render_template(
        "pages/import_start.html",
        **importing.place_context(place),
        runs=[importing.line(run) for run in runs],
        problem=problem,
    )


@blueprint.post("/")
def upload(app: str, form: str) -> BaseResponse:
    """Takes a table; one that cannot be read is told on the same page."""
    place = place_or_refuse(app, form)
    sent = request.files.get("table")
    try:
        if sent is None or not sent.filename:
            raise InputError([InputProblem(pointer="/table", code="import.no_file")])
        id = receive(site().workspace, site().principal, place.name, sent.stream, sent.filename)
    except InputError as error:
        words = " ".join(problem_text(problem, site().locale) for problem in error.problems)
        return Response(_start(place, words), 422)
    return redirect(_at("page", place, id))


@blueprint.get("/blank")
def blank(app: str, form: str) -> Response:
    """An empty table with a column for each field that may be brought."""
    place = place_or_refuse(app, form)
    targets = [t for t in targets_of(place.form, Rights(place.form, site().principal)) if t.writable]
    target = io.BytesIO()
    headings = [importing.column_heading(place, each) for each in targets]
    blank_table(target, targets, headings, lambda field, option: LocalizedText.of(option.label).get(site().locale))
    response = Response(target.getvalue(), content_type=KINDS["xlsx"])
    return as_download(response, f"{place.plural}.xlsx")


@blueprint.get("/<uuid:id>")
def page(app: str, form: str, id: UUID) -> str:
    """The import as it stands: its columns, its progress, its preview or what became of it."""
    place = place_or_refuse(app, form)
    run = run_or_404(place, id)
    if run.state == "uploaded" or (run.state in {"checked", "failed"} and "map" in request.args):
        return _map(place, run)
    return _shown(place, run)


def _map(place: FormPlace, run: ImportRun, problem: str = "", given: Any = None) -> str:
    with site().workspace.database.read() as connection:
        memory = remembered(connection, site().principal.id, place.name)
    return render_template(
        "pages/import_map.html", **importing.mapping_context(place, run, memory, given), problem=problem
    )


def _shown(place: FormPlace, run: ImportRun) -> str:
    after = max(0, request.args.get("after", 0, type=int))
    with site().workspace.database.read() as connection:
        problems = problems_page(connection, run.id, after, PROBLEMS + 1)
    more = problems[PROBLEMS - 1].line if len(problems) > PROBLEMS else 0
    return render_template(
        "pages/import.html",
        **importing.run_context(place, run),
        problems=problems[:PROBLEMS],
        more_href=_at("page", place, run.id, after=more) if more else "",
        error=code_text(run.error["code"], site().locale, run.error["params"]) if run.error else "",
    )


@blueprint.post("/<uuid:id>/check")
def check(app: str, form: str, id: UUID) -> BaseResponse:
    """Keeps what was chosen and begins to try it out."""
    place = place_or_refuse(app, form)
    run = run_or_404(place, id)
    mapping = importing.read_mapping(run, request.form)
    try:
        change(lambda work: working.begin_check(work, run, mapping), "import.check")
    except InputError as error:
        words = " ".join(importing.mapping_problem(place, problem) for problem in error.problems)
        return Response(_map(place, replace(run, mapping=mapping), words, mapping), 422)
    except StateConflict:
        return _moved_on(place, id)
    return redirect(_at("page", place, id))


@blueprint.post("/<uuid:id>/run")
def begin(app: str, form: str, id: UUID) -> BaseResponse:
    """Begins to take it in."""
    return _act(app, form, id, working.begin_run, "import.run")


@blueprint.post("/<uuid:id>/undo")
def undo(app: str, form: str, id: UUID) -> BaseResponse:
    """Begins to take it back."""
    return _act(app, form, id, working.begin_undo, "import.undo")


@blueprint.post("/<uuid:id>/stop")
def stop(app: str, form: str, id: UUID) -> BaseResponse:
    """Ends what is going on."""
    return _act(app, form, id, working.stop, "import.stop")


def _act(app: str, form: str, id: UUID, begin: Callable[[Work, ImportRun], None], command: str) -> BaseResponse:
    place = place_or_refuse(app, form)
    run = run_or_404(place, id)
    try:
        change(lambda work: begin(work, run), command)
    except StateConflict as error:
        if error.code != "import.begun":
            raise
        return _moved_on(place, id)
    return redirect(_at("page", place, id))


def _moved_on(place: FormPlace, id: UUID) -> BaseResponse:
    notify(_("This import has gone on meanwhile."), "error")
    return redirect(_at("page", place, id))


@blueprint.get("/<uuid:id>/refused")
def refused(app: str, form: str, id: UUID) -> Response:
    """The lines that were refused, as a file to be mended and brought again."""
    place = place_or_refuse(app, form)
    run = run_or_404(place, id)
    if run.is_working or run.mapping is None or not run.blob:
        abort(404)
    target = tempfile.SpooledTemporaryFile(max_size=1 << 22)
    refused_file(site().workspace, run, target, site().locale)  # type: ignore[arg-type]
    kind = run.inspected["format"]
    stem = run.file_name.removesuffix(".gz").rpartition(".")[0] or run.file_name
    return as_download(file_response(target, KINDS[kind]), f"{stem} - {_('refused lines')}.{kind}")


def _at(page: str, place: FormPlace, id: UUID, **more: Any) -> str:
    return url_for(f"imports.{page}", app=place.app.name, form=place.local, id=id, **more)

"""The inbox and the page of a task: reading, deciding, and the verbs of approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.files import FileInfo, file_info
from builder.files.naming import current_field, current_path
from builder.runtime.inbox import BOXES, InboxFilter
from builder.runtime.phrases import phrases
from builder.runtime.process.evidence import belongs
from builder.runtime.process.receipts import is_read, receipts
from builder.web.catalogue import FormPlace
from builder.web.clocks import ClockShown, clocks
from builder.web.confirming import confirmation
from builder.web.conflicts import Clash, clash_of, own_edits
from builder.web.context import _, change, reading, require_person, site
from builder.web.entry import layout_fields
from builder.web.files import file_response, readable_file, take_upload
from builder.web.forms import read_values
from builder.web.forms.display import plain_text
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.pages import inbox_batch
from builder.web.rows import column_label
from builder.web.task_files import files_cell, files_named, signature_cell, take
from builder.web.task_page import TaskPage
from builder.web.tasks import (
    drawing,
    due_words,
    happenings,
    outcome_label,
    outcomes,
    priority_label,
    process_definition,
    shown,
    task_row,
)
from builder.web.verbs import VERBS, given_by, verbs_of
from builder.web.wording import code_text, problem_text
from builder.workspace import Work
from engines.core import InputError, InputProblem, StateConflict, new_id
from engines.form import LayoutDefinition

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")
blueprint.before_request(require_person)
inbox_batch.register(blueprint)


@blueprint.get("/")
def index() -> str:
    """One box of the inbox."""
    box = request.args.get("box", "todo")
    if box not in BOXES:
        abort(404)
    search, late = request.args.get("q", "").strip()[:200], box == "todo" and bool(request.args.get("late"))
    with reading() as work:
        wanted = InboxFilter(text=search, overdue=late)
        page = work.service("inbox").page(box, wanted, after=request.args.get("after") or None)
        names = WorkNames(work)
        names.learn_people([item.initiator for item in page.items if item.initiator])
        counts = work.service("inbox").counts()
        tasks = [shown(item, names) for item in page.items]
    asked = {"box": box, "q": search or None, "late": 1 if late else None}
    return render_template(
        "pages/inbox.html",
        box=box,
        boxes=_boxes(counts),
        search=search,
        late=late,
        late_count=counts.get("late", 0),
        tasks=tasks,
        next_href=url_for("inbox.index", **asked, after=page.next) if page.next else "",
    )


def _boxes(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    labels = {"todo": _("To do"), "mine": _("Started by me"), "done": _("Done"), "copied": _("Copied to me")}
    return [
        {"name": box, "label": labels[box], "count": counts.get(box, 0), "href": url_for("inbox.index", box=box)}
        for box in BOXES
    ]


@blueprint.get("/<uuid:id>")
def task(id: UUID) -> Response:
    """The page of a task; looking at it changes nothing."""
    with reading() as work:
        return _page(TaskPage(work, id))


def _page(
    page: TaskPage,
    *,
    typed: Mapping[str, Any] | None = None,
    problems: Sequence[InputProblem] = (),
    clash: Clash | None = None,
    closed: str = "",
    problem: str = "",
    lost: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> Response:
    row, work, here = page.row, page.work, site()
    assert here.principal.id is not None  # noqa: S101 - require_person held
    definition = process_definition(row.app, page.process)
    mine = row.status == "open" and work.service("around").may_act(row)
    confirm = confirmation(problems)
    others = [] if confirm else [p for p in problems if p.pointer not in ("/comment", "/signature")]
    view = page.view(typed or {}, others)
    comment_problem = _("Please say why.") if any(p.pointer == "/comment" for p in problems) else ""
    unsigned = [problem_text(p, here.locale) for p in problems if p.pointer == "/signature"]
    signature_problem = unsigned[0] if unsigned else ""
    html = render_template(
        "pages/task.html",
        task=_head(page),
        subject_href=_subject_href(page),
        view=view,
        open=mine,
        closed=closed or _closed_text(page),
        conflict=clash,
        problem=problem,
        lost=lost,
        confirm=confirm,
        outcomes=outcomes(row) if mine else [],
        verbs=verbs_of(work, row, mine=mine),
        unread=not is_read(work.connection, row.id, here.principal.id),
        readers=_readers(page),
        files=files_cell(row.id) if mine else None,
        signature=signature_cell(row, signature_problem) if mine else None,
        comment_files=files_cell(row.id, "-comment"),
        phrases=phrases(work, row.app) if mine else [],
        checklist=row.details.get("checklist") or [],
        comment=request.form.get("_comment", ""),
        comment_problem=comment_problem,
        timeline=happenings(work, row, page.process, page.names),
        clocks=_clocks(work, row, page.process),
        drawing=drawing(work, row, page.process),
        process_label=site().text(definition.label) if definition else "",
        key=str(new_id()),
        version=page.record.version if page.record else "",
        changes=page.changes(),
    )
    return make_response(html, status)


def _readers(page: TaskPage) -> list[dict[str, Any]]:
    """Who has the task or a copy, and when they first looked at it."""
    found = receipts(page.work.connection, page.row.id)
    page.names.learn_people([item.person for item in found])
    return [
        {"name": page.names.person(item.person) or _("unknown"), "at": item.at, "copied": item.copied} for item in found
    ]


def _clocks(work: Work, row: Any, process: str) -> list[ClockShown]:
    """The time limits that hold for a task, those around its step included."""
    if row.instance_id is None or row.status != "open":
        return []
    definition = process_definition(row.app, process)
    labels = {node.name: site().text(node.label) or node.name for node in definition.all_nodes()} if definition else {}
    return clocks(work, row.instance_id, labels, open_only=True)


@blueprint.post("/<uuid:id>/read")
def read(id: UUID) -> BaseResponse:
    """Notes that a task or a copy was read: sent by its page, so that opening a link alone changes nothing."""

    def run(work: Work) -> None:
        task_row(work, id)
        work.service("inbox").mark_read(id)

    change(run, "task.read")
    return Response(status=204)


def _head(page: TaskPage) -> dict[str, Any]:
    row, formats = page.row, site().formats
    facts = [_("from %(name)s", name=page.names.person(row.initiator) or _("unknown"))] if row.initiator else []
    if row.assigned_because:
        facts.append(str(row.assigned_because))
    late = row.due_at is not None and (row.due_at < page.work.instant or row.sla == "breached")
    near = "late" if late else "soon" if row.sla == "warned" else ""
    due, urgency = due_words(row.due_at, near, row.sla or "") if row.status == "open" else ("", "")
    return {
        "id": row.id,
        "title": site().text(row.title) or row.node,
        "subject": row.subject_title,
        "facts": [*facts, formats.ago(row.created_at)],
        "priority": row.priority,
        "priority_label": priority_label(row.priority),
        "due": due,
        "urgency": urgency,
    }


def _subject_href(page: TaskPage) -> str:
    if page.place is None or page.record is None or not page.work.records.may(page.place.name, "see", page.record.id):
        return ""
    return url_for("records.page", app=page.place.app.name, form=page.place.local, id=page.record.id)


def _closed_text(page: TaskPage) -> str:
    row = page.row
    if row.status == "open":
        return "" if page.work.service("around").may_act(row) else _("This task waits for somebody else.")
    who = page.names.person(row.closed_by) if row.closed_by else None
    when = site().formats.instant(row.closed_at) if row.closed_at else ""
    closed = _("%(who)s closed this task at %(when)s.", who=who or _("The system"), when=when)
    outcome = outcome_label(row.app, page.process, row.node, row.outcome) if row.outcome else ""
    return closed + " " + _("Outcome: %(outcome)s.", outcome=outcome) if outcome else closed


@blueprint.post("/<uuid:id>/files/<field>")
def upload(id: UUID, field: str) -> Response:
    """Takes a file for a field that the step opens."""
    with reading() as work:
        page = TaskPage(work, id)
        mine = page.row.status == "open" and work.service("around").may_act(page.row)
        place, layout = page.place, page.layout
        name = field.partition(".")[0]
        if not mine or place is None or layout is None or name not in layout.field_names():
            abort(403)
        if page.access().get(field) != "write":
            abort(403)
    return take_upload(place, field, site().principal)


@blueprint.post("/<uuid:id>/evidence/<kind>")
def evidence(id: UUID, kind: str) -> Response:
    """Takes a file or a signature for a decision or comment, from whom the task concerns."""
    with reading() as work:
        task_row(work, id)
    return take(kind)


@blueprint.get("/<uuid:id>/files/<uuid:file>")
def file(id: UUID, file: UUID) -> Response:
    """A file beside the task, or of its record in a field that the step shows; else with the record's own rights."""
    with reading() as work:
        page = TaskPage(work, id)
        found = file_info(work.connection, file)
        shown = page.layout.field_names() if page.layout else ()
        if found is not None and belongs(work, found, page.row.instance_id, id):
            return file_response(found, small="small" in request.args, inline="inline" in request.args)
        if not _is_shown(page, found, shown):
            found = readable_file(work, file)
    assert found is not None  # noqa: S101 - readable_file gives one or 404
    return file_response(found, small="small" in request.args, inline="inline" in request.args)


def _is_shown(page: TaskPage, found: FileInfo | None, shown: Sequence[str]) -> bool:
    if found is None or page.place is None or page.record is None or found.record_id != page.row.subject_id:
        return False
    name = current_field(page.place.form, found.field)
    if page.access().get(current_path(page.place.form, found.field)) == "hidden":
        return False
    return name in shown and name in page.record.values and name not in page.record.masked


@blueprint.post("/<uuid:id>")
def complete(id: UUID) -> BaseResponse:
    """Decides a task; what was refused, or somebody else's decision, is shown with everything typed."""
    form = request.form
    with reading() as work:
        page = TaskPage(work, id)
        place, layout = page.place, page.layout
        values = _writable(page, place, layout) if place and layout else {}

    def act(work: Work) -> None:
        task_row(work, id)
        work.service("processes").complete(
            id,
            form.get("_outcome", ""),
            values=values or None,
            comment=form.get("_comment", "").strip(),
            checked=form.getlist("_check"),
            base_version=form.get("_version", type=int) if values else None,
            seen_version=form.get("_version", type=int),
            attachments=files_named(form.getlist("_attachment")),
            signature=next(iter(files_named(form.getlist("_signature"))), None),
        )

    try:
        change(act, "task.complete", key=form.get("_key") or None)
    except InputError as error:
        with reading() as work:
            return _page(TaskPage(work, id), typed=values, problems=error.problems, status=422)
    except StateConflict as error:
        return _late(id, values, error)
    notify(_("Done."))
    return redirect(url_for("inbox.index"))


def _writable(page: TaskPage, place: FormPlace, layout: LayoutDefinition) -> dict[str, Any]:
    open_fields = {name for name, access in page.access().items() if access == "write"}
    return read_values(request.form, [f for f in layout_fields(place, layout) if f.name in open_fields])


def _late(id: UUID, values: Mapping[str, Any], error: StateConflict) -> Response:
    """Somebody was faster: who did what and when, and what was typed is still there."""
    with reading() as work:
        page = TaskPage(work, id)
        clash = None
        if error.code == "record.changed" and page.place and page.record:
            clash = clash_of(work, page.place, page.record, values, error)
            values = own_edits(values, error)
        problem = code_text(error.code, site().locale) if error.code == "task.subject_changed" else ""
        lost = _entered(page, values) if page.row.status != "open" else []
        return _page(page, typed=values, clash=clash, problem=problem, lost=lost, status=409)


def _entered(page: TaskPage, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was typed on a task that somebody else has closed meanwhile, to be copied from the page."""
    found = [(_("Comment"), request.form.get("_comment", "").strip())]
    for name, value in values.items():
        stored = page.record.values.get(name) if page.record else None
        if page.place and plain_text(value) not in ("", plain_text(stored)):
            found.append((column_label(page.place.form, name), plain_text(value)))
    return [(label, text) for label, text in found if text]


@blueprint.post("/<uuid:id>/<verb>")
def act(id: UUID, verb: str) -> BaseResponse:
    """One of the verbs of approval: take, give back, hand over, delegate, return, add people, remind, copy."""
    found = VERBS.get(verb)
    if found is None:
        abort(404)
    given = given_by(found, request.form)

    def run(work: Work) -> None:
        row = task_row(work, id)
        if row.instance_id is None and verb in _OF_PROCESSES:
            abort(404)
        found.call(work.service("processes"), row, given)

    try:
        change(run, f"task.{verb}")
    except StateConflict as error:
        with reading() as work:
            told = code_text(error.code, site().locale, error.params)
            return _page(TaskPage(work, id), problem=told, status=409)
    notify(_("Done."))
    return redirect(url_for("inbox.task", id=id) if found.stays else url_for("inbox.index"))


# Verbs that concern the process of a task.
_OF_PROCESSES = frozenset({"take_back", "withdraw", "void"})

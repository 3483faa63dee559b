"""The resources of the API: records of forms, and tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from builder.files import WorkFiles, file_info
from builder.runtime.inbox import InboxFilter, InboxItem
from builder.web.access import field_access, may
from builder.web.api import problems
from builder.web.api.entry import authenticate, body, command
from builder.web.api.openapi import document
from builder.web.api.output import json_response, record_json
from builder.web.api.problems import ApiRefusal
from builder.web.catalogue import FormPlace, apps
from builder.web.context import reading, site
from builder.web.files import file_field, file_json, file_response, keep
from builder.workspace import Work
from engines.form import ListQuery, Record, SortDefinition

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
blueprint.before_request(authenticate)
problems.install(blueprint)
described = Blueprint("openapi", __name__)
MOST = 200


@described.get("/api/openapi.json")
def openapi() -> Response:
    """What the API offers to anybody with rights: the document names forms and fields, so it asks for a token too."""
    authenticate()
    return json_response(document(apps(), request.url_root.rstrip("/"), site().locale))


problems.install(described)


def _place(app: str, form: str, operation: str) -> FormPlace:
    """The form; 404 for whom it does not exist, 403 for what they may not do with it."""
    found = apps().get(app)
    compiled = found.forms.get(form) if found else None
    if found is None or compiled is None:
        raise ApiRefusal(404, "api.not_found")
    place = FormPlace(app=found, form=compiled, local=form)
    if not any(place.may(wanted) for wanted in ("see", "create", "edit", "delete")):
        raise ApiRefusal(404, "api.not_found")
    if not place.may(operation):
        raise ApiRefusal(403, "access.denied", {"operation": operation})
    return place


def _record(work: Work, place: FormPlace, id: UUID) -> Record:
    found: Record | None = work.records.get(place.name, id)
    if found is None:
        raise ApiRefusal(404, "api.not_found")
    return found


@blueprint.get("/apps/<app>/forms/<form>/records")
def list_records(app: str, form: str) -> Response:
    """A page of records."""
    place = _place(app, form, "see")
    args = request.args
    sort = tuple(
        SortDefinition(field=name.removeprefix("-"), direction="desc" if name.startswith("-") else "asc")
        for name in args.get("sort", "").split(",")
        if name
    )
    query = ListQuery(
        view=args.get("view", ""),
        filter=args.get("filter") or None,
        search=args.get("q", ""),
        sort=sort,
        after=args.get("after") or None,
        limit=max(1, min(args.get("limit", 50, type=int), MOST)),
        columns=tuple(place.form.fields),
        count=args.get("count") == "true",
    )
    if query.view and query.view not in place.form.views:
        raise ApiRefusal(422, "api.unknown_view", {"view": query.view})
    with reading() as work:
        page = work.records.page(place.name, query)
    data: dict[str, Any] = {"items": [record_json(record) for record in page.records], "next": page.next}
    if page.count:
        data["count"] = {"value": page.count.value, "capped": page.count.capped}
    return json_response(data)


@blueprint.post("/apps/<app>/forms/<form>/records")
def create_record(app: str, form: str) -> Response:
    """Makes a record of the values sent."""
    place = _place(app, form, "create")
    values = body()

    seen = _Seen(place)

    def act(work: Work) -> Any:
        id = work.records.create(place.name, values).record.id
        seen.read_at_end(work, id)
        work.result = str(id)
        return work.result

    id = UUID(command(act, "api.record.create"))
    answer = seen.answer(id, 201)
    answer.headers["Location"] = f"{request.path}/{id}"
    return answer


class _Seen:
    """A record as its writer may see it once rules and processes have run."""

    def __init__(self, place: FormPlace) -> None:
        self._place = place
        self._found: dict[UUID, Record | None] = {}

    def read_at_end(self, work: Work, id: UUID) -> None:
        """Reads it in the same transaction, when everything that follows from the command is done."""
        work.before_commit(lambda: self._read(work, id))

    def answer(self, id: UUID, status: int = 200) -> Response:
        """The record; its id alone where it may not be seen."""
        if id not in self._found:
            # A repeated call, which was carried out before.
            with reading() as work:
                self._read(work, id)
        found = self._found[id]
        return json_response(record_json(found) if found else {"id": str(id)}, status)

    def _read(self, work: Work, id: UUID) -> None:
        self._found[id] = work.records.get(self._place.name, id)


@blueprint.get("/apps/<app>/forms/<form>/records/<uuid:id>")
def read_record(app: str, form: str, id: UUID) -> Response:
    """One record."""
    place = _place(app, form, "see")
    with reading() as work:
        return json_response(record_json(_record(work, place, id)))


@blueprint.patch("/apps/<app>/forms/<form>/records/<uuid:id>")
def update_record(app: str, form: str, id: UUID) -> Response:
    """Changes the values sent; ``If-Match`` names the version they were edited against."""
    place = _place(app, form, "edit")
    values, base = body(), _version()
    seen = _Seen(place)

    def act(work: Work) -> None:
        _record(work, place, id)
        work.records.update(place.name, id, values, base_version=base)
        seen.read_at_end(work, id)

    command(act, "api.record.update")
    return seen.answer(id)


def _version() -> int | None:
    text = request.headers.get("If-Match", "").strip('W/" ')
    if text and not text.isdigit():
        raise ApiRefusal(400, "api.bad_version")
    return int(text) if text else None


@blueprint.delete("/apps/<app>/forms/<form>/records/<uuid:id>")
def delete_record(app: str, form: str, id: UUID) -> Response:
    """Puts a record into the recycle bin."""
    place = _place(app, form, "delete")
    base = _version()
    with reading() as work:
        _record(work, place, id)
    command(lambda work: work.records.delete(place.name, id, base_version=base) and None, "api.record.delete")
    return Response(status=204)


@blueprint.post("/apps/<app>/forms/<form>/files/<field>")
def upload_file(app: str, form: str, field: str) -> Response:
    """Takes a file (multipart, part ``file``) for a field; the record that names it in its values takes it."""
    place = _place(app, form, "create" if not _may_edit(app, form) else "edit")
    found = file_field(place, field)
    if field_access(place.form, site().principal).get(field) != "write":
        raise ApiRefusal(403, "access.denied", {"operation": "edit"})
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise ApiRefusal(400, "api.no_file")
    return json_response(file_json(keep(place, field, found, sent, site().principal)), 201)


def _may_edit(app: str, form: str) -> bool:
    found = apps().get(app)
    compiled = found.forms.get(form) if found else None
    return compiled is not None and may(compiled, site().principal, "edit")


@blueprint.get("/apps/<app>/forms/<form>/records/<uuid:id>/files/<uuid:file>")
def read_file(app: str, form: str, id: UUID, file: UUID) -> Response:
    """The bytes of a file that the record holds or held."""
    place = _place(app, form, "see")
    with reading() as work:
        _record(work, place, id)
        info = file_info(work.connection, file)
        if info is None or info.record_id != id or not WorkFiles(work, work.principal).may_read(info):
            raise ApiRefusal(404, "api.not_found")
    return file_response(info)


@blueprint.get("/tasks")
def list_tasks() -> Response:
    """A page of a box of the caller's inbox."""
    args = request.args
    with reading() as work:
        page = work.service("inbox").page(
            args.get("box", "todo"),
            InboxFilter(app=args.get("app", ""), text=args.get("q", "")),
            after=args.get("after") or None,
            limit=max(1, min(args.get("limit", 50, type=int), MOST)),
        )
    return json_response({"items": [_task(item) for item in page.items], "next": page.next})


def _task(item: InboxItem) -> dict[str, Any]:
    subject = {"form": item.subject[0], "id": str(item.subject[1])} if item.subject else None
    return {
        "id": str(item.id),
        "app": item.app,
        "process": item.process,
        "node": item.node,
        "title": site().text(item.title),
        "subject": subject,
        "subject_title": item.subject_title,
        "status": item.status,
        "outcome": item.outcome,
        "assignee": str(item.assignee) if item.assignee else None,
        "priority": item.priority,
        "due_at": item.due_at.isoformat() if item.due_at else None,
        "created_at": item.created_at.isoformat(),
    }


@blueprint.post("/apps/<app>/processes/<process>/instances")
def start_process(app: str, process: str) -> Response:
    """Starts a process about a record that the caller may see; people chosen and variables as the process has them."""
    given = body()
    unknown = set(given) - {"form", "record", "variables", "choices"}
    if unknown:
        raise ApiRefusal(422, "api.unknown_keys", {"keys": sorted(unknown)})
    found = apps().get(app)
    if found is None or process not in found.processes:
        raise ApiRefusal(404, "api.not_found")
    form = str(given.get("form") or "")
    try:
        subject = (form if "." in form else f"{app}.{form}", UUID(str(given["record"]))) if form else None
        choices = {step: [UUID(str(one)) for one in people] for step, people in (given.get("choices") or {}).items()}
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ApiRefusal(422, "api.not_found") from error

    def act(work: Work) -> str:
        if subject is not None:
            _record(work, _place(*subject[0].split(".", 1), "see"), subject[1])
        id = work.processes.start(
            f"{app}.{process}", subject=subject, variables=given.get("variables") or {}, choices=choices
        )
        work.result = str(id)
        return work.result

    id = command(act, "api.process.start")
    return json_response({"id": id}, 201)


@blueprint.post("/tasks/<uuid:id>/complete")
def complete_task(id: UUID) -> Response:
    """Completes a task with an outcome, values of its form and a comment."""
    given = body()
    unknown = set(given) - {"outcome", "values", "comment", "checked", "base_version", "seen_version"}
    if unknown:
        raise ApiRefusal(422, "api.unknown_keys", {"keys": sorted(unknown)})

    def act(work: Work) -> None:
        _require_concern(work, id)
        work.service("processes").complete(
            id,
            str(given.get("outcome") or ""),
            values=given.get("values"),
            comment=str(given.get("comment") or ""),
            checked=given.get("checked") or (),
            base_version=given.get("base_version"),
            seen_version=given.get("seen_version"),
        )

    command(act, "api.task.complete")
    return Response(status=204)


def _require_concern(work: Work, id: UUID) -> None:
    import sqlalchemy as sa

    from builder.storage.runtime_tables import task

    row = work.connection.execute(sa.select(task).where(task.c.id == id)).one_or_none()
    if row is None or not work.service("around").concerns(row):
        raise ApiRefusal(404, "api.not_found")

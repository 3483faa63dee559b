"""Running instances for those who answer for a process: where each stands, mending, and moving to another release."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.runtime.process import instances as instance_rows
from builder.runtime.process.instances import Instance
from builder.storage.runtime_tables import process_history, process_instance, task
from builder.web import replay as replaying
from builder.web.catalogue import place_of
from builder.web.clocks import clocks, owners
from builder.web.context import _, change, reading, site
from builder.web.diagrams import draw
from builder.web.names import WorkNames
from builder.web.notices import notify
from builder.web.pages.studio_processes import Frame
from builder.web.studio.drafting import view
from builder.web.tasks import happenings
from builder.web.wording import code_text
from builder.workspace import Work
from engines.core import InputError, InputProblem, StateConflict
from engines.process.state import OpenIncident

PAGE = 50
# Most instances that are tried out and moved at once: a batch; the next one begins after its last.
MOST_MOVED = 200


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the pages to the studio."""

    @blueprint.get("/<app>/process/<process>/instances")
    def instances(app: str, process: str) -> str:
        """The instances of a process, newest first."""
        found = view(app)
        label = site().text(found.data(f"process:{process}").get("label")) or process
        state = request.args.get("state", "running")
        with reading() as work:
            rows = _listed(work, app, process, state, request.args.get("after", type=UUID))
            older = work.service("migrations").count(app, process) if process in work.apps[app].processes else 0
            titles = {row.id: row.title for row in rows}
        return render_template(
            "studio/instances.html",
            **frame(found, "overview"),
            process=process,
            process_label=label,
            rows=rows[:PAGE],
            titles=titles,
            after=rows[PAGE - 1].id if len(rows) > PAGE else None,
            state=state,
            states=list(_states().items()),
            words=_words(),
            older=older,
        )

    @blueprint.get("/<app>/instance/<uuid:id>")
    def instance(app: str, id: UUID) -> BaseResponse:
        """One instance."""
        return make_response(_instance_page(app, id, frame))

    @blueprint.get("/<app>/instance/<uuid:id>/replay")
    def replay(app: str, id: UUID) -> str:
        """One step of what happened to an instance: the diagram as it stood then, and why it went on so."""
        return _replay_page(app, id, frame)

    @blueprint.post("/<app>/instance/<uuid:id>")
    def instance_act(app: str, id: UUID) -> BaseResponse:
        """Suspend, resume, cancel, retry, move a token, set variables, take a migration back."""
        view(app)
        try:
            change(lambda work: _act(work, id), f"process.{request.form.get('action', '')}")
        except StateConflict as error:
            problem = code_text(error.code, site().locale, error.params)
            return make_response(_instance_page(app, id, frame, problem=problem), 409)
        except InputError as error:
            problem = code_text(error.problems[0].code, site().locale, error.problems[0].params)
            return make_response(_instance_page(app, id, frame, problem=problem), 422)
        notify(_("Done."))
        return redirect(url_for("studio.instance", app=app, id=id))

    @blueprint.get("/<app>/process/<process>/migrate")
    def migrate(app: str, process: str) -> str:
        """Older instances, what a mapping would do to each, and why not where it cannot."""
        return _migration_page(app, process, frame, {})

    @blueprint.post("/<app>/process/<process>/migrate")
    def migrate_now(app: str, process: str) -> str:
        """Tries the mapping out, or moves those of the batch shown that it fits, each in a command of its own."""
        view(app)
        mapping = _mapping()
        if request.form.get("action") != "migrate":
            return _migration_page(app, process, frame, mapping)
        with reading() as work:
            migrations = work.service("migrations")
            ids = migrations.waiting(app, process, after=_after(), limit=MOST_MOVED)
            fitting = [trial.id for trial in migrations.try_out(ids, mapping) if not trial.obstacles]
        moved = [id for id in fitting if _moved(id, mapping)]
        return _migration_page(app, process, frame, mapping, moved=moved)

    @blueprint.post("/<app>/process/<process>/migrate/undo")
    def migrate_undo(app: str, process: str) -> BaseResponse:
        """Takes a batch back, as far as nothing has happened to its instances since."""
        view(app)
        ids = request.form.getlist("id", type=UUID)[:MOST_MOVED]
        back = [id for id in ids if _undone(id)]
        notify(_("%(back)s of %(all)s taken back.", back=len(back), all=len(ids)))
        return redirect(url_for("studio.migrate", app=app, process=process))


def _states() -> Mapping[str, str]:
    return {
        "running": _("Running"),
        "incidents": _("With incidents"),
        "suspended": _("Suspended"),
        "ended": _("Ended"),
    }


def _words() -> Mapping[str, str]:
    """The statuses of instances in words."""
    return {
        "running": _("running"),
        "completed": _("completed"),
        "terminated": _("terminated"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "withdrawn": _("withdrawn"),
        "rejected": _("rejected"),
    }


def _listed(work: Work, app: str, process: str, state: str, after: UUID | None) -> list[sa.Row[Any]]:
    """One page and the row that follows it; ids grow with time, so that they are the cursor."""
    table = process_instance
    title = sa.select(task.c.subject_title).where(task.c.instance_id == table.c.id).limit(1).scalar_subquery()
    query = sa.select(table, title.label("title")).where(table.c.app == app, table.c.process == process)
    if state == "ended":
        query = query.where(table.c.status != "running")
    else:
        query = query.where(table.c.status == "running")
    if state == "incidents":
        query = query.where(table.c.incidents > 0)
    if state == "suspended":
        query = query.where(table.c.suspended)
    if after is not None:
        query = query.where(table.c.id < after)
    return list(work.connection.execute(query.order_by(table.c.id.desc()).limit(PAGE + 1)))


def _found(work: Work, app: str, id: UUID) -> Instance:
    found = instance_rows.look_at(work.connection, id)
    if found is None or found.app != app:
        abort(404)
    return found


def _instance_page(app: str, id: UUID, frame: Frame, problem: str = "") -> str:
    found = view(app)
    with reading() as work:
        instance = _found(work, app, id)
        graph = work.service("processes").shell.graph(instance)
        names = WorkNames(work)
        first = sa.select(task).where(task.c.instance_id == id).order_by(task.c.created_at).limit(1)
        row = work.connection.execute(first).one_or_none()
        timeline = happenings(work, row, instance.process, names) if row is not None else []
        state = instance.state
        passed = sa.select(process_history.c.node).where(
            process_history.c.instance_id == id, process_history.c.kind == "completed"
        )
        last = (
            sa.select(process_history.c.kind)
            .where(process_history.c.instance_id == id)
            .order_by(process_history.c.number.desc())
            .limit(1)
        )
        active = {token.node for token in state.tokens.values()} | {scope.node for scope in state.scopes.values()}
        done = {node for node in work.connection.execute(passed).scalars() if node} - active
        labels = {name: site().text(node.definition.label) or name for name, node in graph.nodes.items()}
        return render_template(
            "studio/instance.html",
            **frame(found, "overview"),
            instance=instance,
            state=state,
            problem=problem,
            words=_words(),
            process=instance.process,
            process_label=site().text(graph.definition.label) or instance.process,
            subject_href=_subject_href(instance),
            drawing=draw(graph.definition, active=active, passed=done, title=instance.process),
            labels=labels,
            incidents=[_told(incident, labels) for incident in state.incidents.values()],
            steps=[(token.id, token.node, str(token.status)) for token in state.tokens.values()],
            variables=json.dumps(_plain(state.process_variables), ensure_ascii=False, indent=2),
            timers=[(labels.get(t.node, t.node), t.due) for t in state.timers.values()],
            waits=[(labels.get(s.node, s.node), str(s.kind), s.name) for s in state.subscriptions.values()],
            timeline=timeline,
            clocks=clocks(work, id, labels),
            owners=owners(work, id, labels, names),
            migrated=work.connection.execute(last).scalar_one() == "migrated",
        )


def _told(incident: OpenIncident, labels: Mapping[str, str]) -> tuple[OpenIncident, str, str]:
    """An incident with its step's label and what it says in the reader's language."""
    label = labels.get(incident.node, incident.node)
    return incident, label, code_text(incident.code, site().locale, {"node": label, "message": incident.message})


def _replay_page(app: str, id: UUID, frame: Frame) -> str:
    found = view(app)
    with reading() as work:
        instance = _found(work, app, id)
        graph = work.service("processes").shell.graph(instance)
        happened = replaying.steps(work, id, graph, WorkNames(work))
    number = max(1, min(request.args.get("step", len(happened), type=int), len(happened)))
    step = happened[number - 1] if happened else None
    labels = {name: site().text(node.definition.label) or name for name, node in graph.nodes.items()}
    return render_template(
        "studio/replay.html",
        **frame(found, "overview"),
        id=id,
        process=instance.process,
        process_label=site().text(graph.definition.label) or instance.process,
        count=len(happened),
        step_number=number,
        step=step,
        standing=[labels.get(name, name) for name in sorted(step.active)] if step else [],
        drawing=draw(graph.definition, active=step.active, passed=step.passed, title=instance.process) if step else "",
    )


def _subject_href(instance: Instance) -> str:
    place = place_of(instance.subject[0]) if instance.subject else None
    if place is None or instance.subject is None:
        return ""
    return url_for("records.page", app=place.app.name, form=place.local, id=instance.subject[1])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values, default=str))  # type: ignore[no-any-return]


def _act(work: Work, id: UUID) -> None:
    given, processes = request.form, work.service("processes")
    actions: Mapping[str, Callable[[], None]] = {
        "suspend": lambda: processes.suspend(id),
        "resume": lambda: processes.resume(id),
        "cancel": lambda: processes.cancel(id, given.get("reason", "").strip()),
        "retry": lambda: processes.retry(id, given.get("incident", type=int)),
        "move": lambda: processes.move_token(
            id, given.get("token", type=int), given.get("to", ""), given.get("reason", "").strip()
        ),
        "variables": lambda: processes.set_variables(id, _variables(given.get("variables", ""))),
        "undo": lambda: work.service("migrations").undo(id),
    }
    action = actions.get(given.get("action", ""))
    if action is None:
        abort(400)
    action()


def _variables(text: str) -> dict[str, Any]:
    """FEEL-like values of a JSON object: numbers as decimals."""
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        raise InputError([InputProblem(pointer="/variables", code="form.not_json")]) from None
    if not isinstance(found, dict):
        raise InputError([InputProblem(pointer="/variables", code="form.not_json")])
    return found


def _after() -> UUID | None:
    """The instance after which the batch begins."""
    return request.values.get("after", type=UUID)


def _mapping() -> dict[str, str]:
    return {name.removeprefix("to."): value for name, value in request.form.items() if name.startswith("to.") and value}


def _moved(id: UUID, mapping: Mapping[str, str]) -> bool:
    try:
        change(lambda work: work.service("migrations").migrate(id, mapping), "process.migrate")
    except StateConflict:
        # It has gone on since it was looked at; the page that follows says where it stands now.
        return False
    return True


def _undone(id: UUID) -> bool:
    try:
        change(lambda work: work.service("migrations").undo(id), "process.migration_undo")
    except StateConflict:
        return False
    return True


def _migration_page(
    app: str, process: str, frame: Frame, mapping: Mapping[str, str], moved: list[UUID] | None = None
) -> str:
    found = view(app)
    with reading() as work:
        if process not in work.apps[app].processes:
            abort(404)
        graph = work.apps[app].processes[process]
        migrations = work.service("migrations")
        ids = migrations.waiting(app, process, after=_after(), limit=MOST_MOVED + 1)
        count = migrations.count(app, process)
        shown = list(migrations.try_out(ids[:MOST_MOVED], mapping))
        stands = sorted({name for trial in shown for name in trial.nodes})
    labels = {name: site().text(node.definition.label) or name for name, node in graph.nodes.items()}
    return render_template(
        "studio/migrate.html",
        **frame(found, "overview"),
        process=process,
        process_label=site().text(graph.definition.label) or process,
        count=count,
        after=_after(),
        following=ids[MOST_MOVED - 1] if len(ids) > MOST_MOVED else None,
        trials=[
            (trial, [code_text(o.code, site().locale, {"node": o.node, "found": o.found}) for o in trial.obstacles])
            for trial in shown
        ],
        stands=stands,
        targets=sorted(labels.items(), key=lambda item: item[1]),
        mapping={name: mapping.get(name, name if name in graph.nodes else "") for name in stands},
        fits=sum(not trial.obstacles for trial in shown),
        moved=moved,
    )

"""The stages of an import, step by step: each step is a short command, and a job is left for the next one.

A step is done outside of the job's own transaction, under the rights of who brought the table, with an idempotency
key of its own: killed in between and made again, it writes nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.identity.principals import principal_of
from builder.imports.sheets.mapping import require_fit, targets_of
from builder.imports.sheets.runs import (
    ImportRun,
    change_run,
    choose,
    clear_problems,
    find_run,
    forget_staged,
    note_refusals,
    records_of_run,
    staged_of,
)
from builder.imports.sheets.staged import counts_of
from builder.imports.sheets.undoing import undo_batch
from builder.imports.sheets.writing import Writer, Written
from builder.jobs import queue
from builder.jobs.ports import Job
from builder.runtime.host import Handler
from engines.core import SYSTEM, AccessDenied, DougongError, InputError, Principal, Registry, StateConflict
from engines.form import CompiledForm, Rights

if TYPE_CHECKING:
    from builder.imports.sheets.mapping import SheetMapping
    from builder.workspace import Work, Workspace

STEP = "import.step"
# Records of one command, so that it holds the write lock shortly.
BATCH = 200
# How long one job goes on with batch after batch, well within its lease.
AIM_S = 3.0


@dataclass(slots=True, kw_only=True)
class Step:
    """What one step did."""

    # Records from the beginning of the stage that are done now.
    done: int
    total: int
    written: Written = field(default_factory=Written)
    # Set where the import cannot go on.
    error: Mapping[str, Any] | None = None


def register(handlers: Registry[Handler]) -> None:
    """Adds the handler of imports."""
    handlers.register(STEP, Handler(act=_after, outside=_step))


def begin_check(work: Work, run: ImportRun, mapping: SheetMapping) -> None:
    """Starts trying an import out; ``InputError`` where the mapping does not fit, ``StateConflict`` once it began."""
    form = require_import(work, run)
    if run.is_working or run.state not in {"uploaded", "checked", "failed"}:
        raise StateConflict("import.begun")
    require_fit(mapping, form, targets_of(form, Rights(form, work.principal)))
    choose(work.connection, run, mapping)
    forget_staged(work.workspace, run)
    _begin(work, run, "checking")


def begin_run(work: Work, run: ImportRun) -> None:
    """Starts writing what was tried out; nothing of an all-or-nothing import where a line is refused."""
    require_import(work, run)
    if run.state != "checked" or run.mapping is None:
        raise StateConflict("import.begun")
    if run.mapping.atomic and run.counts.get("refused"):
        raise StateConflict("import.all_or_nothing")
    forget_staged(work.workspace, run)
    work.audit("import.run", run.form, {"import": str(run.id), "file": run.file_name})
    _begin(work, run, "running")


def begin_undo(work: Work, run: ImportRun) -> None:
    """Starts taking an import back."""
    require_import(work, run)
    if run.state not in {"done", "stopped", "failed"} or not run.blob:
        raise StateConflict("import.begun")
    work.audit("import.undo", run.form, {"import": str(run.id), "file": run.file_name})
    _begin(work, run, "undoing")


def stop(work: Work, run: ImportRun) -> None:
    """Ends what is going on after the batch at work; what is written stays until it is undone."""
    require_import(work, run)
    after = {"checking": "uploaded", "running": "stopped", "undoing": "stopped"}
    if run.state in after:
        change_run(work.connection, run.id, state=after[run.state], finished_at=work.instant)
        queue.cancel(work.connection, _key(run.id))


def require_import(work: Work, run: ImportRun) -> CompiledForm:
    """The form; ``AccessDenied`` for who may not import into it, whatever the state of the import."""
    app, _, local = run.form.partition(".")
    found = work.apps.get(app)
    form = found.forms.get(local) if found else None
    if form is None:
        raise StateConflict("import.form_gone", form=run.form)
    if not Rights(form, work.principal).may("import") or run.person != work.principal.id:
        raise AccessDenied("import", run.form)
    return form


def _begin(work: Work, run: ImportRun, state: str) -> None:
    values = {"state": state, "done": 0, "total": 0, "counts": {}, "shown": {}, "error": None, "finished_at": None}
    if state == "undoing":
        values |= {"counts": dict(run.counts)}
    else:
        clear_problems(work.connection, run.id)
    change_run(work.connection, run.id, **values)
    _put(work, run.id, run.app, 0)


def _put(work: Work, id: UUID, app: str, start: int) -> None:
    payload = {"import": str(id), "start": start}
    now = work.instant
    queue.put(work.connection, kind=STEP, due_at=now, now=now, payload=payload, app=app, key=_key(id))


def _key(id: UUID) -> str:
    return f"{STEP}:{id}"


# ---------------------------------------------------------------------------------------------------- a step


def run_to_end(workspace: Workspace, id: UUID, tell: Callable[[ImportRun], None] = lambda _run: None) -> ImportRun:
    """Does all steps of the present stage here and now, as the job would: for the command line."""
    while True:
        with workspace.database.read() as connection:
            run = find_run(connection, id)
        assert run is not None  # noqa: S101 - it was made a moment ago
        tell(run)
        if not run.is_working:
            return run
        step = _do(workspace, run, run.done)
        workspace.run(lambda work, run=run, step=step: _settle(work, run, step, None), SYSTEM, command="import.step")


def _step(workspace: Workspace, job: Job) -> tuple[ImportRun, Step] | None:
    with workspace.database.read() as connection:
        run = find_run(connection, UUID(job.payload["import"]))
    if run is None or not run.is_working:
        return None
    return run, _do(workspace, run, int(job.payload["start"]))


def _after(work: Work, job: Job, found: tuple[ImportRun, Step] | None) -> None:
    if found is not None:
        _settle(work, *found, job)


def _do(workspace: Workspace, run: ImportRun, start: int) -> Step:
    """One step's work; what keeps an import from going on is told in it."""
    try:
        with workspace.read(SYSTEM) as work:
            principal = SYSTEM if run.person is None else principal_of(work.connection, run.person)
        if principal is None:
            raise AccessDenied("import", run.form)
        return (
            _undo_step(workspace, run, principal)
            if run.state == "undoing"
            else _lines(workspace, run, principal, start)
        )
    except InputError as error:
        problem = error.problems[0]
        return Step(done=start, total=run.total, error={"code": problem.code, "params": dict(problem.params)})
    except (AccessDenied, StateConflict) as error:
        return Step(done=start, total=run.total, error=_error(error))


def _error(error: DougongError) -> dict[str, Any]:
    params = {key: str(value) for key, value in getattr(error, "params", {}).items()}
    return {"code": error.code, "params": params}


def _lines(workspace: Workspace, run: ImportRun, principal: Principal, start: int) -> Step:
    """Batches from record ``start`` on, for about ``AIM_S``."""
    assert run.mapping is not None  # noqa: S101 - chosen before any stage begins
    with workspace.read(principal) as work:
        require_import(work, run)
    writer = Writer(workspace, run.id, run.form, run.mapping, principal)
    began = time.monotonic()
    with staged_of(workspace, run) as staged:
        step = Step(done=start, total=staged.total)
        act = writer.try_out if run.state == "checking" else writer.write
        while step.done < step.total:
            records = staged.records(step.done, BATCH)
            step.written.add(act(records, staged))
            step.done += len(records)
            if time.monotonic() - began > AIM_S:
                break
    return step


def _undo_step(workspace: Workspace, run: ImportRun, principal: Principal) -> Step:
    with workspace.database.read() as connection:
        rows = records_of_run(connection, run.id, BATCH)
        total = run.total or run.counts.get("created", 0) + run.counts.get("updated", 0)
    if not rows:
        return Step(done=max(total, run.done), total=max(total, run.done))
    # A batch is undone in the transaction that forgets its rows: made again, it finds others.
    written = workspace.run(lambda work: undo_batch(work, run, rows), principal, command="import.undo", reason="import")
    return Step(done=run.done + len(rows), total=max(total, run.done + len(rows) + 1), written=written)


def _settle(work: Work, run: ImportRun, step: Step, job: Job | None) -> None:
    """Writes down what a step did, and leaves the next one to be done."""
    now = find_run(work.connection, run.id)
    if now is None or now.state != run.state:
        # It was stopped meanwhile: what was written is counted, and nothing follows.
        if now is not None:
            change_run(work.connection, run.id, counts=counts_of(step.written.counts, now.counts))
        return
    if step.written.refusals:
        note_refusals(work, run, step.written.refusals, _locale(work, run))
    values: dict[str, Any] = {
        "done": step.done,
        "total": step.total,
        "counts": counts_of(step.written.counts, now.counts),
        "error": step.error or (now.error if run.state == "undoing" else None),
    }
    if run.state == "checking" and run.done == 0:
        values["shown"] = {"rows": step.written.shown}
    if run.state == "running" and run.mapping and run.mapping.atomic and step.written.counts.get("refused"):
        _give_up(work, run, values, job)
        return
    ended = step.error is not None or step.done >= step.total
    if ended:
        values |= {"state": _ended(run, step), "finished_at": work.instant}
        forget_staged(work.workspace, run)
    change_run(work.connection, run.id, **values)
    if not ended and job is not None:
        _put(work, run.id, run.app, step.done)


def _give_up(work: Work, run: ImportRun, values: Mapping[str, Any], job: Job | None) -> None:
    """All or nothing, and a line was refused that had been good when it was tried out: what was written goes back."""
    change_run(work.connection, run.id, **values)
    change_run(
        work.connection, run.id, state="undoing", done=0, total=0, error={"code": "import.all_or_nothing", "params": {}}
    )
    if job is not None:
        _put(work, run.id, run.app, 0)


def _ended(run: ImportRun, step: Step) -> str:
    if step.error is not None:
        return "failed"
    return {"checking": "checked", "running": "done", "undoing": "undone"}[run.state]


def _locale(work: Work, run: ImportRun) -> str:
    found = principal_of(work.connection, run.person) if run.person else None
    return found.locale if found else work.workspace.settings.locale

"""The portions of a change of many records: each a short command of the person who asked, made once.

What a portion did is written down in the transaction that did it, so that one made again after a crash finds it done.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.principals import principal_of
from builder.jobs.ports import Job
from builder.lists.bulk import STEP, BulkRun, change, find_run, items_of, put_step
from builder.messages import messages
from builder.runtime.host import Handler
from builder.storage.bulk_tables import bulk_record
from builder.storage.values import decode, encode
from engines.core import (
    SYSTEM,
    AccessDenied,
    BudgetExceeded,
    DougongError,
    InputError,
    LocalizedText,
    Principal,
    Registry,
    StateConflict,
)
from engines.form import Record

if TYPE_CHECKING:
    from builder.workspace import Work, Workspace

# Records of one command, so that it holds the write lock shortly.
BATCH = 25
# How long one job goes on with portion after portion, well within its lease.
AIM_S = 3.0
COUNTED = {"process.started": "processes", "task.created": "tasks", "message": "messages"}
_REFUSALS = (InputError, StateConflict, AccessDenied, BudgetExceeded)
_NEXT = {"trying": "tried", "running": "done", "undoing": "undone"}


class _TakenBack(Exception):
    """Ends a trial."""


def register(handlers: Registry[Handler]) -> None:
    """Adds the handler of changes to many records."""
    handlers.register(STEP, Handler(act=_after, outside=_step))


def run_to_end(workspace: Workspace, id: UUID) -> BulkRun:
    """Does the present stage here and now, as the job would: for few records."""
    while True:
        with workspace.database.read() as connection:
            run = find_run(connection, id)
        assert run is not None  # noqa: S101 - it was made a moment ago
        if not run.is_working:
            return run
        _portions(workspace, run)
        workspace.run(lambda work, run=run: _settle(work, run, None), SYSTEM, command=STEP)


def _step(workspace: Workspace, job: Job) -> BulkRun | None:
    with workspace.database.read() as connection:
        run = find_run(connection, UUID(job.payload["bulk"]))
    if run is None or not run.is_working:
        return None
    _portions(workspace, run)
    return run


def _after(work: Work, job: Job, run: BulkRun | None) -> None:
    if run is not None:
        _settle(work, run, job)


def _settle(work: Work, run: BulkRun, job: Job | None) -> None:
    """Ends the stage, or leaves the next portion to be done; nothing where it was stopped meanwhile."""
    now = find_run(work.connection, run.id)
    if now is None or now.state != run.state:
        return
    if now.done >= now.total:
        change(work.connection, run.id, state=_NEXT[run.state], finished_at=work.instant)
    elif job is not None:
        put_step(work, now)


def _portions(workspace: Workspace, run: BulkRun) -> None:
    """Portion after portion, for about ``AIM_S``."""
    with workspace.read(SYSTEM) as work:
        principal = principal_of(work.connection, run.person)
    if principal is None:
        workspace.run(lambda work: change(work.connection, run.id, state="failed"), SYSTEM, command=STEP)
        return
    worker, began, done = Worker(workspace, run, principal), time.monotonic(), run.done
    while done < run.total:
        with workspace.database.read() as connection:
            items = items_of(connection, run.id, done, BATCH)
        worker.do(items)
        done = items[-1].place + 1 if items else run.total
        if time.monotonic() - began > AIM_S:
            return


class Worker:
    """Does portions of one run under the rights of who asked for it."""

    def __init__(self, workspace: Workspace, run: BulkRun, principal: Principal) -> None:
        self._workspace = workspace
        self._run = run
        self._principal = principal

    def do(self, items: Sequence[Any]) -> None:
        """The whole portion, else its halves: what a rule refuses in one record does not keep the others out."""
        try:
            self._trial(items) if self._run.state == "trying" else self._command(items)
        except _REFUSALS as error:
            if len(items) > 1:
                half = len(items) // 2
                self.do(items[:half])
                self.do(items[half:])
                return
            told = self._told(error)
            result = "kept" if self._run.state == "undoing" else "refused"
            self._note([(items[0], {"result": result, "told": told})], Counter({result: 1}))

    def _trial(self, items: Sequence[Any]) -> None:
        found: list[tuple[Any, dict[str, Any]]] = []
        counts: Counter[str] = Counter()
        try:
            with self._workspace.work(self._principal, command="bulk.trial") as work:
                found = self._apply(work, items)
                work.finish()
                counts = self._counts(work, found)
                raise _TakenBack
        except _TakenBack:
            self._note(found, counts)

    def _note(self, found: Sequence[tuple[Any, dict[str, Any]]], counts: Counter[str]) -> None:
        """Writes down what became of items in a command of its own."""
        self._workspace.run(lambda work: self._write(work, found, counts), SYSTEM, command=STEP)

    def _command(self, items: Sequence[Any]) -> None:
        def act(work: Work) -> None:
            now = find_run(work.connection, self._run.id)
            if now is None or now.state != self._run.state or now.done > items[0].place:
                return
            found = self._apply(work, items)
            work.finish()
            ids = [item.record_id for item, told in found if told.get("result") == "changed"]
            versions = {id: work.records.get(self._run.form, id, deleted=self._deletes) for id in ids}
            for item, told in found:
                # The version once rules have followed, so that later changes can be told.
                if told and (record := versions.get(item.record_id)):
                    told["version"] = record.version
            self._write(work, found, self._counts(work, found))

        self._workspace.run(act, self._principal, command=f"bulk.{self._run.kind}", reason="bulk")

    @property
    def _deletes(self) -> bool:
        return self._run.kind == "delete"

    def _apply(self, work: Work, items: Sequence[Any]) -> list[tuple[Any, dict[str, Any]]]:
        """Does the portion; gives for each item what is to be noted of it, nothing where that stays as it is."""
        undoing = self._run.state == "undoing"
        work.silent = self._run.silent or undoing
        # Who asked has seen the preview: questions that rules ask one by one are answered with yes.
        work.confirmed = True
        act: Callable[[Work, Any, Record | None], dict[str, Any]] = self._undo if undoing else self._change
        deleted = undoing and self._deletes
        found = []
        for item in items:
            record = work.records.get(self._run.form, item.record_id, deleted=deleted)
            try:
                with work.connection.begin_nested():
                    found.append((item, act(work, item, record)))
            except _REFUSALS as error:
                found.append((item, {"result": "kept" if undoing else "refused", "told": self._told(error)}))
        return found

    def _change(self, work: Work, item: Any, record: Record | None) -> dict[str, Any]:
        if record is None:
            raise AccessDenied(self._run.kind, self._run.form)
        if self._deletes:
            work.records.delete(self._run.form, record.id)
            return {"result": "changed", "before": {}}
        made = work.records.update(self._run.form, record.id, dict(self._run.given))
        entered = [name for name in self._run.given if name in made.changed]
        before = {name: encode(record.values.get(name)) for name in entered}
        return {"result": "changed" if entered else "same", "before": before}

    def _undo(self, work: Work, item: Any, record: Record | None) -> dict[str, Any]:
        if item.result != "changed":
            return {}
        if record is None or record.version != item.version:
            locale = self._principal.locale or work.workspace.settings.locale
            return {"result": "kept", "told": messages().text("lists.changed_since", locale, {})}
        if self._deletes:
            work.records.restore(self._run.form, record.id)
        else:
            values = {name: decode(value) for name, value in (item.before or {}).items()}
            work.records.update(self._run.form, record.id, values)
        return {"result": "undone"}

    def _counts(self, work: Work, found: Sequence[tuple[Any, dict[str, Any]]]) -> Counter[str]:
        counts = Counter(told["result"] for _item, told in found if told)
        counts.update({name: work.set_off[type] for type, name in COUNTED.items() if work.set_off[type]})
        return counts

    def _write(self, work: Work, found: Sequence[tuple[Any, dict[str, Any]]], counts: Counter[str]) -> None:
        now = find_run(work.connection, self._run.id)
        if now is None or not found:
            return
        table = bulk_record.c
        for item, told in found:
            if not told:
                continue
            here = sa.update(bulk_record).where(table.bulk_id == self._run.id, table.place == item.place)
            work.connection.execute(here.values(**{"told": "", **told}))
        done = max(item.place for item, _told in found) + 1
        change(work.connection, self._run.id, done=done, counts=dict(Counter(now.counts) + counts))

    def _told(self, error: DougongError) -> str:
        """A refusal in words."""
        locale = self._principal.locale or self._workspace.settings.locale
        if not isinstance(error, InputError):
            return str(messages().text(error.code, locale, getattr(error, "params", {})))
        words = [
            LocalizedText.of(p.text).get(locale) if p.text else messages().text(p.code, locale, p.params)
            for p in error.problems
            if p.severity == "error"
        ]
        return " ".join(words)

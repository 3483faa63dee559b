"""A batch of drafts made into records under the rights of who brought them, or tried out and taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.imports.sheets.drafting import Draft, Drafter, Refusal
from builder.imports.sheets.mapping import SheetMapping
from builder.imports.sheets.staged import Staged, StagedRecord, counts_of
from builder.storage.import_tables import import_record
from builder.storage.values import encode
from builder.workspace import Work, Workspace
from engines.core import AccessDenied, BudgetExceeded, DougongError, InputError, InputProblem, Principal, StateConflict
from engines.form import CompiledForm

# Records that a preview shows.
SHOWN = 20
COUNTED = {"process.started": "processes", "task.created": "tasks", "message": "messages"}


@dataclass(slots=True, kw_only=True)
class Written:
    """What became of a batch."""

    # created, updated, same, refused; processes, tasks, messages.
    counts: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    # The first records as they were written: line, action and values as JSON.
    shown: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Written) -> None:
        """Takes over what became of another part."""
        self.counts = counts_of(other.counts, self.counts)
        self.refusals += other.refusals
        self.shown += other.shown[: SHOWN - len(self.shown)]


class _TakenBack(Exception):
    """Ends a trial."""


class Writer:
    """Writes the records of one import."""

    def __init__(
        self, workspace: Workspace, import_id: UUID, form: str, mapping: SheetMapping, principal: Principal
    ) -> None:
        self._workspace = workspace
        self._import_id = import_id
        self._form = form
        self._mapping = mapping
        self._principal = principal
        # Records written by the batch at work, with their lines and what was done.
        self._touched: dict[UUID, tuple[int, str]] = {}

    def write(self, records: Sequence[StagedRecord], staged: Staged) -> Written:
        """Writes records in one command, or in several where one is refused by what follows from it; never twice."""
        return self._attempt(records, lambda part: self._command(part, staged))

    def try_out(self, records: Sequence[StagedRecord], staged: Staged) -> Written:
        """What ``write`` would do, as told by doing it and taking it back."""
        return self._attempt(records, lambda part: self._trial(part, staged))

    def _attempt(self, records: Sequence[StagedRecord], act: Callable[[Sequence[StagedRecord]], Written]) -> Written:
        """The whole, else its halves: what a rule refuses in one record does not keep the others out."""
        if not records:
            return Written()
        try:
            return act(records)
        except (InputError, StateConflict, AccessDenied, BudgetExceeded) as error:
            if len(records) == 1:
                return Written(counts={"refused": 1}, refusals=_told(error, records[0]))
        half = len(records) // 2
        written = self._attempt(records[:half], act)
        written.add(self._attempt(records[half:], act))
        return written

    def _command(self, records: Sequence[StagedRecord], staged: Staged) -> Written:
        written = Written()

        def act(work: Work) -> Any:
            nonlocal written
            written = self._apply(work, records, staged)
            work.finish()
            self._settle(work)
            _count(work, written)
            work.result = written_json(written)
            return work.result

        key = f"{self._import_id}:{records[0].place}-{records[-1].place}"
        told = self._workspace.run(act, self._principal, command="import.batch", key=key, reason="import")
        return written if told is not None and written.counts else written_of(told)

    def _trial(self, records: Sequence[StagedRecord], staged: Staged) -> Written:
        written = Written()
        try:
            with self._workspace.work(self._principal, command="import.trial") as work:
                written = self._apply(work, records, staged)
                work.finish()
                _count(work, written)
                written.shown = self._shown(work)
                raise _TakenBack
        except _TakenBack:
            return written

    def _shown(self, work: Work) -> list[dict[str, Any]]:
        """The first records of a trial, as who brings them may see them."""
        lines = dict(list(self._touched.items())[:SHOWN])
        found = work.records.get_many(self._form, list(lines))
        chosen = dict.fromkeys(column.field.partition(".")[0] for column in self._mapping.chosen)
        return [
            {
                "line": lines[record.id][0],
                "action": lines[record.id][1],
                "values": {
                    name: encode(record.values[name])
                    for name in chosen
                    if name in record.values and name not in record.masked
                },
            }
            for record in found
        ]

    # -- one transaction

    def _apply(self, work: Work, records: Sequence[StagedRecord], staged: Staged) -> Written:
        work.silent = self._mapping.silent
        # Who imports has seen the preview: questions that rules ask one by one are answered with yes.
        work.confirmed = True
        self._touched = {}
        form = _compiled(work, self._form)
        drafts = Drafter(work, form, self._mapping).drafts(records, staged)
        places = {draft.place: _take_places(draft) for draft in drafts}
        written = Written()
        for draft in drafts:
            written.refusals += draft.refusals
        good = [draft for draft in drafts if not draft.refusals]
        self._create(work, [draft for draft in good if draft.id is None], places, written)
        for draft in good:
            if draft.id is not None:
                self._update(work, draft, places[draft.place], written)
        refused = {refusal.line for refusal in written.refusals}
        written.counts["refused"] = sum(not refused.isdisjoint(draft.lines) for draft in drafts)
        return written

    def _create(self, work: Work, drafts: Sequence[Draft], places: Mapping[int, Any], written: Written) -> None:
        if not drafts:
            return
        made = work.records.create_many(self._form, [draft.values for draft in drafts])
        rows = []
        for index, (draft, id) in enumerate(zip(drafts, made.ids, strict=True)):
            if id is None:
                written.refusals += self._located(draft, places[draft.place], made.problems[index])
            else:
                rows.append(self._row(draft, id, "created", 0, 1))
        if rows:
            work.connection.execute(import_record.insert(), rows)
        written.counts["created"] = len(rows)

    def _update(self, work: Work, draft: Draft, places: Mapping[tuple[str, int], int], written: Written) -> None:
        assert draft.id is not None  # noqa: S101 - told apart by the caller
        values = {name: value for name, value in draft.values.items() if name != self._mapping.key}
        try:
            change = work.records.update(self._form, draft.id, values)
        except InputError as error:
            written.refusals += self._located(draft, places, error.problems)
            return
        what = "updated" if change.changed else "same"
        written.counts[what] = written.counts.get(what, 0) + 1
        if change.changed:
            base = change.before.version if change.before else 0
            row = self._row(draft, draft.id, "updated", base, change.record.version)
            work.connection.execute(import_record.insert(), row)

    def _row(self, draft: Draft, id: UUID, action: str, base: int, version: int) -> dict[str, Any]:
        self._touched[id] = (draft.line, action)
        return {"import_id": self._import_id, "record_id": id, "action": action, "base": base, "version": version}

    def _settle(self, work: Work) -> None:
        """Notes the versions that the records have once rules have followed, so that later changes can be told."""
        source = work.records.source(self._form).selectable.c
        mine = sa.select(import_record.c.record_id, source.version).where(
            import_record.c.import_id == self._import_id,
            source.id == import_record.c.record_id,
            import_record.c.record_id.in_(list(self._touched)),
        )
        for id, version in work.connection.execute(mine).all():
            table = import_record.c
            here = sa.update(import_record).where(table.import_id == self._import_id, table.record_id == id)
            work.connection.execute(here.where(table.version != version).values(version=version))

    def _located(
        self, draft: Draft, places: Mapping[tuple[str, int], int], problems: Sequence[InputProblem]
    ) -> list[Refusal]:
        """Problems of the form engine with the line and the heading that they come from."""
        found = []
        for problem in problems:
            if problem.severity != "error":
                continue
            name, *more = problem.pointer.strip("/").split("/")
            path = f"{name}.{more[1]}" if len(more) > 1 else name
            line = places.get((name, int(more[0])), draft.line) if more and more[0].isdigit() else draft.line
            told = {"code": problem.code, "params": problem.params, "text": problem.text}
            found.append(Refusal(line=line, header=self._mapping.header_of(path) or path, **told))
        return found


def _compiled(work: Work, name: str) -> CompiledForm:
    app, _, local = name.partition(".")
    found = work.apps.get(app)
    if found is None or local not in found.forms:
        raise StateConflict("import.form_gone", form=name)
    return found.forms[local]


def _take_places(draft: Draft) -> dict[tuple[str, int], int]:
    """Takes the line numbers out of the rows of sub-tables."""
    places = {}
    for table, rows in draft.values.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            for index, row in enumerate(rows):
                places[table, index] = row.pop("")
    return places


def _count(work: Work, written: Written) -> None:
    written.counts |= {name: work.set_off[type] for type, name in COUNTED.items()}


def _told(error: DougongError, record: StagedRecord) -> list[Refusal]:
    if isinstance(error, InputError):
        problems = error.problems
        return [Refusal(line=record.line, header="", code=p.code, params=p.params, text=p.text) for p in problems]
    return [Refusal(line=record.line, header="", code=error.code, params=getattr(error, "params", {}))]


def written_json(written: Written) -> dict[str, Any]:
    """As the command keeps it, for a call that is made again."""
    refusals = [
        [r.line, r.header, r.code, {key: str(value) for key, value in r.params.items()}, dict(r.text)]
        for r in written.refusals
    ]
    return {"counts": written.counts, "refusals": refusals}


def written_of(data: Mapping[str, Any]) -> Written:
    """The opposite of ``written_json``."""
    refusals = [
        Refusal(line=line, header=header, code=code, params=params, text=text)
        for line, header, code, params, text in data["refusals"]
    ]
    return Written(counts=dict(data["counts"]), refusals=refusals)

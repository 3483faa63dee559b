"""One import from file to records: staged outside, then written in short commands that a repeated run passes over."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.imports.definition import ImportDefinition, RecordMapping
from builder.imports.reading import open_data_file
from builder.imports.staging import Columns, Evaluator, Line, Rejected, ReportFile, Staging, stage
from builder.workspace import Work, Workspace
from engines import feel
from engines.core import InputError, InputProblem, MessageCatalogue, Principal, new_id
from engines.form import CompiledField

# Lines (a record without sub-table rows counts as one) that one command takes, so that it holds the write lock shortly.
BATCH_LINES = 4_000
Fields = Mapping[str, CompiledField]
MESSAGES = MessageCatalogue(["engines.core", "engines.form", "builder.imports"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far an import has come."""

    # "reading" or the qualified name of the form being written.
    stage: str
    # Of ``total`` bytes (reading) or lines (writing).
    done: int
    total: int


@dataclass(slots=True, kw_only=True)
class ImportResult:
    """What an import did."""

    # Lines that became part of records.
    accepted: int = 0
    # Lines not taken, by code.
    rejected: dict[str, int] = field(default_factory=dict)
    # New and changed records, by qualified form.
    created: dict[str, int] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    # CSV with line, column, code and reason of every line not taken.
    report: Path


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Records of one form that one command writes."""

    # Key, values, lines of the file.
    records: list[tuple[str, dict[str, Any], Sequence[int]]]
    lines: int


class Importer:
    """Imports one file with one mapping into one app, as one principal."""

    def __init__(
        self,
        workspace: Workspace,
        app: str,
        mapping: ImportDefinition,
        principal: Principal,
        *,
        progress: Callable[[ImportProgress], None] = lambda _progress: None,
        run_id: UUID | None = None,
    ) -> None:
        self._workspace = workspace
        self._app = app
        self._mapping = mapping
        self._principal = principal
        self._progress = progress
        # Names the run in idempotency keys: a run repeated with the same id writes nothing twice.
        self._run_id = run_id or new_id()
        # Ids by qualified form and key, of records met or made in this run.
        self._ids: dict[str, dict[str, UUID]] = {}

    def run(self, path: Path, report: Path) -> ImportResult:
        """Takes the file at ``path`` in; lines not taken are listed in ``report``."""
        started = time.monotonic()
        with self._workspace.read(self._principal) as work:
            context = feel.EvaluationContext(now=work.instant, zone=work.zone)
        rejects = ReportFile(report, self._sentence)
        result = ImportResult(report=report, rejected=rejects.counts)
        with tempfile.TemporaryDirectory() as folder, open_data_file(path) as file:
            staging, columns = stage(
                file,
                self._mapping,
                Path(folder) / "staging.db",
                context,
                report=rejects.add,
                progress=lambda done, total: self._progress(ImportProgress(stage="reading", done=done, total=total)),
            )
            try:
                for record in self._mapping.records:
                    self._write(record, staging, columns, context, rejects, result)
            finally:
                staging.close()
                rejects.close()
        result.accepted = staging.accepted
        self._recompute()
        result.seconds = time.monotonic() - started
        return result

    # -- records ---------------------------------------------------------------------------------------------------

    def _write(
        self,
        record: RecordMapping,
        staging: Staging,
        columns: Columns,
        context: feel.EvaluationContext,
        rejects: ReportFile,
        result: ImportResult,
    ) -> None:
        maker = _RecordMaker(record, columns, self._mapping.scope, context)
        form = f"{self._app}.{record.form}"
        done = 0
        for number, batch in enumerate(_batches(maker.records(staging, rejects.add))):
            self._workspace.run(
                lambda work, batch=batch: self._write_batch(work, record, batch, rejects, result),
                self._principal,
                command="import.batch",
                key=f"{self._run_id}:{form}:{number}",
                reason=self._mapping.name,
            )
            done += batch.lines
            self._progress(ImportProgress(stage=form, done=done, total=staging.accepted))

    def _write_batch(
        self, work: Work, record: RecordMapping, batch: _Batch, rejects: ReportFile, result: ImportResult
    ) -> None:
        work.scored_later = frozenset(f"{self._app}.{model}" for model in self._mapping.scores)
        form = f"{self._app}.{record.form}"
        fields = work.apps[self._app].forms[record.form].fields
        keys = [key for key, _, _ in batch.records]
        known = self._known(work, form, record.key, keys)
        references = self._references(work, fields, record, batch)
        new: list[tuple[str, dict[str, Any], Sequence[int]]] = []
        for key, values, lines in batch.records:
            missing = self._resolve(values, references)
            if missing is not None:
                rejects.add(Rejected(line=lines[0], column="", code="import.unknown_key", params=missing))
            elif key not in known:
                new.append((key, values, lines))
            elif record.existing == "update":
                self._update(work, form, known[key], values, lines, rejects, result)
        made = work.records.create_many(form, [values for _, values, _ in new])
        for index, ((key, _, lines), id) in enumerate(zip(new, made.ids, strict=True)):
            if id is not None:
                self._ids[form][key] = id
                result.created[form] = result.created.get(form, 0) + 1
            else:
                rejects.add(self._refused(lines[0], made.problems[index]))
        work.result = {"created": len(new)}

    def _update(
        self,
        work: Work,
        form: str,
        id: UUID,
        values: dict[str, Any],
        lines: Sequence[int],
        rejects: ReportFile,
        result: ImportResult,
    ) -> None:
        try:
            work.records.update(form, id, values)
        except InputError as error:
            rejects.add(self._refused(lines[0], error.problems))
        else:
            result.updated[form] = result.updated.get(form, 0) + 1

    def _refused(self, line: int, problems: Sequence[InputProblem]) -> Rejected:
        locale = self._principal.locale
        told = "; ".join(
            f"{p.pointer} {p.text.get(locale) or MESSAGES.text(p.code, locale, p.params)}" for p in problems
        )
        return Rejected(line=line, column="", code="import.refused", params={"problems": told})

    # -- references ------------------------------------------------------------------------------------------------

    def _known(self, work: Work, form: str, key: str, values: Iterable[str]) -> dict[str, UUID]:
        """Ids of existing records by key; those met before in this run are not asked for again."""
        ids = self._ids.setdefault(form, {})
        wanted = sorted({value for value in values if value not in ids})
        source = work.records.source(form)
        key_column, id_column = source.column(key), source.column("id")
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            query = sa.select(key_column.element, id_column.element).where(key_column.element.in_(part))
            ids.update((row[0], row[1]) for row in work.connection.execute(query))
        return ids

    def _references(
        self, work: Work, fields: Fields, record: RecordMapping, batch: _Batch
    ) -> dict[tuple[str, ...], dict[str, UUID]]:
        """For each reference field of the batch (a path of names), the ids of the records that its keys name."""
        found: dict[tuple[str, ...], dict[str, UUID]] = {}
        for path, target in _reference_paths(fields, record):
            values = {v for _, made, _ in batch.records for v in _values_at(made, path) if v is not None}
            found[path] = self._known(work, target, self._key_of(work, target), values)
        return found

    def _key_of(self, work: Work, form: str) -> str:
        """The field by which the file names records of a form: the mapping's key, else the form's title."""
        app, _, name = form.partition(".")
        key = next((r.key for r in self._mapping.records if r.form == name and app == self._app), None)
        return key or work.apps[app].forms[name].title

    def _resolve(
        self,
        values: dict[str, Any],
        references: Mapping[tuple[str, ...], Mapping[str, UUID]],
    ) -> dict[str, Any] | None:
        """Puts ids in the place of keys; what could not be found, or None where all was."""
        for path, ids in references.items():
            rows = [values] if len(path) == 1 else values[path[0]]
            for row in rows:
                value = row.get(path[-1])
                if value is None:
                    continue
                if value not in ids:
                    return {"field": "/".join(path), "value": value}
                row[path[-1]] = ids[value]
        return None

    # -- the end ---------------------------------------------------------------------------------------------------

    def _recompute(self) -> None:
        for model in self._mapping.scores:
            self._progress(ImportProgress(stage=f"{self._app}.{model}", done=0, total=1))
            self._workspace.score_all(f"{self._app}.{model}", self._principal)
            self._progress(ImportProgress(stage=f"{self._app}.{model}", done=1, total=1))

    def _sentence(self, rejected: Rejected) -> str:
        locale = self._principal.locale
        for skip in self._mapping.skip:
            if skip.name == rejected.code:
                return skip.reason.get(locale)
        return MESSAGES.text(rejected.code, locale, rejected.params)


class _RecordMaker:
    """Turns the lines of each key into one record's values."""

    def __init__(
        self, record: RecordMapping, columns: Columns, scope: feel.Scope, context: feel.EvaluationContext
    ) -> None:
        def evaluators(values: Mapping[str, str]) -> dict[str, Evaluator]:
            return {name: Evaluator(text, columns, scope, context) for name, text in values.items()}

        self._record = record
        self._values = evaluators(record.values)
        self._rows = {table: evaluators(values) for table, values in record.rows.items()}
        self._fold = {name: min if how == "min" else max for name, how in record.fold.items()}

    def records(
        self, staging: Staging, report: Callable[[Rejected], None]
    ) -> Iterator[tuple[str, dict[str, Any], Sequence[int]]]:
        """Key, values and line numbers of each record."""
        for key, lines in staging.groups(self._record, self._record.values[self._record.key].strip()):
            if key is None:
                params = {"field": self._record.key, "form": self._record.form}
                for number, _ in lines:
                    report(Rejected(line=number, column="", code="import.no_key", params=params))
                continue
            yield key, self._record_values(lines), [number for number, _ in lines]

    def _record_values(self, lines: Sequence[tuple[int, Line]]) -> dict[str, Any]:
        values = {name: evaluate(lines[0][1]) for name, evaluate in self._values.items()}
        for name, choose in self._fold.items():
            values[name] = choose(self._values[name](line) for _, line in lines)
        for table, evaluators in self._rows.items():
            items = tuple(evaluators.items())
            values[table] = [{name: evaluate(line) for name, evaluate in items} for _, line in lines]
        return values


def _batches(records: Iterator[tuple[str, dict[str, Any], Sequence[int]]]) -> Iterator[_Batch]:
    """Records in batches of about ``BATCH_LINES`` lines."""
    while first := list(islice(records, 1)):
        batch = _Batch(records=first, lines=len(first[0][2]))
        while batch.lines < BATCH_LINES and (more := next(records, None)) is not None:
            batch.records.append(more)
            batch.lines += len(more[2])
        yield batch


def _reference_paths(fields: Fields, record: RecordMapping) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths of the mapping's reference fields with the qualified names of the forms they point to."""
    for name in record.values:
        if name in fields and fields[name].target:
            yield (name,), fields[name].target
    for table, values in record.rows.items():
        columns = fields[table].rows or {}
        for name in values:
            if columns[name].target:
                yield (table, name), columns[name].target


def _values_at(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Any]:
    if len(path) == 1:
        yield values.get(path[0])
    else:
        for row in values[path[0]]:
            yield row.get(path[1])

"""Score models at work: one record against frozen cut points, or everybody anew in a job of short commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.rights import may_build
from builder.jobs import queue
from builder.runtime.writer import origin_row
from builder.storage.runtime_tables import score_run, value_origin
from builder.storage.upsert import upsert
from builder.storage.values import decode, encode
from engines import rules
from engines.core import AccessDenied, Principal, new_id
from engines.core.principal import SYSTEM
from engines.feel import Budget
from engines.rules import CompiledScores, CutPoints, Measured, ScoredRecord

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace

RUN, BATCH = "scores.run", "scores.batch"
RUNNING, DONE = "running", "done"
# Records written in one command of a full run: few enough that nobody waits long for the write lock.
BATCH_SIZE = 500
# A full run is no request that somebody waits for: everybody is decided about in one go.
UNHURRIED: Mapping[str, Any] = {"steps": 10**10, "size": 10**11, "seconds": 3600.0, "wall_seconds": 3600.0}
Explained = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a full run wants to write to one record."""

    id: UUID
    values: Mapping[str, Any]
    # By measure: {value, score}.
    measures: Explained
    # What decided on the values, see ``Decided.explanation``.
    decisions: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A full run before anything is written: cut points, and the records whose values are not as they should be."""

    app: str
    model: str
    cause: str
    cuts: Mapping[str, CutPoints]
    population: int
    changed: Sequence[Wanted]

    def batches(self) -> Iterator[Sequence[Wanted]]:
        """The records in portions of one command each."""
        for start in range(0, len(self.changed), BATCH_SIZE):
            yield self.changed[start : start + BATCH_SIZE]


class Scoring:
    """The score models of one command; they read and write as their app."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._work = around.work
        self._cuts: dict[tuple[str, str], tuple[int, Mapping[str, CutPoints]]] = {}
        self._parameters: dict[tuple[str, str], Mapping[str, Any]] = {}

    def score_one(self, app: str, name: str, record_id: UUID, *, cause: str) -> dict[str, Any] | None:
        """The record's values after it was scored against the cut points in force; None where it is gone.

        Cut points stay as the last full run left them, and nobody else's score moves. Before the first full run
        measures have values and no scores.
        """
        model = self.model(app, name)
        form = self._around.form_name(app, model.model.form)
        source = self._around.records(app).source(form)
        dialect = self._work.connection.dialect.name
        parameters = self.parameters(app, name)
        query = rules.score_values(model, source, dialect, parameters, self._around.feel, [record_id])
        row = self._work.connection.execute(query).first()
        if row is None:
            return None
        version, cuts = self.cut_points(app, name)
        scored = rules.score_one(model, cuts, row)
        values, decisions = self.values_explained(app, model, scored, parameters)
        source_of_values = _source(name, cause, version, explained(scored.measures), decisions)
        return self._around.write(app).update(form, record_id, values, source=source_of_values, computed=True)

    def request_run(self, app: str, name: str, *, cause: str) -> None:
        """Asks for a full run after this command; one that is asked for already is not asked for twice."""
        self.model(app, name)
        queue.put(
            self._work.connection,
            kind=RUN,
            due_at=self._work.instant,
            now=self._work.instant,
            payload={"model": name, "cause": cause},
            app=app,
            key=f"{RUN}:{app}:{name}",
        )

    def model(self, app: str, name: str) -> CompiledScores:
        """A score model of an app; ``KeyError`` for an unknown one."""
        found: CompiledScores = self._around.app(app).scores[name]
        return found

    def parameters(self, app: str, name: str) -> Mapping[str, Any]:
        """What the parameters come to now; once per command."""
        if (app, name) not in self._parameters:
            model, settings = self.model(app, name), self._around.settings(app)
            self._parameters[app, name] = model.parameter_values(dict(settings), self._around.feel)
        return self._parameters[app, name]

    def cut_points(self, app: str, name: str) -> tuple[int, Mapping[str, CutPoints]]:
        """Version and cut points of the last full run; version 0 where there was none."""
        if (app, name) not in self._cuts:
            table = score_run
            query = sa.select(table.c.version, table.c.cut_points).where(table.c.app == app, table.c.model == name)
            row = self._work.connection.execute(query.order_by(table.c.version.desc()).limit(1)).one_or_none()
            cuts = {key: rules.cuts_from_json(value) for key, value in row.cut_points.items()} if row else {}
            self._cuts[app, name] = (row.version if row else 0, cuts)
        return self._cuts[app, name]

    def values(
        self, app: str, model: CompiledScores, scored: ScoredRecord, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What is to be written to one record: numbers rounded to the scale of their fields, as formulas are."""
        return self._values(app, model, scored, parameters, self._around.decisions_of(app).decide)

    def values_explained(
        self, app: str, model: CompiledScores, scored: ScoredRecord, parameters: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
        """The same, and what explains the decisions that were asked."""
        asked: list[Mapping[str, Any]] = []

        def decide(name: str, inputs: Mapping[str, Any]) -> Any:
            found = self._around.decisions_of(app).explained(name, inputs)
            asked.append(found.explanation)
            return found.value

        return self._values(app, model, scored, parameters, decide), asked

    def _values(
        self,
        app: str,
        model: CompiledScores,
        scored: ScoredRecord,
        parameters: Mapping[str, Any],
        decide: Callable[[str, Mapping[str, Any]], Any],
    ) -> dict[str, Any]:
        values = model.values_to_write(scored.measures, scored.fields, parameters, self._around.feel, decide)
        form = self._around.records(app).world.form(self._around.form_name(app, model.model.form)).compiled
        return {name: _rounded(form.fields[name].column, value) for name, value in values.items()}

    # -- full runs

    def prepare(self, app: str, name: str, *, cause: str) -> Prepared:
        """Scores everybody with one statement and finds whose values are not as they should be. Writes nothing."""
        model = self.model(app, name)
        form = self._around.form_name(app, model.model.form)
        records = self._around.records(app)
        self._work.budget = Budget(**UNHURRIED)
        parameters = self.parameters(app, name)
        dialect = self._work.connection.dialect.name
        plan = rules.score_all(model, records.source(form), dialect, parameters, self._around.feel)
        run = plan.read(self._work.connection.execute(plan.select))
        stored = self._stored(app, form, [field for field, _ in model.writes])
        changed = []
        for record in run.records:
            values = self.values(app, model, record, parameters)
            if any(_differs(value, stored[record.id].get(n)) for n, value in values.items()):
                # Explaining costs half as much again, so only where something is written.
                _, asked = self.values_explained(app, model, record, parameters)
                measures = explained(record.measures)
                changed.append(Wanted(id=record.id, values=values, measures=measures, decisions=asked))
        members = sum(1 for r in run.records if r.measures is not None)
        return Prepared(app=app, model=name, cause=cause, cuts=run.cuts, population=members, changed=changed)

    def _stored(self, app: str, form: str, fields: Sequence[str]) -> dict[UUID, Mapping[str, Any]]:
        source = self._around.records(app).source(form)
        columns = {name: column.element for name in fields if (column := source.column(name)) is not None}
        query = sa.select(source.selectable.c.id, *columns.values()).where(source.visible_rows())
        rows = self._work.connection.execute(query)
        return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}

    def begin_run(self, prepared: Prepared) -> UUID:
        """The id of the run; from now on its cut points are in force."""
        version, _ = self.cut_points(prepared.app, prepared.model)
        row = {
            "id": new_id(),
            "app": prepared.app,
            "model": prepared.model,
            "version": version + 1,
            "model_hash": self._around.app(prepared.app).hash,
            "release": self._around.app(prepared.app).release,
            "state": RUNNING if prepared.changed else DONE,
            "started_at": self._work.instant,
            "finished_at": None if prepared.changed else self._work.instant,
            "population": prepared.population,
            "done": 0,
            "cut_points": {key: rules.cuts_to_json(value) for key, value in prepared.cuts.items()},
            "cause": prepared.cause,
        }
        self._work.connection.execute(score_run.insert(), row)
        return row["id"]  # type: ignore[return-value]

    def write_batch(self, run_id: UUID, wanted: Sequence[Wanted], *, last: bool) -> None:
        """Writes one portion of a full run, and what rules make of it, in this command."""
        self._work.budget = Budget(**UNHURRIED)
        run = self._work.connection.execute(sa.select(score_run).where(score_run.c.id == run_id)).one()
        form = self._around.form_name(run.app, self.model(run.app, run.model).model.form)
        records = self._around.records(run.app)
        self._work.emit(records.compute(form, {item.id: item.values for item in wanted}))
        origins = [
            origin_row(
                self._around,
                form,
                item.id,
                list(item.values),
                _source(run.model, run.cause, run.version, item.measures, item.decisions),
            )
            for item in wanted
        ]
        upsert(self._work.connection, value_origin, origins)
        values: dict[str, Any] = {"done": score_run.c.done + len(wanted)}
        if last:
            values |= {"state": DONE, "finished_at": self._work.instant}
        self._work.connection.execute(score_run.update().where(score_run.c.id == run_id).values(**values))


def _source(
    model: str, cause: str, version: int, measures: Explained, decisions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    seen = {"measures": dict(measures), "decisions": list(decisions)}
    return {"kind": "score", "name": model, "cause": cause, "cut_points": version, **seen}


def explained(measures: Mapping[str, Measured] | None) -> dict[str, dict[str, Any]]:
    """Values and scores by measure; empty for a record outside of the population."""
    return {name: {"value": one.value, "score": one.score} for name, one in (measures or {}).items()}


def _rounded(column: Any, value: Any) -> Any:
    """A number with as many decimals as its column keeps, half up as formulas are; other values as they are."""
    if not isinstance(value, Decimal) or column is None:
        return value
    with localcontext() as context:
        context.prec = 60
        return value.quantize(Decimal(1).scaleb(-column.scale), ROUND_HALF_UP)


def _differs(wanted: Any, stored: Any) -> bool:
    return bool(wanted != stored)


def recalculate(
    workspace: Workspace, app: str, model: str, principal: Principal = SYSTEM, *, cause: str = "recalculate"
) -> int:
    """How many records got new values: a full run at once, for imports, set-up and whoever waits for it.

    ``AccessDenied`` unless ``principal`` may change the app or import into the scored form. Each portion is a command
    of its own. The runner does the same in the background, see ``Scoring.request_run``.
    """
    with workspace.read(principal) as work:
        scoring: Scoring = work.service("scoring")
        form = f"{app}.{scoring.model(app, model).model.form}"
        if not (may_build(principal, app) or work.records.may(form, "import")):
            raise AccessDenied("scores.recalculate", f"{app}.{model}")
        prepared = scoring.prepare(app, model, cause=cause)
    run_id = workspace.run(
        lambda work: work.service("scoring").begin_run(prepared), principal, command="scores.begin", reason=cause
    )
    batches = list(prepared.batches())
    for number, batch in enumerate(batches, 1):

        def write(work: Work, batch: Sequence[Wanted] = batch, last: bool = number == len(batches)) -> None:
            work.service("scoring").write_batch(run_id, batch, last=last)

        workspace.run(write, principal, command="scores.write", reason=cause)
    return len(prepared.changed)


def to_payload(wanted: Sequence[Wanted]) -> list[Any]:
    """A portion as a job carries it."""
    return [
        encode({"id": w.id, "values": dict(w.values), "measures": dict(w.measures), "decisions": list(w.decisions)})
        for w in wanted
    ]


def from_payload(data: Sequence[Any]) -> list[Wanted]:
    """What ``to_payload`` wrote."""
    return [Wanted(**decode(item)) for item in data]

"""Indexes that reports would gain by: found in their definitions, measured on the workspace's own rows, made on demand.

The indexes of views are made when a form is published; which of a report's indexes pay depends on the rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from builder.definitions import CompiledApp
from builder.identity import require_admin
from builder.releases.following import finish
from builder.releases.followups import add_followups
from builder.releases.tables import index_step
from builder.workspace import Work, Workspace
from builder.workspace.records import form_set
from engines import feel
from engines.core import SYSTEM, Principal
from engines.form import IndexSpec, StoredForm, create_index, own_source, report_index

# The period by which a report is measured.
PERIOD = timedelta(days=31)
# An index that makes a report no faster than this costs more than it gives.
WORTH = 1.3
_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One index that does not exist yet."""

    app: str
    # Qualified name of the form, and the names of its fields in the order of the index.
    form: str
    fields: tuple[str, ...]
    # Qualified names of the datasets that would gain.
    datasets: tuple[str, ...]
    index: IndexSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an index gives: the time of the report's rows of one month without it and with it, in milliseconds."""

    advice: Advice
    records: int
    before_ms: float
    after_ms: float

    @property
    def gain(self) -> float:
        """How many times as fast."""
        return self.before_ms / self.after_ms if self.after_ms else 1.0

    @property
    def pays(self) -> bool:
        """Whether it is worth making."""
        return self.gain >= WORTH


def advise(work: Work) -> list[Advice]:
    """The indexes that reports ask for and that are not there, each once; for admins."""
    require_admin(work.principal, "index.advise")
    found: dict[str, Advice] = {}
    inspector = sa.inspect(work.connection)
    for app in work.apps.values():
        for name, form, index, fields in _wanted(work, app):
            have = {str(known["name"]) for known in inspector.get_indexes(index.table)}
            if index.name in have:
                continue
            before = found.get(index.name)
            names = (*(before.datasets if before else ()), name)
            found[index.name] = Advice(app=app.name, form=form, fields=fields, datasets=names, index=index)
    return list(found.values())


def measure(workspace: Workspace, principal: Principal) -> list[Measured]:
    """Each advised index with its gain: made, tried and taken away again within one transaction; for admins."""
    require_admin(principal, "index.measure")
    with workspace.read(principal) as work:
        wanted = advise(work)
    return [_measured(workspace, principal, advice) for advice in wanted]


def make_indexes(workspace: Workspace, principal: Principal, names: Sequence[str]) -> list[str]:
    """Makes advised indexes by their names, without keeping writers out; the names of those that were made."""
    with workspace.work(principal, command="index.make") as work:
        chosen = [advice for advice in advise(work) if advice.index.name in names]
        for advice in chosen:
            release = work.apps[advice.app].release
            steps = [index_step(advice.index)]
            add_followups(work.connection, app=advice.app, release=release, steps=steps, at=work.instant)
            work.audit("index.made", advice.form, {"fields": list(advice.fields)})
    finish(workspace)
    return [advice.index.name for advice in chosen]


def make_what_pays(workspace: Workspace) -> list[Measured]:
    """Measures what is advised and makes what pays, as a demo does by itself."""
    found = [measured for measured in measure(workspace, SYSTEM) if measured.pays]
    make_indexes(workspace, SYSTEM, [measured.advice.index.name for measured in found])
    return found


def _wanted(work: Work, app: CompiledApp) -> Iterator[tuple[str, str, IndexSpec, tuple[str, ...]]]:
    """For each dataset over the records of a form: its name, the form, the index, and its fields."""
    for name, dataset in app.datasets.items():
        definition = dataset.definition
        qualified = definition.form if "." in definition.form else f"{app.name}.{definition.form}"
        form = form_set(work).get(qualified)
        if form is None or definition.each:
            continue
        days = [d.expression for d in definition.dimensions if d.grain and d.expression in form.rows.columns]
        texts = [condition.text for condition in definition.conditions]
        index = report_index(form, texts, days[0] if days else "")
        if index is not None:
            columns = {column.name: field for field, column in form.rows.columns.items()}
            fields = tuple(columns[column] for column in index.columns if column in columns)
            yield f"{app.name}.{name}", form.name, index, fields


def _measured(workspace: Workspace, principal: Principal, advice: Advice) -> Measured:
    with workspace.database.write() as connection, workspace.read(principal) as work:
        form = form_set(work)[advice.form]
        probe, records = _probe(work, connection, form, advice)
        before = _fastest(probe)
        outer = connection.begin_nested()
        create_index(connection, advice.index)
        connection.execute(sa.text(f'ANALYZE "{form.table.name}"'))
        after = _fastest(probe)
        outer.rollback()
    return Measured(advice=advice, records=records, before_ms=before * 1000, after_ms=after * 1000)


def _probe(work: Work, connection: sa.Connection, form: StoredForm, advice: Advice) -> tuple[Callable[[], Any], int]:
    """What counts the report's rows of its newest month, and how many records there are."""
    table = form.table.c
    total = connection.execute(sa.select(sa.func.count()).where(table.deleted_at.is_(None))).scalar_one()
    source = own_source(work.records_as(SYSTEM, advice.app).world, form)
    app, _, name = advice.datasets[0].partition(".")
    texts = [condition.text for condition in work.apps[app].datasets[name].definition.conditions]
    conditions = [table.deleted_at.is_(None), *(source.test(feel.compile(t, form.compiled.scope)) for t in texts)]
    column = form.rows.columns[advice.fields[-1]]
    newest = connection.execute(sa.select(sa.func.max(column))).scalar()
    if hasattr(newest, "year"):
        conditions.append(column > newest - PERIOD)
    query = sa.select(sa.func.count()).select_from(form.table).where(*conditions)
    return lambda: connection.execute(query).scalar_one(), total


def _fastest(probe: Callable[[], Any]) -> float:
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        probe()
        times.append(time.perf_counter() - start)
    return min(times)

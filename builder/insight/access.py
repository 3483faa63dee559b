"""Insight into processes for those who answer for them: builders of the app, and admins."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from builder.identity.rights import may_build
from builder.insight import event_log
from builder.insight.attainment import Attainment, Line, attainment, lines
from builder.insight.cases import Cases
from builder.insight.figures import ProcessFigures, figures
from builder.insight.learning import learn
from builder.storage.identity_tables import person
from builder.workspace import Work
from engines.core import AccessDenied
from engines.process.context import StepContext
from engines.process.definition import ProcessDefinition
from engines.process.graph import CompiledProcess
from engines.process.simulation import SimulationPlan, SimulationResult, simulate


class ProcessInsight:
    """Insight into the instances of one process. ``AccessDenied`` for who neither builds the app nor administers."""

    def __init__(self, work: Work, cases: Cases) -> None:
        if not may_build(work.principal, cases.app):
            raise AccessDenied("process.insight", f"{cases.app}.{cases.process}")
        self._work = work
        self._cases = cases

    def figures(self) -> ProcessFigures:
        """Throughput, times, rework and promptness."""
        return figures(self._work.connection, self._cases, self._work.zone)

    def attainment(self) -> Attainment:
        """How well time limits were kept."""
        return attainment(self._work.connection, self._cases, self._work.zone)

    def attainment_lines(self) -> Iterator[Line]:
        """The same by month, step, limit, department and person together."""
        return lines(self._work.connection, self._cases, self._work.zone)

    def log(self, process: ProcessDefinition, locale: str) -> Iterator[event_log.LogEvent]:
        """The event log; ``process`` gives the nodes their labels."""
        names = {row.id: row.name for row in self._work.connection.execute(sa.select(person.c.id, person.c.name))}
        return event_log.events(self._work.connection, self._cases, process, names, locale)

    def plan(self, graph: CompiledProcess, *, count: int, seed: int = 0) -> SimulationPlan:
        """A simulation's plan, learnt from the instances."""
        return learn(self._work, self._cases, graph, count=count, seed=seed)

    def simulate(self, graph: CompiledProcess, plan: SimulationPlan) -> SimulationResult:
        """What ``graph``, published or a draft, would come to from now on."""
        around = self._work.service("around")
        context = StepContext(
            now=self._work.instant,
            zone=self._work.zone,
            app=self._cases.app,
            values={"settings": dict(around.settings(self._cases.app))},
            directory=around.directory_of(self._cases.app),
            decisions=around.decisions_of(self._cases.app),
            calendars=around.calendars(self._cases.app),
        )
        return simulate(graph, plan, context)

"""What waits in the workspaces, as gauges for machines that watch: late jobs, work given up, effects not sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from builder.jobs import outbox, queue
from builder.storage.runtime_tables import effect, job
from builder.workspace import Workspace


class Backlog(Collector):
    """Read from the databases each time that somebody asks; each query is bounded by an index."""

    def __init__(self, workspaces: Mapping[str, Workspace]) -> None:
        self._workspaces = workspaces

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family each, labelled by workspace. Times are seconds, by the workspace's own clock."""
        label = ["workspace"]
        due = GaugeMetricFamily("dougong_jobs_due", "Jobs that are due and have not run.", labels=label)
        late = GaugeMetricFamily("dougong_job_lateness_seconds", "How late the most overdue job is.", labels=label)
        dead = GaugeMetricFamily("dougong_jobs_dead", "Jobs that were given up.", labels=label)
        effects = GaugeMetricFamily(
            "dougong_effects_unsent", "Mails and calls that have not left.", labels=[*label, "state"]
        )
        for name, workspace in self._workspaces.items():
            found = _measure(workspace)
            due.add_metric([name], found["due"])
            late.add_metric([name], found["late"])
            dead.add_metric([name], found["dead"])
            for state in (outbox.PENDING, outbox.HELD, outbox.DEAD):
                effects.add_metric([name, state], found["effects"].get(state, 0))
        yield from (due, late, dead, effects)


def _measure(workspace: Workspace) -> dict[str, Any]:
    now = workspace.clock.now()
    overdue = sa.and_(job.c.state == queue.WAITING, job.c.due_at <= now)
    unsent = effect.c.state.in_((outbox.PENDING, outbox.HELD, outbox.DEAD))
    with workspace.database.read() as connection:
        count, first = connection.execute(sa.select(sa.func.count(), sa.func.min(job.c.due_at)).where(overdue)).one()
        dead = connection.scalar(sa.select(sa.func.count()).where(job.c.state == queue.DEAD))
        states = connection.execute(sa.select(effect.c.state, sa.func.count()).where(unsent).group_by(effect.c.state))
        return {
            "due": count,
            "late": max((now - first).total_seconds(), 0.0) if first else 0.0,
            "dead": dead or 0,
            "effects": {state: number for state, number in states},
        }

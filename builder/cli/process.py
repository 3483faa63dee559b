"""``dougong process``: what the history of a process tells."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.insight import Cases, ProcessInsight, to_csv, to_xes
from builder.workspace import Work
from engines.core import SYSTEM
from engines.process.definition import ProcessDefinition


@click.group("process")
def process_group() -> None:
    """Look into the history of processes."""


@process_group.command("log")
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["csv", "xes"]), default="csv", show_default=True)
@click.option("--days", type=int, help="Only instances started in the last so many days.")
@click.option("--locale", default="en", show_default=True, help="Language of the activities: zh or en.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else standard output.")
@pass_surroundings
def log_command(
    surroundings: Surroundings, name: str, kind: str, days: int | None, locale: str, output: Path | None
) -> None:
    """Write the event log of the process NAME ("app.process"), for tools of process mining."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        cases, definition = _process(work, name, days)
        log = ProcessInsight(work, cases).log(definition, locale)
        parts = to_csv(log) if kind == "csv" else to_xes(log, name)
        with click.open_file(str(output or "-"), "w", encoding="utf-8") as file:
            file.writelines(parts)


@process_group.command("figures")
@click.argument("name")
@click.option("--days", type=int, help="Only instances started in the last so many days.")
@pass_surroundings
def figures_command(surroundings: Surroundings, name: str, days: int | None) -> None:
    """Tell how long the process NAME ("app.process") and its steps took; times in seconds."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        cases, _ = _process(work, name, days)
        found = ProcessInsight(work, cases).figures()
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(found.statuses.items()))
    click.echo(f"{found.started} started: {statuses or 'none'}; {found.incidents} incidents")
    click.echo(f"cycle time: median {found.cycle.p50:.0f}, 90 % {found.cycle.p90:.0f}, 95 % {found.cycle.p95:.0f}")
    for node, figures in found.nodes.items():
        spread = figures.duration
        times = f"median {spread.p50:.0f}\t95 % {spread.p95:.0f}"
        click.echo(f"{node}\t{figures.visits} visits\t{times}\trework {figures.rework:.0%}")


def _process(work: Work, name: str, days: int | None) -> tuple[Cases, ProcessDefinition]:
    app, _, process = name.partition(".")
    if app not in work.apps or process not in work.apps[app].processes:
        known = ", ".join(sorted(f"{a}.{p}" for a, found in work.apps.items() for p in found.processes))
        raise click.BadParameter(f'there is no process "{name}"; there are: {known or "none"}')
    since = work.instant - timedelta(days=days) if days else None
    return Cases(app=app, process=process, since=since), work.apps[app].processes[process].definition

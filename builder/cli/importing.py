"""``dougong import``: data files into an app."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.imports.run import Importer, ImportProgress
from engines.core import SYSTEM


@click.command("import")
@click.argument("mapping")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where lines not taken are listed.")
@pass_surroundings
def import_command(surroundings: Surroundings, mapping: str, file: Path, report: Path | None) -> None:
    """Take FILE into an app as MAPPING ("app.mapping") says; lines not taken are listed with their reasons."""
    app, _, name = mapping.partition(".")
    target = report or file.with_name(file.name + ".rejected.csv")
    with surroundings.workspace() as workspace:
        apps = workspace.apps
        if app not in apps or name not in apps[app].imports:
            known = [f"{a.name}.{m}" for a in apps.values() for m in a.imports]
            raise click.UsageError(f'there is no import mapping "{mapping}"; known: {", ".join(known) or "none"}')
        with _bar() as bar:
            tasks: dict[str, int] = {}

            def show(step: ImportProgress) -> None:
                task = tasks.setdefault(step.stage, -1)
                if task < 0:
                    task = tasks[step.stage] = bar.add_task(step.stage, total=step.total)
                bar.update(task, completed=step.done, total=step.total)  # type: ignore[arg-type]

            result = Importer(workspace, app, apps[app].imports[name], SYSTEM, progress=show).run(file, target)
    click.echo(f"{result.accepted:,} lines taken in {result.seconds:.1f} s")
    for label, counts in (("created", result.created), ("updated", result.updated), ("not taken", result.rejected)):
        for what, count in counts.items():
            click.echo(f"  {label} {what}: {count:,}")
    if result.rejected:
        click.echo(f"Lines not taken, with reasons: {target}")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=False
    )

"""``dougong app``: checking, publishing, exporting and rolling back apps."""

from __future__ import annotations

from pathlib import Path

import click

from builder import releases
from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.definitions import AppSource, check, load_folder
from builder.messages import messages
from builder.workspace.release_store import active_releases
from engines.core import SYSTEM, Diagnostic, Severity
from engines.rules import run_case_file

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("app")
def app_group() -> None:
    """Check, publish, export and roll back apps."""


@app_group.command("list")
@pass_surroundings
def list_apps(surroundings: Surroundings) -> None:
    """Name, version and release of every installed app."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        for name, release in active_releases(work.connection).items():
            click.echo(
                f"{name}\t{release.version}\trelease {release.number}\t{release.published_at:%Y-%m-%d %H:%M} UTC"
            )


@app_group.command("check")
@click.argument("folder", type=FOLDER)
@click.option("--locale", default="en", show_default=True, help="Language of the messages: zh or en.")
@click.pass_context
def check_app(context: click.Context, folder: Path, locale: str) -> None:
    """Tell everything that is wrong with the app in FOLDER; exit code 1 where a publish would be refused."""
    found = check(load_folder(folder))
    for diagnostic in found:
        click.echo(shown(diagnostic, locale) + "\n")
    errors = sum(d.severity == Severity.ERROR for d in found)
    click.echo(f"{errors} errors, {len(found) - errors} warnings and hints")
    context.exit(1 if errors else 0)


@app_group.command("test")
@click.argument("folder", type=FOLDER)
@click.option("--only", default="", help="Name of one scenario.")
@click.pass_context
def test_app(context: click.Context, folder: Path, only: str) -> None:
    """Run the cases beside rules and decisions, then the scenarios in FOLDER/tests; exit code 1 where one fails."""
    from builder.scenarios import run_scenarios

    source = load_folder(folder)
    wrong = 0 if only else _run_cases(source)
    played = list(run_scenarios(source, only=only))
    for outcome in played:
        where = f"  step {outcome.step}, line {outcome.line}: {outcome.failure}" if outcome.failure else ""
        click.echo(f"{'passed' if outcome.passed else 'FAILED'}  {outcome.name}{where}")
    failed = sum(not outcome.passed for outcome in played)
    click.echo(f"{len(played)} scenarios, {failed} failed")
    context.exit(1 if failed or wrong else 0)


def _run_cases(source: AppSource) -> int:
    """How many test cases beside rules and decisions failed; each is printed."""
    from builder.definitions import AppDefinitions

    definitions, wrong = AppDefinitions(source), 0
    files = [*definitions.all("cases").values(), *definitions.all("case_table").values()]
    for file in files:
        for result in run_case_file(file, definitions) or ():
            wrong += not result.passed
            where = f"  {file.source.file}:{result.case.line}: {result.found}, expected {result.expected}"
            click.echo(f"{'passed' if result.passed else 'FAILED'}  {result.case.name}{where * (not result.passed)}")
    if files:
        click.echo(f"{sum(len(file.cases) for file in files)} cases, {wrong} failed")
    return wrong


@app_group.command("publish")
@click.argument("what")
@click.option("--note", default="", help="Why; stands in the list of releases.")
@click.option("--accept-conflicts", is_flag=True, help="Let your own changes win where an upgrade changes them too.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would happen and do nothing.")
@pass_surroundings
def publish_app(surroundings: Surroundings, what: str, note: str, accept_conflicts: bool, only_plan: bool) -> None:
    """Publish the package in the folder WHAT, or the draft of the installed app called WHAT."""
    source = load_folder(what) if Path(what).is_dir() else None
    name = releases.app_name(source) if source else what
    with surroundings.workspace() as workspace:
        if only_plan:
            with workspace.read(SYSTEM) as work:
                _show_plan(releases.plan(work, name, source))
            return
        found = releases.publish(workspace, name, source, SYSTEM, note=note, accept_conflicts=accept_conflicts)
    click.echo(f"{found.app} {found.version} is in force as release {found.number}")


@app_group.command("rollback")
@click.argument("name")
@click.argument("release", type=int)
@click.option("--note", default="", help="Why.")
@pass_surroundings
def rollback_app(surroundings: Surroundings, name: str, release: int, note: str) -> None:
    """Put RELEASE of the app NAME in force again; no data are lost."""
    with surroundings.workspace() as workspace:
        found = releases.rollback(workspace, name, release, SYSTEM, note=note)
    click.echo(f"{found.app} {found.version} is in force as release {found.number}")


@app_group.command("releases")
@click.argument("name")
@pass_surroundings
def list_releases(surroundings: Surroundings, name: str) -> None:
    """The releases of the app NAME, newest first; the one in force is marked."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        active = releases.active_release(work.connection, name)
        for found in releases.releases_of(work.connection, name):
            mark = "*" if active and found.number == active.number else " "
            when = f"{found.published_at:%Y-%m-%d %H:%M}"
            click.echo(f"{mark} {found.number}\t{found.version}\t{when} UTC\t{found.hash[:12]}\t{found.note}")


@app_group.command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--release", type=int, help="Number of the release; the one in force where missing.")
@click.option("--package", is_flag=True, help="The untouched package, your own changes beside it in layer.json.")
@pass_surroundings
def export_app(surroundings: Surroundings, name: str, folder: Path, release: int | None, package: bool) -> None:
    """Write the definitions of the app NAME into FOLDER, as `dougong app publish` reads them."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        written = releases.export_release(work, name, folder, release=release, package=package)
    click.echo(f"{len(written)} files written to {folder}")


def shown(diagnostic: Diagnostic, locale: str) -> str:
    """The diagnostic for a terminal, with its sentence in ``locale``."""
    return f"{diagnostic.render()}\n  {messages().message(diagnostic, locale)}"


def _show_plan(plan: releases.Plan) -> None:
    for change in plan.changes:
        click.echo(f"{change.kind:<8} {change.path}")
    for data in plan.data:
        rows = "" if data.rows is None else f" ({data.rows} records)"
        params = {"form": data.form, "field": data.field, "rows": data.rows, **data.params}
        click.echo(f"{data.impact.value:<11} {messages().text(f'form.plan.{data.code}', 'en', params)}{rows}")
    for conflict in plan.conflicts:
        click.echo(f"conflict {conflict.kind:<8} {conflict.path}")
    for diagnostic in plan.diagnostics:
        click.echo(shown(diagnostic, "en"))

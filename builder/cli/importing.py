"""``dougong import``: data files into an app, by one of its mappings or straight into a form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.identity import find_person, principal_of
from builder.imports.run import Importer, ImportProgress
from builder.imports.sheets import working
from builder.imports.sheets.mapping import MODES, SheetMapping, suggested, targets_of
from builder.imports.sheets.refused import refused_file
from builder.imports.sheets.runs import ImportRun, find_run, receive
from builder.messages import messages
from builder.workspace import Workspace
from engines.core import SYSTEM, InputError, Principal
from engines.form import Rights


@click.command("import")
@click.argument("mapping")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where lines not taken are listed.")
@click.option("--as", "login", default="", help="Whose rights hold; the system's unless given (forms only).")
@click.option("--mode", type=click.Choice(MODES), default="create", help="What happens to records (forms only).")
@click.option("--key", default="", help="Field by which existing records are found (forms only).")
@click.option("--sheet", default="", help="Sheet of a workbook; the first unless given (forms only).")
@click.option("--heading", type=int, default=1, help="Line of the headings (forms only).")
@click.option("--column", "columns", multiple=True, help="HEADING=FIELD, where they are not called alike (forms only).")
@click.option("--all-or-nothing", "atomic", is_flag=True, help="Take nothing in where a line is refused (forms only).")
@click.option("--silent", is_flag=True, help="Compute, but start nothing and tell nobody (forms only).")
@click.option("--dry-run", is_flag=True, help="Tell what would happen, and change nothing (forms only).")
@pass_surroundings
def import_command(surroundings: Surroundings, mapping: str, file: Path, report: Path | None, **given: Any) -> None:
    """Take FILE into an app as MAPPING ("app.mapping", or "app.form") says; lines not taken are listed with reasons."""
    app, _, name = mapping.partition(".")
    with surroundings.workspace() as workspace:
        apps = workspace.apps
        if app in apps and name in apps[app].imports:
            target = report or file.with_name(file.name + ".rejected.csv")
            _by_mapping(workspace, app, name, file, target)
        elif app in apps and name in apps[app].forms:
            _into_form(workspace, mapping, file, report, given)
        else:
            known = [f"{a.name}.{m}" for a in apps.values() for m in (*a.imports, *a.forms)]
            raise click.UsageError(f'there is no mapping or form "{mapping}"; known: {", ".join(known) or "none"}')


def _by_mapping(workspace: Workspace, app: str, name: str, file: Path, target: Path) -> None:
    with _bar() as bar:
        tasks: dict[str, int] = {}

        def show(step: ImportProgress) -> None:
            task = tasks.setdefault(step.stage, -1)
            if task < 0:
                task = tasks[step.stage] = bar.add_task(step.stage, total=step.total)
            bar.update(task, completed=step.done, total=step.total)  # type: ignore[arg-type]

        mapping = workspace.apps[app].imports[name]
        result = Importer(workspace, app, mapping, SYSTEM, progress=show).run(file, target)
    click.echo(f"{result.accepted:,} lines taken in {result.seconds:.1f} s")
    for label, counts in (("created", result.created), ("updated", result.updated), ("not taken", result.rejected)):
        for what, count in counts.items():
            click.echo(f"  {label} {what}: {count:,}")
    if result.rejected:
        click.echo(f"Lines not taken, with reasons: {target}")


def _into_form(workspace: Workspace, form: str, file: Path, report: Path | None, given: dict[str, Any]) -> None:
    """The import of the browser, step by step, here and now."""
    principal = _principal(workspace, given["login"])
    try:
        with file.open("rb") as stream:
            run = _run(workspace, receive(workspace, principal, form, stream, file.name))
        mapping = _mapping(workspace, run, principal, given)
        with workspace.work(principal, command="import.check") as work:
            working.begin_check(work, run, mapping)
        run = _to_end(workspace, run)
        if not given["dry_run"] and run.state == "checked":
            with workspace.work(principal, command="import.run") as work:
                working.begin_run(work, run)
            run = _to_end(workspace, run)
    except InputError as error:
        told = [messages().text(problem.code, "en", problem.params) for problem in error.problems]
        raise click.ClickException("\n".join(told)) from error
    _tell(workspace, run, report or file.with_name(f"{file.stem}.refused.{run.inspected['format']}"))


def _principal(workspace: Workspace, login: str) -> Principal:
    if not login:
        return SYSTEM
    with workspace.read(SYSTEM) as work:
        person = find_person(work.connection, login)
        principal = principal_of(work.connection, person.id) if person else None
    if principal is None:
        raise click.UsageError(f'nobody is called "{login}"')
    return principal


def _run(workspace: Workspace, id: Any) -> ImportRun:
    with workspace.database.read() as connection:
        run = find_run(connection, id)
    assert run is not None  # noqa: S101 - it was made a moment ago
    return run


def _mapping(workspace: Workspace, run: ImportRun, principal: Principal, given: dict[str, Any]) -> SheetMapping:
    """Columns as their headings suggest, or as the options say."""
    app, _, local = run.form.partition(".")
    form = workspace.apps[app].forms[local]
    sheets = {sheet["name"]: dict(sheet["lines"]) for sheet in run.inspected["sheets"]}
    name = given["sheet"] or next(iter(sheets))
    if given["heading"] not in sheets.get(name, {}):
        raise click.UsageError(f"there is no line {given['heading']} in sheet {name!r}; sheets: {', '.join(sheets)}")
    found = suggested(sheets[name][given["heading"]], targets_of(form, Rights(form, principal)), {})
    said = dict(text.partition("=")[::2] for text in given["columns"])
    columns = tuple(replace(c, field=said.get(c.header, "" if c.field in said.values() else c.field)) for c in found)
    chosen = {key: given[key] for key in ("mode", "key", "heading", "atomic", "silent")}
    return SheetMapping(sheet=name, columns=columns, **chosen)


def _to_end(workspace: Workspace, run: ImportRun) -> ImportRun:
    with _bar() as bar:
        task = bar.add_task("", total=None)

        def show(now: ImportRun) -> None:
            bar.update(task, description=now.state, completed=now.done, total=now.total or None)

        return working.run_to_end(workspace, run.id, show)


def _tell(workspace: Workspace, run: ImportRun, target: Path) -> None:
    if run.error:
        raise click.ClickException(messages().text(run.error["code"], "en", run.error["params"]))
    click.echo(f"{run.file_name}: {run.state}")
    for name, count in run.counts.items():
        if count:
            click.echo(f"  {name}: {count:,}")
    if run.counts.get("refused"):
        with target.open("wb") as file:
            refused_file(workspace, run, file, "en")
        click.echo(f"Lines refused, with reasons: {target}")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=False
    )

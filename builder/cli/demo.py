"""``dougong demo``: a sandbox workspace with an app and its sample data, then a server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from builder import releases
from builder.cli.running import require_free_port, serve_workspace
from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.definitions import AppSource, load_folder
from builder.demo import DemoDefinition, DemoPerson, create_people, load_demo, load_records, run_scores
from builder.identity import Passwords
from builder.releases.index_advice import make_what_pays
from builder.storage import DatabaseUnreachable
from builder.workspace import Settings, Workspace, initialise
from builder.workspace.release_store import active_release, package_of
from engines.core import SYSTEM, LocalizedText

Result = TypeVar("Result")
DEFAULT_APP = Path(__file__).resolve().parents[2] / "apps" / "kam_template"
# Written when everything is loaded: a demo that was interrupted before is made anew.
_DONE = "demo.json"


@click.command("demo")
@click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path), default=DEFAULT_APP)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Where the demo lives.",
)
@click.option("--reset", is_flag=True, help="Throw the demo away and start over.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--no-serve", is_flag=True, help="Prepare everything and stop.")
@pass_surroundings
def demo_command(
    surroundings: Surroundings,
    app: Path,
    folder: Path,
    reset: bool,
    host: str | None,
    port: int | None,
    no_serve: bool,
) -> None:
    """Run the app in the folder APP with its sample data in a sandbox, at http://127.0.0.1:8000."""
    given = {"host": host, "port": port}
    settings = replace(
        surroundings.settings,
        database=f"sqlite:///{folder.absolute() / 'demo.db'}",
        files=folder.absolute() / "files",
        **{key: value for key, value in given.items() if value is not None},
    )
    if not no_serve:
        # Before minutes are spent, and before a demo that is being served is thrown away.
        require_free_port(settings)
    console = Console()
    if reset or not (folder / _DONE).is_file():
        _clear(folder)
    workspace = _opened(settings)
    try:
        _prepare(workspace, app, folder, console)
        _show_people(folder, settings, console)
        if not no_serve:
            serve_workspace(workspace, settings)
    finally:
        workspace.close()


def _opened(settings: Settings) -> Workspace:
    try:
        return Workspace.open(settings)
    except DatabaseUnreachable:
        # The first start, or a newer program: looking first spares every other start the migration tool.
        with Surroundings(settings).database() as database:
            initialise(database, settings, sandbox=True)
        return Workspace.open(settings)


def _prepare(workspace: Workspace, app: Path, folder: Path, console: Console) -> None:
    """Publishes the app where it changed, and loads people and records the first time."""
    source = load_folder(app)
    name = releases.app_name(source)
    if _differs(workspace, name, source):
        _step(console, "Publishing the app", lambda: releases.publish(workspace, name, source, SYSTEM, note="demo"))
    demo = load_demo(app)
    if (folder / _DONE).is_file() or demo is None:
        return
    passwords = Passwords(workspace.settings.argon2_memory_kib)
    people = _step(console, "Making people", lambda: create_people(workspace, name, demo, passwords))
    _load(workspace, name, demo, console)
    _step(console, "Making indexes that pay", lambda: make_what_pays(workspace))
    if demo.scores:
        _step(console, "Computing scores", lambda: run_scores(workspace, name, demo))
    _keep(folder, people)


def _differs(workspace: Workspace, name: str, source: AppSource) -> bool:
    with workspace.read(SYSTEM) as work:
        found = active_release(work.connection, name)
        return found is None or package_of(work.connection, found).hash != source.hash


def _load(workspace: Workspace, name: str, demo: DemoDefinition, console: Console) -> None:
    columns = (TextColumn("  {task.description:<24}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {}

        def show(form: str, done: int, total: int) -> None:
            if form not in tasks:
                tasks[form] = bar.add_task(form, total=total)
            bar.update(tasks[form], completed=done)

        load_records(workspace, name, demo, show)


def _step(console: Console, what: str, action: Callable[[], Result]) -> Result:
    started = time.monotonic()
    with console.status(f"{what} …"):
        result = action()
    console.print(f"{what}: {time.monotonic() - started:.1f} s")
    return result


def _clear(folder: Path) -> None:
    """Removes what a demo made, and nothing else."""
    for name in ("demo.db", "demo.db-wal", "demo.db-shm", "demo.db.lock", _DONE):
        (folder / name).unlink(missing_ok=True)


def _keep(folder: Path, people: list[DemoPerson]) -> None:
    """Keeps who may sign in for the next start, readable for nobody else: a demo is for trying, not for secrets."""
    target = folder / _DONE
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump([asdict(person) for person in people], stream, ensure_ascii=False, indent=2)


def _show_people(folder: Path, settings: Settings, console: Console) -> None:
    kept = folder / _DONE
    if not kept.is_file():
        return
    table = Table("sign in as", "password", "name", "role", box=None)
    for person in json.loads(kept.read_text("utf-8")):
        role = LocalizedText.of(person["role"])
        table.add_row(person["login"], person["password"], person["name"], f"{role.get('zh')} {role.get('en')}")
    console.print(table)
    console.print(f"\nOpen http://{settings.host}:{settings.port}")

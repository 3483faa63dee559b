"""``dougong init``, ``serve`` and ``worker``."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.jobs.ports import JobRunner
from builder.long_lived import long_lived
from builder.workspace import Settings, Workspace, initialise
from builder.workspace.housekeeping import Housekeeper
from engines.core import DougongError


@click.command("init")
@click.option("--name", default="main", show_default=True, help="Name of the workspace.")
@click.option("--sandbox", is_flag=True, help="A workspace to try things in, whose admin may move the clock.")
@pass_surroundings
def init_command(surroundings: Surroundings, name: str, sandbox: bool) -> None:
    """Make a workspace in an empty database and print its one-time set-up address."""
    with surroundings.database() as database:
        token = initialise(database, surroundings.settings, name=name, sandbox=sandbox)
    if token is None:
        click.echo("The database holds a workspace already; its tables are up to date.")
        return
    address = surroundings.settings.public_url or f"http://{surroundings.settings.host}:{surroundings.settings.port}"
    click.echo("Run `dougong serve`, then make the first administrator here (the token works once):")
    click.echo(f"{address}/setup?token={token}")


@click.command("serve")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--threads", type=int, help="Threads that answer requests.")
@pass_surroundings
def serve_command(surroundings: Surroundings, host: str | None, port: int | None, threads: int | None) -> None:
    """Serve the workspace, with its job runner in the same process unless DOUGONG_RUNNER says otherwise."""
    given = {"host": host, "port": port, "threads": threads}
    settings = replace(surroundings.settings, **{k: v for k, v in given.items() if v is not None})
    with Surroundings(settings).workspace() as workspace:
        serve_workspace(workspace, settings)


@click.command("worker")
@pass_surroundings
def worker_command(surroundings: Surroundings) -> None:
    """Execute timers and effects of a PostgreSQL workspace, beside any number of servers and other workers."""
    if not surroundings.settings.database.startswith("postgresql"):
        raise click.UsageError(
            "workers need PostgreSQL; on SQLite the server runs the jobs itself (DOUGONG_RUNNER=embedded)"
        )
    from builder.runtime.install import worker_runner

    with surroundings.workspace() as workspace, background(workspace, worker_runner(workspace)):
        click.echo("Working; stop with Ctrl-C.")
        _until_told()


def serve_workspace(workspace: Workspace, settings: Settings) -> None:
    """Serves until the process is told to stop; ``CannotListen`` where the port is taken, before anything has begun."""
    require_free_port(settings)
    with long_lived():
        # Imported here, because no other command needs the web and its start takes half a second.
        from builder.runtime.install import embedded_runner
        from builder.web.app import create_app
        from builder.web.serve import make_server

        server = make_server(create_app(workspace), settings)
    runner = embedded_runner(workspace) if settings.runner == "embedded" else None
    with background(workspace, runner):
        click.echo(f"Serving http://{settings.host}:{settings.port} (stop with Ctrl-C)")
        signal.signal(signal.SIGTERM, _interrupt)
        server.run()


@contextmanager
def background(workspace: Workspace, runner: JobRunner | None) -> Iterator[None]:
    """The housekeeper and the runner, stopped in an orderly way at the end."""
    housekeeper = Housekeeper(workspace)
    housekeeper.start()
    if runner is not None:
        runner.start()
    try:
        yield
    finally:
        if runner is not None:
            runner.stop()
        housekeeper.stop()


class CannotListen(DougongError):
    """The address or the port cannot be had; says why and what to do."""

    code = "serve.cannot_listen"


def require_free_port(settings: Settings) -> None:
    """``CannotListen`` where the port is taken; the server's own attempt would leave sockets open."""
    where = f"{settings.host}:{settings.port}"
    try:
        with socket.create_server((settings.host, settings.port)):
            return
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                hint = f"port {settings.port} is taken: stop the other program, or choose another port with --port"
            case errno.EACCES:
                hint = "ports below 1024 need rights that this user lacks: choose another with --port"
            case _:
                hint = f"{error.strerror}: give an address of this machine with --host"
        raise CannotListen(f"cannot listen on {where}: {hint} (with make: PORT=8001)") from error


def _until_told() -> None:
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    stopped.wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """What Ctrl-C does: waitress ends its loop on it."""
    raise KeyboardInterrupt

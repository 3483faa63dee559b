"""The command group, and how errors become one clear line."""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

from builder.cli.apps import app_group
from builder.cli.clock import clock_group
from builder.cli.db import db_group
from builder.cli.demo import demo_command
from builder.cli.forms import form_group
from builder.cli.importing import import_command
from builder.cli.process import process_group
from builder.cli.rules import feel_command, rules_group
from builder.cli.running import init_command, serve_command, worker_command
from builder.cli.surroundings import Surroundings
from builder.cli.users import user_group
from builder.logs import configure_logs
from builder.workspace import Settings
from engines.core import DefinitionError, DougongError, InputError, StateConflict


class _Group(click.Group):
    """Turns the errors a user can mend into one line on standard error, exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except DougongError as error:
            click.echo(told(error), err=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            click.echo("The port is taken: stop the other program, or choose another port with --port.", err=True)
        context.exit(1)


def told(error: DougongError) -> str:
    """What a person reads: all problems of definitions with their places, else one sentence."""
    match error:
        case DefinitionError():
            return "\n".join(d.render() for d in error.diagnostics)
        case InputError():
            return "; ".join(f"{p.pointer or '/'}: {_sentence(p.code, p.params)}" for p in error.problems)
        case StateConflict():
            return _sentence(error.code, error.params)
    return str(error)


def _sentence(code: str, params: Any) -> str:
    from builder.messages import messages

    return messages().text(code, "en", params)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dougong", message="%(version)s")
@click.option(
    "--database", metavar="URL", help="The workspace's database; else DOUGONG_DATABASE, else ./var/dougong.db."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Least severity logged.")
@click.option("--log-format", type=click.Choice(["json", "text"]), help="How logs are written.")
@click.pass_context
def main(context: click.Context, database: str | None, log_level: str | None, log_format: str | None) -> None:
    """Dougong runs and builds low-code apps: forms, processes, rules and reports, interpreted from definitions.

    Begin with `dougong demo APP_FOLDER`, or with `dougong init` and `dougong serve`. Every setting can be given as an
    environment variable DOUGONG_<NAME>; docs/settings.md lists them.
    """
    settings = Settings.from_environment(database=database, log_level=log_level, log_format=log_format)
    if sys.stderr.isatty() and log_format is None:
        settings = Settings.from_environment(database=database, log_level=log_level, log_format="text")
    configure_logs(settings.log_level, settings.log_format)
    context.obj = Surroundings(settings)


for command in (
    init_command,
    serve_command,
    worker_command,
    demo_command,
    app_group,
    import_command,
    form_group,
    rules_group,
    feel_command,
    process_group,
    user_group,
    clock_group,
    db_group,
):
    main.add_command(command)

"""The command group, and how errors become one clear line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from builder.cli.surroundings import Surroundings
from builder.logs import configure_logs
from builder.workspace import Settings
from engines.core import DefinitionError, DougongError, InputError, StateConflict

# Commands by name, as "module:object". Each is imported when it is called or listed: importing all of them takes longer
# than most of them run.
COMMANDS: Final[Mapping[str, str]] = {
    "init": "builder.cli.running:init_command",
    "serve": "builder.cli.running:serve_command",
    "worker": "builder.cli.running:worker_command",
    "demo": "builder.cli.demo:demo_command",
    "app": "builder.cli.apps:app_group",
    "import": "builder.cli.importing:import_command",
    "form": "builder.cli.forms:form_group",
    "process": "builder.cli.process:process_group",
    "rules": "builder.cli.rules:rules_group",
    "feel": "builder.cli.feel:feel_command",
    "user": "builder.cli.users:user_group",
    "rights": "builder.cli.rights:rights_command",
    "clock": "builder.cli.clock:clock_group",
    "db": "builder.cli.db:db_group",
}


class _Group(click.Group):
    """Imports commands when they are needed; turns the errors a user can mend into one line, exit code 1."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except DougongError as error:
            click.echo(told(error), err=True)
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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
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

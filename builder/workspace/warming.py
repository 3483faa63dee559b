"""What a server does once, beside its first answers: compile what is in force, check it where the program is new."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from builder.definitions import CompiledApp, check_definitions, errors
from builder.workspace.release_store import Release, active_releases, note_checked
from builder.workspace.workspace import Workspace
from engines.core import SYSTEM, DefinitionError

log = structlog.get_logger(__name__)
# What is told of an app that is not sound; `dougong app check` tells everything.
TOLD = 5


def warm_up(workspace: Workspace) -> None:
    """Compiles every app in force; one that this engine has not checked yet is checked, to spare the next start that.

    An app that a newer engine finds unsound is told in the log and goes on as far as it can.
    """
    with workspace.read(SYSTEM) as work:
        apps, releases = dict(work.apps), active_releases(work.connection)
    for name, app in apps.items():
        if not app.definitions.source.checked:
            _check(workspace, app, releases)
        try:
            app.compile_all()
        except DefinitionError as error:
            log.error("app.not_compiled", app=name, problems=[d.render() for d in error.diagnostics[:TOLD]])


def _check(workspace: Workspace, app: CompiledApp, releases: Mapping[str, Release]) -> None:
    found = errors(check_definitions(app.definitions))
    if found:
        log.error("app.not_sound", app=app.name, errors=len(found), problems=[d.render() for d in found[:TOLD]])
        return
    with workspace.database.write() as connection:
        if active_releases(connection) == releases:
            note_checked(connection, releases[app.name], releases)

"""What commands share: the settings, and the workspace while a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from builder.storage import Database, open_database
from builder.workspace import Settings, Workspace


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings of this call."""

    settings: Settings

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The workspace, closed afterwards; ``DatabaseUnreachable`` says what is missing."""
        opened = Workspace.open(self.settings)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The database alone, whatever it holds."""
        opened = open_database(self.settings.database, lock_timeout_s=self.settings.lock_timeout_s)
        try:
            yield opened
        finally:
            opened.close()


pass_surroundings = click.make_pass_decorator(Surroundings)

"""The apps in force: compiled once per set of releases, swapped as one when the set's number has moved."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.engine import Connection

from builder.definitions import AppDefinitions, CompiledApp
from builder.workspace.release_store import Release, active_releases, content_of


class AppSet:
    """The apps of one set of releases."""

    def __init__(
        self, generation: int, apps: Mapping[str, CompiledApp], cache: dict[str, object] | None = None
    ) -> None:
        # Number of the set; it also moves with settings, which leave the apps as they are.
        self.generation = generation
        self.apps: Mapping[str, CompiledApp] = MappingProxyType(dict(apps))
        # What parts keep that depends on the whole set (stored forms, schedules), by a name of their own.
        self.cache: dict[str, object] = {} if cache is None else cache


class Catalogue:
    """Keeps the newest set; a transaction that saw another number gets that one instead."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._current = AppSet(-1, {})

    @property
    def current(self) -> AppSet:
        """The set that was read last."""
        return self._current

    def at(self, connection: Connection, generation: int) -> AppSet:
        """The set with the number that this transaction read."""
        current = self._current
        if current.generation == generation:
            return current
        with self._guard:
            if self._current.generation == generation:
                return self._current
            found = self._read(connection, generation)
            # A long read transaction may ask for an older set while a newer one is in force.
            if generation > self._current.generation:
                self._current = found
            return found

    def _read(self, connection: Connection, generation: int) -> AppSet:
        releases = active_releases(connection)
        wanted = {name: release.number for name, release in releases.items()}
        current = self._current
        if wanted == {name: app.release for name, app in current.apps.items()}:
            return AppSet(generation, current.apps, current.cache)
        return AppSet(generation, compile_set(connection, releases))


def compile_set(connection: Connection, releases: Mapping[str, Release]) -> dict[str, CompiledApp]:
    """The apps of ``releases``, each seeing the others' definitions; compiled when first used."""
    others: dict[str, AppDefinitions] = {}
    apps: dict[str, CompiledApp] = {}
    for name, release in releases.items():
        definitions = AppDefinitions(content_of(connection, release), others)
        others[name] = definitions
        apps[name] = CompiledApp(definitions, release=release.number)
    return apps

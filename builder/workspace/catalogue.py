"""The apps in force: compiled once per set of releases, swapped as one when the set's number has moved."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from builder.definitions import AppDefinitions, CompiledApp
from builder.workspace.release_store import Release, active_releases, content_of, is_checked
from engines.form import CompiledForm, StoredForm


class Apps(Mapping[str, CompiledApp]):
    """Apps by name, and their parts by qualified name."""

    def __init__(self, apps: Mapping[str, CompiledApp]) -> None:
        self._apps = dict(apps)

    def __getitem__(self, name: str) -> CompiledApp:
        return self._apps[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The app, or ``default``; without the exception that a mapping's own ``get`` costs."""
        return self._apps.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._apps

    def __iter__(self) -> Iterator[str]:
        return iter(self._apps)

    def __len__(self) -> int:
        return len(self._apps)

    def find(self, kind: str, name: str) -> Any | None:
        """What is compiled under a qualified name ("library.book"), or None."""
        app, _, local = name.partition(".")
        return self._apps[app].all(kind).get(local) if app in self._apps else None

    def form(self, name: str) -> CompiledForm:
        """A form by its qualified name; ``KeyError`` where there is none."""
        found: CompiledForm | None = self.find("form", name)
        if found is None:
            raise KeyError(f'there is no form "{name}"')
        return found


class AppSet:
    """The apps of one set of releases."""

    def __init__(
        self, generation: int, apps: Mapping[str, CompiledApp], cache: dict[str, object] | None = None
    ) -> None:
        # Number of the set; it also moves with settings, which leave the apps as they are.
        self.generation = generation
        self.apps = Apps(apps)
        # Settings by app, as read for this set.
        self.settings: dict[str, Mapping[str, Any]] = {}
        # What parts keep that depends on the releases alone (stored forms), by a name of their own.
        self.cache: dict[str, object] = {} if cache is None else cache


class Catalogue:
    """Keeps the newest set; a transaction that saw another number gets that one instead."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._current = AppSet(-1, {})
        self._fresh: CompiledApp | None = None
        # Tables by form name and hash: they cost, and stay as they are whatever is published beside them.
        self.stored_forms: dict[tuple[str, str], StoredForm] = {}

    def remember(self, app: CompiledApp) -> None:
        """Takes over an app that was compiled to be published, so that the next set need not do it again."""
        self._fresh = app

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
        return AppSet(generation, self._compile(connection, releases))

    def _compile(self, connection: Connection, releases: Mapping[str, Release]) -> dict[str, CompiledApp]:
        """The apps of ``releases``; one just published here is at hand, unless others may refer to it."""
        fresh = self._fresh
        if fresh is not None and {n: r.number for n, r in releases.items()} == {fresh.name: fresh.release}:
            return {fresh.name: fresh}
        return compile_set(connection, releases)


def compile_set(connection: Connection, releases: Mapping[str, Release]) -> dict[str, CompiledApp]:
    """The apps of ``releases``, each seeing the others' definitions; compiled when first used."""
    others: dict[str, AppDefinitions] = {}
    apps: dict[str, CompiledApp] = {}
    for name, release in releases.items():
        checked = is_checked(connection, release, releases)
        definitions = AppDefinitions(content_of(connection, release, checked=checked), others)
        others[name] = definitions
        apps[name] = CompiledApp(definitions, release=release.number)
    return apps

"""Process graphs: those in force, and those that running instances were started with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.definitions import AppDefinitions, CompiledApp
from builder.workspace.release_store import content_of, get_release
from engines.form import LayoutDefinition
from engines.process.graph import CompiledProcess
from engines.process.kinds import EventKind

if TYPE_CHECKING:
    from builder.workspace.work import Work

# Graphs of older releases that one process keeps in memory.
KEPT = 500


class Graphs:
    """The graphs of one command. Older ones are compiled once per process and set of releases."""

    @dataclass(frozen=True, slots=True)
    class Found:
        """A graph with its identity."""

        graph: CompiledProcess
        hash: str
        release: int

    def __init__(self, work: Work) -> None:
        self._work = work

    def current(self, app: str, name: str) -> Found:
        """The graph in force; ``KeyError`` for an unknown process."""
        known: dict[Any, Graphs.Found] = self._work.app_set.cache.setdefault("runtime.processes", {})  # type: ignore[assignment]
        found = known.get((app, name))
        if found is None:
            owner = self._work.apps[app]
            if name not in owner.processes:
                raise KeyError(f'there is no process "{app}.{name}"')
            found = known[app, name] = self.Found(owner.processes[name], self._hashes(owner)[name], owner.release)
        return found

    def kept(self, app: str, name: str, release: int, hash: str) -> CompiledProcess:
        """The graph with this hash: the one in force where it is the same, else that of its release."""
        cache: dict[Any, CompiledProcess] = self._work.app_set.cache.setdefault("runtime.graphs", {})  # type: ignore[assignment]
        found = cache.get((app, name, hash))
        if found is None:
            if len(cache) >= KEPT:
                cache.clear()
            found = cache[app, name, hash] = self._find(app, name, release, hash)
        return found

    def _find(self, app: str, name: str, release: int, hash: str) -> CompiledProcess:
        current = self._work.apps.get(app)
        if current is not None and self._hashes(current).get(name) == hash:
            return current.processes[name]  # type: ignore[no-any-return]
        return self._released(app, release).processes[name]  # type: ignore[no-any-return]

    def layout(self, app: str, form: str, name: str, release: int) -> LayoutDefinition | None:
        """The layout of a form as a release of ``app`` has it; that in force where a field of it is there no more."""
        owner, _, local = form.partition(".")
        current = self._work.apps[owner].forms[local]
        now: LayoutDefinition | None = current.layouts.get(name)
        if owner != app or self._work.apps[owner].release == release:
            return now
        cache: dict[Any, Any] = self._work.app_set.cache.setdefault("runtime.layouts", {})  # type: ignore[assignment]
        key = (form, release)
        if key not in cache:
            if len(cache) >= KEPT:
                cache.clear()
            found = self._released(app, release).forms.get(local)
            cache[key] = dict(found.layouts) if found else {}
        kept: LayoutDefinition | None = cache[key].get(name)
        return kept if kept is not None and set(kept.field_names()) <= current.fields.keys() else now

    def _released(self, app: str, release: int) -> CompiledApp:
        found = get_release(self._work.connection, app, release)
        # It ran before: what a newer engine would say against it must not stop its instances.
        source = content_of(self._work.connection, found, checked=True)
        others = {n: a.definitions for n, a in self._work.apps.items() if n != app}
        return CompiledApp(AppDefinitions(source, others), release=release)

    def starts(self, app: str, kind: str, name: str) -> Iterator[tuple[str, str]]:
        """(process, start event) for each process in force that such a message or signal starts."""
        wanted = EventKind(kind)
        for process, graph in self._work.apps[app].processes.items():
            for node in graph.start_events(wanted):
                if node.event is not None and node.event.name == name:
                    yield process, node.name

    def _hashes(self, app: CompiledApp) -> dict[str, str]:
        cache: dict[str, Any] = self._work.app_set.cache.setdefault("runtime.graph_hashes", {})  # type: ignore[assignment]
        key = f"{app.name}:{app.hash}"
        if key not in cache:
            cache[key] = {
                file.stem: hashlib.sha256(file.source.text.encode()).hexdigest()
                for file in app.definitions.source.files.values()
                if file.kind is not None and file.kind.name == "process"
            }
        return cache[key]  # type: ignore[no-any-return]

"""An app ready to run: every definition compiled once, when it is first asked for."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from typing import Any

from builder.definitions.app_definition import AppDefinition, MenuItem, RoleDefinition, SettingDefinition
from builder.definitions.definitions import AppDefinitions
from engines.core import Kind, LocalizedText


class CompiledApp:
    """The definitions in force of one app. Immutable as seen from outside; safe to share between threads."""

    def __init__(self, definitions: AppDefinitions, *, release: int = 0) -> None:
        """``definitions`` must have passed the check; ``release``: its number, 0 for one that is not published."""
        if definitions.app is None:
            raise ValueError("an app whose app.json is broken cannot be compiled")
        self.definition: AppDefinition = definitions.app
        self.definitions = definitions
        self.release = release
        self._guard = threading.RLock()
        self._compiled: dict[str, dict[str, Any]] = {}

    def numbered(self, release: int) -> CompiledApp:
        """The same app as another release, sharing all that is compiled already."""
        twin = CompiledApp(self.definitions, release=release)
        twin._guard, twin._compiled = self._guard, self._compiled
        return twin

    @property
    def name(self) -> str:
        """Name of the app."""
        return self.definition.name

    @property
    def hash(self) -> str:
        """Content hash of its files."""
        return self.definitions.source.hash

    @property
    def label(self) -> LocalizedText:
        """Name shown to people."""
        return self.definition.label

    @property
    def description(self) -> LocalizedText:
        """What the app is for."""
        return self.definition.description

    @property
    def menu(self) -> tuple[MenuItem, ...]:
        """The menu as defined; pages leave out what a person may not see."""
        return self.definition.menu

    @property
    def roles(self) -> Mapping[str, RoleDefinition]:
        """Roles by name, with those that exist in every app."""
        return self.definitions.all("role")

    @property
    def settings(self) -> Mapping[str, SettingDefinition]:
        """Settings by name."""
        return self.definitions.all("setting")

    def all(self, kind: str) -> Mapping[str, Any]:
        """Everything of a kind compiled, by name; ``DefinitionError`` where that cannot be done."""
        found = self._compiled.get(kind)
        if found is None:
            with self._guard:
                found = self._compiled.get(kind)
                if found is None:
                    found = self._compiled[kind] = self._compile(kind)
        return found

    def compile_all(self) -> None:
        """Compiles everything that nobody has asked for yet; ``DefinitionError`` where that cannot be done."""
        for kind in {file.kind.name for file in self.definitions.source.files.values() if file.kind is not None}:
            self.all(kind)

    @property
    def forms(self) -> Mapping[str, Any]:
        """Compiled forms by name."""
        return self.all("form")

    @property
    def processes(self) -> Mapping[str, Any]:
        """Compiled process graphs by name."""
        return self.all("process")

    @property
    def decisions(self) -> Mapping[str, Any]:
        """Compiled decisions by name."""
        return self.all("decision")

    @property
    def rulesets(self) -> Mapping[str, Any]:
        """Compiled rule files by name."""
        return self.all("rules")

    @property
    def scores(self) -> Mapping[str, Any]:
        """Compiled score models by name."""
        return self.all("scores")

    @property
    def datasets(self) -> Mapping[str, Any]:
        """Compiled datasets by name."""
        return self.all("dataset")

    @property
    def dashboards(self) -> Mapping[str, Any]:
        """Compiled dashboards by name."""
        return self.all("dashboard")

    @property
    def templates(self) -> Mapping[str, Any]:
        """Texts of notices and mails by name."""
        return self.all("template")

    @property
    def calendars(self) -> Mapping[str, Any]:
        """Working calendars by name."""
        return self.all("calendar")

    @property
    def documents(self) -> Mapping[str, Any]:
        """Documents made of records by name."""
        return self.all("document")

    @property
    def imports(self) -> Mapping[str, Any]:
        """Import mappings by name."""
        return self.all("import")

    def _compile(self, kind: str) -> dict[str, Any]:
        found = {}
        for file in self.definitions.source.files.values():
            if file.kind is not None and file.kind.name == kind:
                definition = self.definitions.all(kind).get(file.stem)
                if definition is not None:
                    found[file.stem] = compile_definition(file.kind, definition, self.definitions)
        return found


def compile_definition(kind: Kind, definition: Any, definitions: AppDefinitions) -> Any:
    """The definition compiled; kinds whose compiled names are qualified are told the app."""
    parameters = inspect.signature(kind.compile).parameters
    takes_app = "app" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    extra = {"app": definitions.app_name} if takes_app else {}
    return kind.compile(definition, definitions, **extra)

"""The loaded definitions of an app, as engines ask for them when they check references across files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.definitions.app_definition import (
    EVERY_APP,
    AppDefinition,
    RoleDefinition,
    RolesDefinition,
    SettingDefinition,
)
from builder.definitions.offers import ANSWERS, channel_names
from builder.definitions.shapes import RecordShape, setting_types, shape_of
from builder.definitions.source import AppSource, DefinitionFile
from engines import feel
from engines.core import Diagnostic, Loaded, LocalizedText


class AppDefinitions:
    """Implements the ``Definitions`` port for one app; ``others`` are the apps it may refer to, by name."""

    def __init__(
        self,
        source: AppSource,
        others: Mapping[str, AppDefinitions] | None = None,
        *,
        known: AppDefinitions | None = None,
    ) -> None:
        """Loads every file; what is wrong with single files stands in ``diagnostics``.

        A source that was checked before is loaded file by file, when one is first asked for. ``known``: another version
        of the app; a file that stands there unchanged is not loaded again.
        """
        self._known: AppDefinitions | None = known
        self._results: dict[str, Loaded[Any]] = {}
        self.source = source
        self._others = others if others is not None else {}
        self._files: dict[str, dict[str, DefinitionFile]] = {}
        for file in source.files.values():
            if file.kind is not None:
                self._files.setdefault(file.kind.name, {})[file.stem] = file
        self._loaded: dict[tuple[str, str], Any] = {}
        self.diagnostics: list[Diagnostic] = list(source.diagnostics)
        self._parts: dict[str, Mapping[str, Any]] = {}
        if not source.checked:
            self._load_all()
            # All is loaded: an older version is not kept alive by a newer one.
            self._known = None
        self._parts = {
            "role": self._roles(),
            "setting": self._settings(),
            "channel": {name: name for name in channel_names()},
            "answer": {name: name for name in ANSWERS},
        }

    @property
    def app(self) -> AppDefinition | None:
        """What ``app.json`` says, or None where it is broken."""
        found: AppDefinition | None = self._find("app", "app")
        return found

    @property
    def app_name(self) -> str:
        """The app's name; empty where ``app.json`` is broken."""
        return self.app.name if self.app else ""

    def get(self, kind: str, name: str) -> Any | None:
        """The loaded definition, or None; "other.name" looks in another app."""
        if "." in name:
            app, _, rest = name.partition(".")
            if app == self.app_name:
                return self.get(kind, rest)
            other = self._others.get(app)
            return other.get(kind, rest) if other else None
        return self._find(kind, name)

    def names(self, kind: str) -> Sequence[str]:
        """All names of ``kind`` in the app itself, in the order of its files."""
        if self.source.checked and kind not in self._parts:
            return list(self._files.get(kind, {}))
        return list(self.all(kind))

    def all(self, kind: str) -> Mapping[str, Any]:
        """All definitions of ``kind`` in the app itself, by name."""
        if kind in self._parts:
            return self._parts[kind]
        found = ((name, self._find(kind, name)) for name in self._files.get(kind, {}))
        return {name: definition for name, definition in found if definition is not None}

    def shape(self, form: str) -> RecordShape | None:
        """What reports need to know of a form; None where there is no such form."""
        return shape_of(self, form)

    def settings(self) -> Mapping[str, feel.FeelType]:
        """FEEL types of the app's settings, by name."""
        return setting_types(self.all("setting"))

    def _find(self, kind: str, name: str) -> Any | None:
        """A definition of the app itself; read now where it was not needed before."""
        if kind in self._parts:
            return self._parts[kind].get(name)
        key = (kind, name)
        if key not in self._loaded:
            file = self._files.get(kind, {}).get(name)
            if file is None:
                return None
            self._load(file)
        return self._loaded[key]

    def _load_all(self) -> None:
        for file in self.source.files.values():
            self.diagnostics += self._load(file)

    def _load(self, file: DefinitionFile) -> Sequence[Diagnostic]:
        """What is wrong with a file that is now loaded; tests belong to no engine."""
        if file.kind is None:
            return ()
        loaded = self._results[file.key] = self._same(file) or file.kind.load(file.source)
        self._loaded[file.kind.name, file.stem] = loaded.definition
        return loaded.diagnostics

    def _same(self, file: DefinitionFile) -> Loaded[Any] | None:
        """What another version of the app has loaded from the same text."""
        there = self._known.source.files.get(file.key) if self._known else None
        return self._known.of_file(file.key) if self._known and there and there.source == file.source else None

    def of_file(self, key: str) -> Loaded[Any] | None:
        """What loading one file gave, by the file's key; None for tests and unknown keys."""
        file = self.source.files.get(key)
        if file is None or file.kind is None:
            return None
        if key not in self._results:
            self._load(file)
        return self._results[key]

    # Roles and settings are parts of files, channels and answers are the product's; all are asked for by their names.

    def _roles(self) -> dict[str, RoleDefinition]:
        roles: dict[str, RoleDefinition] = {}
        for file in self.all("roles").values():
            if isinstance(file, RolesDefinition):
                roles.update((role.name, role) for role in file.roles)
        for name in EVERY_APP:
            roles.setdefault(name, RoleDefinition(name=name, label=LocalizedText.of(name), help=LocalizedText.of("")))
        return roles

    def _settings(self) -> dict[str, SettingDefinition]:
        return {s.name: s for s in self.app.settings} if self.app else {}

"""The loaded definitions of an app, as engines ask for them when they check references across files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.definitions.app_definition import EVERY_APP, AppDefinition, RoleDefinition, RolesDefinition
from builder.definitions.offers import ANSWERS, channel_names
from builder.definitions.shapes import RecordShape, setting_types, shape_of
from builder.definitions.source import AppSource
from engines import feel
from engines.core import Diagnostic, LocalizedText


class AppDefinitions:
    """Implements the ``Definitions`` port for one app; ``others`` are the apps it may refer to, by name."""

    def __init__(self, source: AppSource, others: Mapping[str, AppDefinitions] | None = None) -> None:
        """Loads every file; what is wrong with single files stands in ``diagnostics``."""
        self.source = source
        self._others = others or {}
        self._loaded: dict[str, dict[str, Any]] = {}
        self.diagnostics: list[Diagnostic] = list(source.diagnostics)
        for file in source.files.values():
            if file.kind is not None:
                loaded = file.kind.load(file.source)
                self.diagnostics += loaded.diagnostics
                if loaded.definition is not None:
                    self._loaded.setdefault(file.kind.name, {})[file.stem] = loaded.definition
        self._index_parts()

    @property
    def app(self) -> AppDefinition | None:
        """What ``app.json`` says, or None where it is broken."""
        return self._loaded.get("app", {}).get("app")

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
        return self._loaded.get(kind, {}).get(name)

    def names(self, kind: str) -> Sequence[str]:
        """All names of ``kind`` in the app itself, in the order of its files."""
        return list(self._loaded.get(kind, {}))

    def all(self, kind: str) -> Mapping[str, Any]:
        """All definitions of ``kind`` in the app itself, by name."""
        return self._loaded.get(kind, {})

    def shape(self, form: str) -> RecordShape | None:
        """What reports need to know of a form; None where there is no such form."""
        return shape_of(self, form)

    def settings(self) -> Mapping[str, feel.FeelType]:
        """FEEL types of the app's settings, by name."""
        return setting_types(self.all("setting"))

    def _index_parts(self) -> None:
        """Roles and settings are parts of files, but are asked for by their own names."""
        roles: dict[str, RoleDefinition] = {}
        for file in self._loaded.get("roles", {}).values():
            if isinstance(file, RolesDefinition):
                roles.update((role.name, role) for role in file.roles)
        for name in EVERY_APP:
            roles.setdefault(name, RoleDefinition(name=name, label=LocalizedText.of(name), help=LocalizedText.of("")))
        self._loaded["role"] = roles
        self._loaded["setting"] = {s.name: s for s in self.app.settings} if self.app else {}
        self._loaded["channel"] = {name: name for name in channel_names()}
        self._loaded["answer"] = {name: name for name in ANSWERS}

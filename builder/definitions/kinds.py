"""The kinds of definitions that an app may hold: those of the engines, and the product's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Self

from engines.core import Kind

_PACKAGES = (
    "engines.form",
    "engines.process",
    "engines.rules",
    "engines.report",
    "builder.imports",
    "builder.runtime",
    "builder.documents",
)


class Kinds:
    """Kinds by name and by the suffix of their files."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        # The longest suffix decides, so that ".options.json" may not shadow ".shared.options.json".
        self._by_length = sorted(self._kinds.values(), key=lambda kind: -len(kind.suffix))

    @classmethod
    def standard(cls) -> Self:
        """All kinds that ship with the product."""
        return cls(_shipped())

    def of_file(self, name: str) -> Kind | None:
        """The kind of a file by its name; None for a file of no known kind."""
        return next((kind for kind in self._by_length if name.endswith(kind.suffix)), None)

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())


@cache
def _shipped() -> tuple[Kind, ...]:
    from builder.definitions.app_definition import APP, ROLES

    found = [APP, ROLES]
    for name in _PACKAGES:
        package = import_module(name)
        kinds = getattr(package, "KINDS", {})
        found += kinds.values()
        if hasattr(package, "KIND"):
            found.append(package.KIND)
    return tuple(found)

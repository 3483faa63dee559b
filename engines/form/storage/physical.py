"""Names in the database: given once to every form and field, and never changed."""

from __future__ import annotations

import re
from typing import Protocol

# ("shop.order",) a form; ("shop.order", "lines") a field; ("shop.order", "lines", "price") a column of a sub-table.
Path = tuple[str, ...]
TABLE = "table"
_LONGEST = 40


class PhysicalNames(Protocol):
    """The catalogue of physical names; it only ever grows.

    A name belongs to a path and to what is stored there ("table", "text", "decimal(2)" …), so that a field whose type
    changes gets a new column while an older release still finds the old one.
    """

    def find(self, path: Path, storage: str) -> str | None:
        """The physical name, or None where none was given yet."""

    def allocate(self, path: Path, storage: str, wanted: str) -> str:
        """A new name, ``wanted`` or like it, unique within its table (for tables: within the database)."""

    def rename(self, old: Path, new: Path) -> None:
        """Lets ``new`` and everything below it mean what ``old`` means; ``old`` keeps its meaning."""


class MemoryPhysicalNames:
    """The catalogue in memory: for tests and for checks that touch no database."""

    def __init__(self) -> None:
        self._names: dict[tuple[Path, str], str] = {}

    def find(self, path: Path, storage: str) -> str | None:
        return self._names.get((path, storage))

    def allocate(self, path: Path, storage: str, wanted: str) -> str:
        key = (path, storage)
        if key not in self._names:
            self._names[key] = free_name(wanted, self._taken(path, storage))
        return self._names[key]

    def _taken(self, path: Path, storage: str) -> set[str]:
        if storage == TABLE:
            return {name for (_, kind), name in self._names.items() if kind == TABLE}
        return {name for (other, _), name in self._names.items() if other[:-1] == path[:-1]}

    def rename(self, old: Path, new: Path) -> None:
        for (path, storage), name in list(self._names.items()):
            if path[: len(old)] == old:
                self._names.setdefault(((*new, *path[len(old) :]), storage), name)


def free_name(wanted: str, taken: set[str]) -> str:
    """``wanted`` as an identifier of at most 40 characters, numbered where it is taken."""
    stem = re.sub(r"[^a-z0-9_]", "_", wanted.lower())[:_LONGEST]
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem[: _LONGEST - 5]}_{number}", number + 1
    return name


def wanted_table(path: Path) -> str:
    """How the table of a form or sub-table would like to be called."""
    return "r_" + "_".join(path).replace(".", "_")


def wanted_column(field: str) -> str:
    """How a field's column would like to be called; the prefix keeps it apart from the columns of every record."""
    return f"f_{field}"

"""What became of each property of a file: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engines.core.source import pointer_of


class Outcome(StrEnum):
    """How well our format says the same."""

    REPRESENTED = "represented"
    APPROXIMATED = "approximated"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """One property of the file that was converted."""

    # RFC 6901 pointer into the file (for sheets: /sheet/row/column).
    pointer: str
    outcome: Outcome
    # Why it is not represented; empty where it is.
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A form in our format, and what became of every property of the original."""

    # Data of a ``*.form.json`` file.
    definition: Mapping[str, Any]
    entries: tuple[ReportEntry, ...]

    def share(self, *outcomes: Outcome) -> float:
        """The share of properties with one of the outcomes, 1 for an empty file."""
        wanted = sum(entry.outcome in outcomes for entry in self.entries)
        return wanted / len(self.entries) if self.entries else 1.0

    def to_json(self) -> dict[str, Any]:
        """The report as data: ``represented``, ``approximated`` and ``dropped``, each with pointers and reasons."""
        return {
            outcome.value: [
                {"pointer": entry.pointer, **({"reason": entry.reason} if entry.reason else {})}
                for entry in self.entries
                if entry.outcome is outcome
            ]
            for outcome in Outcome
        }


class Report:
    """Collects what becomes of properties while a file is converted."""

    def __init__(self) -> None:
        self._entries: dict[str, ReportEntry] = {}

    def note(self, pointer: str, outcome: Outcome = Outcome.REPRESENTED, reason: str = "") -> None:
        """States what became of a property; the last word counts."""
        self._entries[pointer] = ReportEntry(pointer=pointer, outcome=outcome, reason=reason)

    def has(self, pointer: str) -> bool:
        """Whether something was said of a property."""
        return pointer in self._entries

    def entries(self) -> tuple[ReportEntry, ...]:
        """All of them, in the order they were first met."""
        return tuple(self._entries.values())


class Part:
    """An object of the file, read key by key; what is never read is dropped, and told so."""

    def __init__(self, data: Mapping[str, Any], pointer: str, report: Report) -> None:
        self.data = data
        self.pointer = pointer
        self._report = report

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def at(self, key: str | int) -> str:
        """Pointer of a property."""
        return self.pointer + pointer_of(key)

    def get(self, key: str, default: Any = None) -> Any:
        """A property's value, which our format says too."""
        if key in self.data:
            self._report.note(self.at(key))
        return self.data.get(key, default)

    def peek(self, key: str, default: Any = None) -> Any:
        """A property's value, without saying anything of it."""
        return self.data.get(key, default)

    def near(self, key: str, reason: str) -> Any:
        """A property's value, which our format says nearly."""
        if key in self.data:
            self._report.note(self.at(key), Outcome.APPROXIMATED, reason)
        return self.data.get(key)

    def drop(self, key: str, reason: str) -> None:
        """States that a property is lost, and why."""
        if key in self.data:
            self._report.note(self.at(key), Outcome.DROPPED, reason)

    def parts(self, key: str) -> Iterator[Part]:
        """The objects in a list, each a part of its own."""
        for place, item in enumerate(self.data.get(key) or ()):
            if isinstance(item, Mapping):
                yield Part(item, f"{self.at(key)}/{place}", self._report)
            else:
                self._report.note(f"{self.at(key)}/{place}")

    def part(self, key: str) -> Part:
        """An object in the object."""
        found = self.data.get(key)
        return Part(found if isinstance(found, Mapping) else {}, self.at(key), self._report)

    def told(self, key: str) -> bool:
        """Whether something was said of a property, or of something in it."""
        return self._report.has(self.at(key)) or self._has_below(self.at(key))

    def silent(self, but: Collection[str] = ()) -> None:
        """Properties that are off or empty say nothing, and our format says that by leaving them out."""
        for key, value in self.data.items():
            if key not in but and (value is None or value is False or value in (0, "", [], {})):
                self._report.note(self.at(key))

    def close(self, reason: str = "our format has nothing like it") -> None:
        """Tells of everything that was not read that it is dropped."""
        for key in self.data:
            if not self.told(key):
                self._report.note(self.at(key), Outcome.DROPPED, reason)

    def _has_below(self, pointer: str) -> bool:
        return any(entry.pointer.startswith(pointer + "/") for entry in self._report.entries())

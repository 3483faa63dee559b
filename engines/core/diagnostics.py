"""What is wrong with a definition, and exactly where: data, never a free string."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from importlib import resources
from typing import Any


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops publishing, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a definition file."""

    # Path of the file within its app.
    file: str = ""
    # RFC 6901 pointer; empty for text definitions and for the whole file.
    pointer: str = ""
    # 1-based; 0 where not known.
    line: int = 0
    # 1-based, in characters; 0 where not known.
    column: int = 0
    # Length in characters of what is marked; 0 where not known.
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem of a definition."""

    # Stable dotted code, for example "form.unknown_field"; its text stands in the catalogue.
    code: str
    severity: Severity = Severity.ERROR
    file: str = ""
    pointer: str = ""
    line: int = 0
    column: int = 0
    length: int = 0
    # What stands there, as written.
    found: str = ""
    # What would be right.
    expected: str = ""
    # How to mend it.
    hint: str = ""
    # BPMN element id, so that a designer can select the shape.
    element: str = ""
    # Other places that matter, for example the first of two equal names.
    related: tuple[Place, ...] = ()
    # What the translated texts need.
    params: Mapping[str, Any] = field(default_factory=dict)

    def at(self, place: Place) -> Diagnostic:
        """The same diagnostic at ``place``."""
        return replace(
            self,
            file=place.file or self.file,
            pointer=place.pointer or self.pointer,
            line=place.line,
            column=place.column,
            length=place.length,
        )

    def render(self) -> str:
        """The diagnostic as plain lines for a terminal, in English, without the catalogue's sentence."""
        where = " ".join(part for part in (self.file, self.pointer) if part)
        if self.line:
            where += f" line {self.line}, column {self.column}"
        lines = [f"{self.code}  {self.severity}", *([f"  {where.strip()}"] if where.strip() else [])]
        lines += [
            f"  {label:<9} {text}"
            for label, text in (
                ("element", self.element),
                ("found", self.found),
                ("expected", self.expected),
                ("hint", self.hint),
            )
            if text
        ]
        return "\n".join(lines)


class MessageCatalogue:
    """Sentences for people, by code and language, read from ``messages/<language>.json`` of packages.

    Each file maps a code to a sentence with ``{name}`` placeholders for the params.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        """``packages``: importable package names that hold a ``messages`` folder; later ones win."""
        self._texts: dict[str, dict[str, str]] = {}
        for package in packages:
            folder = resources.files(package) / "messages"
            for entry in folder.iterdir():
                if entry.name.endswith(".json"):
                    texts = json.loads(entry.read_text("utf-8"))
                    self._texts.setdefault(entry.name.removesuffix(".json"), {}).update(texts)

    def codes(self, locale: str) -> frozenset[str]:
        """All codes that have a sentence in ``locale``."""
        return frozenset(self._texts.get(locale, {}))

    def text(self, code: str, locale: str, params: Mapping[str, Any] | None = None) -> str:
        """The sentence for ``code``, filled in; the code itself where the catalogue has none."""
        template = self._texts.get(locale, {}).get(code) or self._texts.get("en", {}).get(code)
        if template is None:
            return code
        return template.format_map(_Missing(params or {}))

    def message(self, diagnostic: Diagnostic, locale: str) -> str:
        """The sentence for a diagnostic in ``locale``."""
        known = {name: getattr(diagnostic, name) for name in ("found", "expected", "element", "hint")}
        return self.text(diagnostic.code, locale, {**known, **diagnostic.params})


class _Missing(dict[str, Any]):
    """Leaves a placeholder standing whose value was not given."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """A hint naming the closest of ``words``, or nothing where none is close."""
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""

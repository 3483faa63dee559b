"""Definition files as data that can be edited, and back as text that people like to read and compare."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from builder.definitions.kinds import Kinds
from builder.definitions.source import AppSource, DefinitionFile, source_of
from engines.core import DefinitionError, DefinitionSource, load_json

_WIDTH = 120


@dataclass(slots=True, kw_only=True)
class Document:
    """One file while it is being edited: its data (JSON) or its text (rules)."""

    file: str
    # Parsed JSON, or str for text definitions.
    data: Any
    # The text as it was written; kept where nothing was changed, so that layouts and comments survive.
    written: str | None

    def text(self) -> str:
        """The file's text."""
        if self.written is not None:
            return self.written
        return self.data if isinstance(self.data, str) else write_json(self.data) + "\n"


def documents_of(source: AppSource) -> dict[str, Document]:
    """The files of an app by key, ready to be edited; ``DefinitionError`` where a file is no JSON at all."""
    return {key: _document(file) for key, file in source.files.items()}


def source_from(documents: Mapping[str, Document], kinds: Kinds | None = None) -> AppSource:
    """The app whose files are ``documents``."""
    return source_of({document.file: document.text() for document in documents.values()}, kinds)


def parse(file: str, text: str) -> Any:
    """The data of a file's text: parsed JSON with numbers as int or Decimal, or the text itself for rules."""
    if not file.endswith(".json"):
        return text
    data, problems = load_json(DefinitionSource(file=file, text=text))
    if data is None:
        raise DefinitionError(problems)
    return data


def copied(document: Document) -> Document:
    """A document of its own with the same content."""
    return Document(file=document.file, data=copy.deepcopy(document.data), written=document.written)


def write_json(value: Any) -> str:
    """JSON text with two spaces a level; whatever fits a line stays on one. Decimals keep their digits."""
    return _broken(value, 0)


def flat_json(value: Any) -> str:
    """JSON text on one line. Decimals keep their digits."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_text(k)}: {flat_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flat_json(v) for v in value) + "]"
        case Decimal():
            return format(value, "f")
    return _text(value)


def _document(file: DefinitionFile) -> Document:
    source = file.source
    return Document(file=source.file, data=parse(source.file, source.text), written=source.text)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _after_key(key: str, value: Any, indent: int) -> str:
    """The value behind a key: on the key's line where it fits there."""
    flat = flat_json(value)
    fits = indent + len(_text(key)) + 2 + len(flat) < _WIDTH
    return flat if fits else _broken(value, indent)


def _broken(value: Any, indent: int) -> str:
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict) and value:
        items = [f"{inner}{_text(key)}: {_after_key(key, item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _item(item, indent + 2) for item in value) + f"\n{outer}]"
    return flat_json(value)


def _item(value: Any, indent: int) -> str:
    flat = flat_json(value)
    return flat if indent + len(flat) < _WIDTH else _broken(value, indent)

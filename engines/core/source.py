"""Definition files: reading JSON fast, and finding the line of a pointer when something is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from engines.core.diagnostics import Diagnostic, Place

_TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+)', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionSource:
    """One definition file as written."""

    # Path of the file within its app, with forward slashes.
    file: str
    # Its text, UTF-8 decoded.
    text: str
    # Whether this very text was checked by this very engine, beside the definitions that are around it, and found
    # without errors: loading and compiling it need not look again. Whoever changes the text must not keep this.
    checked: bool = field(default=False, compare=False)

    def place(self, pointer: str, *, key: bool = False) -> Place:
        """Where the value at ``pointer`` stands (or its key, with ``key``); a missing part gives its nearest parent.

        Reads the text again, so it costs; call it only when there is something to report.
        """
        start, length = _Locator(self.text).find(pointer, key)
        line = self.text.count("\n", 0, start) + 1
        column = start - (self.text.rfind("\n", 0, start) + 1) + 1
        return Place(file=self.file, pointer=pointer, line=line, column=column, length=length)

    def place_in_string(self, pointer: str, offset: int, length: int = 1) -> Place:
        """Where character ``offset`` of the string value at ``pointer`` stands: an expression within a definition."""
        start, size = _Locator(self.text).find(pointer, False)
        raw = self.text[start : start + size]
        step = start + 1 + _raw_offset(raw[1:-1], offset) if raw.startswith('"') else start
        line = self.text.count("\n", 0, step) + 1
        column = step - (self.text.rfind("\n", 0, step) + 1) + 1
        return Place(file=self.file, pointer=pointer, line=line, column=column, length=length)


def load_json(source: DefinitionSource) -> tuple[Any, list[Diagnostic]]:
    """The parsed value and what is wrong with it: broken JSON, or a key written twice in one object.

    The value is None where the text is no JSON at all. Numbers are int or ``decimal.Decimal``.
    """
    from decimal import Decimal

    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            keys = [key for key, _ in items]
            repeated.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return value

    try:
        value = json.loads(source.text, object_pairs_hook=pairs, parse_float=Decimal)
    except json.JSONDecodeError as error:
        found = source.text[error.pos : error.pos + 20].split("\n")[0] or "end of file"
        return None, [
            Diagnostic(
                code="definition.not_json",
                file=source.file,
                line=error.lineno,
                column=error.colno,
                length=1,
                found=found,
                expected=error.msg,
                hint="check for a missing comma, quote or bracket just before this place",
            )
        ]
    except RecursionError:
        return None, [Diagnostic(code="definition.too_deep", file=source.file, line=1, column=1)]
    return value, [_repeated_key(source, key) for key in repeated]


def pointer_of(*parts: str | int) -> str:
    """An RFC 6901 pointer from its unescaped parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts_of(pointer: str) -> list[str]:
    """The unescaped parts of an RFC 6901 pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _repeated_key(source: DefinitionSource, key: str) -> Diagnostic:
    quoted = json.dumps(key, ensure_ascii=False)
    places = [m.start() for m in re.finditer(re.escape(quoted) + r"\s*:", source.text)]
    start = places[-1] if places else 0
    line = source.text.count("\n", 0, start) + 1
    column = start - (source.text.rfind("\n", 0, start) + 1) + 1
    return Diagnostic(
        code="definition.repeated_key",
        file=source.file,
        line=line,
        column=column,
        length=len(quoted),
        found=key,
        expected="each key once in an object",
        hint="the last one would win in silence; keep one of them",
    )


def _raw_offset(raw: str, offset: int) -> int:
    """The place in a JSON string's raw text of character ``offset`` of its value."""
    position = 0
    for _ in range(offset):
        if raw[position : position + 1] != "\\":
            position += 1
        elif raw[position + 1 : position + 2] == "u":
            position += 6
        else:
            position += 2
    return position


class _Locator:
    """Walks JSON text lexeme by lexeme to one pointer."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def find(self, pointer: str, key: bool) -> tuple[int, int]:
        """Start and length in characters of the value (or its key) at ``pointer``."""
        try:
            return self._descend(parts_of(pointer), key, (0, 0))
        except _BrokenJsonError:
            return (0, 0)

    def _next(self) -> tuple[str, int]:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise _BrokenJsonError
        self._position = match.end()
        return match.group(1), match.start(1)

    def _descend(self, parts: list[str], key: bool, at_key: tuple[int, int]) -> tuple[int, int]:
        lexeme, start = self._next()
        if not parts:
            if key and at_key[1]:
                return at_key
            self._skip(lexeme)
            return start, self._position - start
        wanted = parts[0]
        if lexeme == "{":
            while True:
                name, at = self._next()
                if name == "}":
                    return start, 1
                if name == ",":
                    continue
                self._next()
                if json.loads(name) == wanted:
                    return self._descend(parts[1:], key, (at, len(name)))
                self._skip(self._next()[0])
        if lexeme == "[":
            index = 0
            while True:
                before = self._position
                item, _ = self._next()
                if item == "]":
                    return start, 1
                if item == ",":
                    index += 1
                    continue
                if str(index) == wanted:
                    self._position = before
                    return self._descend(parts[1:], key, (0, 0))
                self._skip(item)
        return start, len(lexeme)

    def _skip(self, lexeme: str) -> None:
        depth = 1 if lexeme in "{[" else 0
        while depth:
            lexeme, _ = self._next()
            depth += (lexeme in "{[") - (lexeme in "}]")


class _BrokenJsonError(Exception):
    pass

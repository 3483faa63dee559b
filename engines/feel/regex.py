"""Regular expressions in the flavour of XPath (XQuery and XPath Functions 3.1 §5.6.1), run by RE2 in linear time.

What RE2 cannot do (back-references) is an error, as is what XPath does not have (look-around, Perl's extras).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import re2

_MAX_MEMORY = 8 << 20
# A match costs as much as making this many characters.
_COST = 80
Charge: TypeAlias = Callable[[int], None]
_FLAGS = frozenset("smixq")
_CLASSES = {
    "d": r"\p{Nd}", "D": r"\P{Nd}", "s": r" \t\n\r", "w": r"^\p{P}\p{Z}\p{C}",
    "i": r":A-Z_a-z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{2FF}\x{370}-\x{37D}\x{37F}-\x{1FFF}\x{200C}-\x{200D}"
         r"\x{2070}-\x{218F}\x{2C00}-\x{2FEF}\x{3001}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFFD}\x{10000}-\x{EFFFF}",
}  # fmt: skip
_CLASSES["c"] = _CLASSES["i"] + r"\-.0-9\x{B7}\x{300}-\x{36F}\x{203F}-\x{2040}"
_ESCAPABLE = frozenset("nrt\\|.?*+(){}-[]^$")
_BLOCKS = {
    "BasicLatin": "0-7F", "Latin-1Supplement": "80-FF", "LatinExtended-A": "100-17F", "LatinExtended-B": "180-24F",
    "GreekandCoptic": "370-3FF", "Greek": "370-3FF", "Cyrillic": "400-4FF", "Hebrew": "590-5FF", "Arabic": "600-6FF",
    "Thai": "E00-E7F", "GeneralPunctuation": "2000-206F", "CurrencySymbols": "20A0-20CF",
    "CJKSymbolsandPunctuation": "3000-303F", "Hiragana": "3040-309F", "Katakana": "30A0-30FF",
    "CJKUnifiedIdeographs": "4E00-9FFF", "HangulSyllables": "AC00-D7AF", "HalfwidthandFullwidthForms": "FF00-FFEF",
}  # fmt: skip


class RegexError(ValueError):
    """The pattern, its flags or a replacement mean nothing."""


@lru_cache(maxsize=512)
def compile(pattern: str, flags: str, max_length: int) -> Any:
    """The compiled pattern; ``RegexError`` where it is none or longer than ``max_length``."""
    if len(pattern) > max_length:
        raise RegexError(f"longer than {max_length} characters")
    if not _FLAGS >= set(flags):
        raise RegexError(f"unknown flags: {flags}")
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.case_sensitive = "i" not in flags
    if "q" in flags:
        options.literal = True
        return _re2(pattern, options)
    translated = _Translator(pattern, flags).run()
    return _re2(f"(?m){translated}" if "m" in flags else translated, options)


def _re2(pattern: str, options: Any) -> Any:
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise RegexError(error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)) from None


class _Translator:
    """Rewrites an XPath pattern piece by piece in RE2's syntax."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = pattern
        self.dot_all = "s" in flags
        self.extended = "x" in flags
        self.position = 0
        self.groups = 0

    def run(self) -> str:
        out: list[str] = []
        while self.position < len(self.pattern):
            out.append(self._piece())
        return "".join(out)

    def _take(self) -> str:
        character = self.pattern[self.position : self.position + 1]
        self.position += 1
        return character

    def _piece(self) -> str:
        character = self._take()
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._char_class()
        if character == ".":
            return "(?s:.)" if self.dot_all else r"[^\n\r]"
        if character == "(":
            return self._group()
        if self.extended and character in " \t\n\r":
            return ""
        return character

    def _group(self) -> str:
        if not self.pattern.startswith("?", self.position):
            return "("
        if not self.pattern.startswith("?:", self.position):
            raise RegexError("(? is only allowed as (?:")
        self.position += 2
        return "(?:"

    def _escape(self) -> str:
        character = self._take()
        if character in ("p", "P"):
            return f"[{self._property(character)}]"
        if character.lower() in "dswic" and character:
            return self._multi(character)
        if character.isdigit():
            raise RegexError("back-references are not supported")
        return self._single(character)

    def _single(self, character: str) -> str:
        if character not in _ESCAPABLE or not character:
            raise RegexError(f"\\{character} is no escape")
        return "\\" + character

    def _multi(self, character: str) -> str:
        body = _CLASSES[character.lower()]
        negated = body.startswith("^") != character.isupper()
        return f"[{'^' if negated else ''}{body.removeprefix('^')}]"

    def _property(self, letter: str) -> str:
        end = self.pattern.find("}", self.position)
        if not self.pattern.startswith("{", self.position) or end < 0:
            raise RegexError(f"\\{letter} needs a name in braces")
        name = self.pattern[self.position + 1 : end]
        self.position = end + 1
        if not name.startswith("Is"):
            return f"\\{letter}{{{name}}}"
        block = _BLOCKS.get(name[2:])
        if block is None or letter == "P":
            raise RegexError(f"the block {name} is not known")
        low, high = block.split("-")
        return f"\\x{{{low}}}-\\x{{{high}}}"

    def _char_class(self) -> str:
        negated = self.pattern.startswith("^", self.position)
        self.position += negated
        body: list[str] = []
        while True:
            character = self._take()
            if not character:
                raise RegexError("a character class is not closed")
            if character == "]" and body:
                return f"[{'^' if negated else ''}{''.join(body)}]"
            if character == "-" and self.pattern.startswith("[", self.position):
                raise RegexError("subtracting character classes is not supported")
            body.append(self._class_item(character))

    def _class_item(self, character: str) -> str:
        if character == "[":
            raise RegexError("[ within a character class must be escaped")
        if character != "\\":
            return character
        escaped = self._take()
        if escaped in ("p", "P"):
            return self._property(escaped)
        if escaped in ("s", "d", "D", "i", "c"):
            return _CLASSES[escaped]
        if escaped in ("w", "W", "S", "I", "C"):
            return self._negated_in_class(escaped)
        return self._single(escaped)

    def _negated_in_class(self, escaped: str) -> str:
        if escaped == "W":
            return _CLASSES["w"].removeprefix("^")
        if escaped == "w":
            return r"\p{L}\p{M}\p{N}\p{S}"
        if escaped == "S":
            return r"\x{0}-\x{8}\x{B}\x{C}\x{E}-\x{1F}\x{21}-\x{10FFFF}"
        raise RegexError(f"\\{escaped} is not supported within a character class")


def replace(compiled: Any, text: str, replacement: str, *, literal: bool, charge: Charge) -> str:
    """``text`` with all matches replaced; ``charge`` is told how much text each one makes.

    ``RegexError`` for a bad replacement or a pattern that matches the empty string.
    """
    if compiled.search("") is not None:
        raise RegexError("the pattern matches the empty string")
    template = [replacement] if literal else _template(replacement, compiled.groups)
    out: list[str] = []
    end = 0
    for match in compiled.finditer(text):
        groups = [part if isinstance(part, str) else match.group(part) or "" for part in template]
        out += [text[end : match.start()], *groups]
        charge(_COST + match.start() - end + sum(map(len, groups)))
        end = match.end()
    return "".join(out) + text[end:]


def _template(replacement: str, groups: int) -> list[str | int]:
    parts: list[str | int] = []
    position = 0
    while position < len(replacement):
        character = replacement[position]
        following = replacement[position + 1 : position + 2]
        if character == "\\":
            if following not in ("\\", "$"):
                raise RegexError("in a replacement \\ must be followed by \\ or $")
            parts.append(following)
            position += 2
        elif character == "$":
            if not following.isdigit():
                raise RegexError("in a replacement $ must be followed by a digit")
            end = position + 2
            while (
                end < len(replacement)
                and replacement[end].isdigit()
                and int(replacement[position + 1 : end + 1]) <= groups
            ):
                end += 1
            number = int(replacement[position + 1 : end])
            parts.append(number if number <= groups else "")
            position = end
        else:
            parts.append(character)
            position += 1
    return parts


def split(compiled: Any, text: str, charge: Charge) -> list[str]:
    """The parts of ``text`` between matches; ``charge`` is told of each."""
    parts: list[str] = []
    end = 0
    for match in compiled.finditer(text):
        charge(_COST)
        if match.end() > match.start():
            parts.append(text[end : match.start()])
            end = match.end()
    return [*parts, text[end:]]

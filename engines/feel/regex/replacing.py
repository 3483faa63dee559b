"""Replacing and splitting by a pattern (XQuery and XPath Functions 3.1 §5.6.4 and §5.6.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from engines.feel.regex.machine import Pattern
from engines.feel.regex.syntax import RegexError

# A match costs as much as making this many characters.
_COST = 80
Charge: TypeAlias = Callable[[int], None]


def replace(compiled: Pattern, text: str, replacement: str, *, literal: bool, charge: Charge) -> str:
    """``text`` with all matches replaced; ``charge`` is told how much text each one makes.

    ``RegexError`` for a bad replacement or a pattern that matches the empty string.
    """
    if compiled.matches(""):
        raise RegexError("the pattern matches the empty string")
    template = [replacement] if literal else _template(replacement, compiled.groups)
    out: list[str] = []
    end = 0
    for match in compiled.found_in(text):
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


def split(compiled: Pattern, text: str, charge: Charge) -> list[str]:
    """The parts of ``text`` between matches; ``charge`` is told of each."""
    parts: list[str] = []
    end = 0
    for match in compiled.found_in(text):
        charge(_COST)
        if match.end() > match.start():
            parts.append(text[end : match.start()])
            end = match.end()
    return [*parts, text[end:]]

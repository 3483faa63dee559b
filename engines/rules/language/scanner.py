"""Cuts a rules file into tokens. What the parser may take next decides how a word is read."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from lark import Token

from engines.rules.language.extent import end_of_expression, skip_string
from engines.rules.language.keywords import match_keyword

_GAP: Final = re.compile(r"(?:[ \t\r\n\ufeff\u3000]+|//[^\n]*|/\*.*?\*/)", re.DOTALL)
_PATTERNS: Final = (
    ("DATE", re.compile(r"-?\d{4,9}-\d\d-\d\d")),
    ("TIME", re.compile(r"([01]\d|2[0-3]):[0-5]\d")),
    ("NUMBER", re.compile(r"-?\d+")),
    ("NAME", re.compile(r"`[^`\n]+`|[^\W\d]\w*(?:\.[^\W\d]\w*)*")),
    ("COMMA", re.compile(r"[,，]")),
    ("COLON", re.compile(r"[:：]")),
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and where it stands."""

    text: str
    start: int
    # Nothing but space stands before it on its line.
    own_line: bool


class Scanner:
    """Walks a text token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.comments: list[Comment] = []
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        # How many keywords of each language were met.
        self.languages = {"en": 0, "zh": 0}

    def next(self, choices: Set[str], stops: Set[str]) -> Token | None:
        """The next token out of ``choices``; ``$END`` at the end; None where nothing fits.

        ``stops``: the terminals that may follow an expression here.
        """
        self._skip_gap()
        if self.position >= len(self.text):
            return self._token("$END", self.position)
        return (
            self._keyword(choices) or self._quoted(choices) or self._plain(choices) or self._expression(choices, stops)
        )

    def word(self) -> str:
        """What stands at the current place, for a message."""
        match = re.compile(r"\"[^\"\n]*\"?|\w+|\S").match(self.text, self.position)
        return match.group() if match else ""

    def words(self) -> list[str]:
        """The next words of the line, joined: one, two, three and four of them."""
        line = re.compile(r"[^\n]*").match(self.text, self.position)
        parts = line.group().split()[:4] if line else []
        return [" ".join(parts[: i + 1]) for i in range(len(parts))]

    def skip_to_next_rule(self) -> bool:
        """Moves on to the next line that begins a rule; false where there is none."""
        pattern = re.compile(r"^[ \t]*(?:rule|规则)[ \t]", re.MULTILINE)
        start = self.text.find("\n", self.position)
        match = pattern.search(self.text, start + 1) if start >= 0 else None
        self.position = match.start() if match else len(self.text)
        return match is not None

    def at_end(self) -> bool:
        """Whether nothing but space and comments is left."""
        self._skip_gap()
        return self.position >= len(self.text)

    def _skip_gap(self) -> None:
        while match := _GAP.match(self.text, self.position):
            if match.group().startswith("/"):
                line_start = self.text.rfind("\n", 0, match.start()) + 1
                own_line = not self.text[line_start : match.start()].strip()
                self._note(match.group(), match.start(), own_line)
            self.position = match.end()

    def _note(self, raw: str, start: int, own_line: bool) -> None:
        lines = [raw[2:]] if raw.startswith("//") else raw[2:-2].strip("\n").split("\n")
        for line in lines:
            self.comments.append(Comment(line.strip(), start, own_line))

    def _keyword(self, choices: Set[str]) -> Token | None:
        found = match_keyword(self.text, self.position, choices)
        if found is None:
            return None
        terminal, end, language = found
        self.languages[language] += 1
        return self._token(terminal, end)

    def _quoted(self, choices: Set[str]) -> Token | None:
        if "TEXT" not in choices or self.text[self.position] not in '"{':
            return None
        if self.text[self.position] == '"':
            return self._token("TEXT", skip_string(self.text, self.position))
        return self._token("TEXT", end_of_expression(self.text, self.position, frozenset()))

    def _plain(self, choices: Set[str]) -> Token | None:
        for terminal, pattern in _PATTERNS:
            if terminal in choices and (match := pattern.match(self.text, self.position)):
                return self._token(terminal, match.end())
        return None

    def _expression(self, choices: Set[str], stops: Set[str]) -> Token | None:
        if "EXPRESSION" not in choices:
            return None
        end = end_of_expression(self.text, self.position, stops)
        return self._token("EXPRESSION", end) if end > self.position else None

    def _token(self, terminal: str, end: int) -> Token:
        start, self.position = self.position, end
        line = bisect_left(self._breaks, start) + 1
        column = start - (self._breaks[line - 2] + 1 if line > 1 else 0) + 1
        return Token(terminal, self.text[start:end], start, line, column, end_pos=end)

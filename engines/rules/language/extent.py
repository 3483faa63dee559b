"""Finds where a FEEL expression ends inside a rule: at a word that the rule may go on with, or at the line's end."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from engines.rules.language.keywords import match_keyword

_WORD: Final = re.compile(r"[^\W\d]\w*")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPACE: Final = re.compile(r"\s+")
_GAPS: Final = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BINARY_WORDS: Final = frozenset({"and", "or", "between", "in", "instance", "of", "satisfies", "return"})
# Names of built-in functions in which a word could be taken for a keyword of the rule.
_BUILT_IN: Final = re.compile(
    r"(?:starts with|ends with|string length|list contains|date and time|years and months duration|day of week"
    r"|day of year|week of year|month of year|index of|insert before|substring before|substring after|get value"
    r"|get entries|context put|context merge|met by|overlaps before|overlaps after|overlapped by|finished by"
    r"|started by|distinct values|list replace|string join|round up|round down|round half up|round half down"
    r"|upper case|lower case|period of)(?=\s*\()"
    r"|(?:before|after|meets|includes|during|finishes|starts|coincides|range|time|date|duration|day|month|year)(?=\()"
)
_CONTINUES: Final = re.compile(r"(?:[-+*/=<>.(\[,]|!=)|(?:and|or|between|in|instance|then|else|return|satisfies)\b")


def skip_string(text: str, position: int) -> int:
    """The end of the string literal that begins at ``position``; the end of the text where it is never closed."""
    position += 1
    while position < len(text) and text[position] != '"':
        position += 2 if text[position] == "\\" else 1
    return min(position + 1, len(text))


def end_of_expression(text: str, position: int, stops: Set[str]) -> int:
    """The end (without trailing space) of the expression at ``position``; ``position`` itself where there is none.

    ``stops``: terminals that may follow. An expression ends before such a word, before a comma or colon outside
    brackets, before a comment, and at the end of a line unless an operator stands before or after the break.
    """
    walk = _Walk(text, position, stops)
    while walk.position < len(text) and walk.step():
        pass
    return walk.end


class _Walk:
    def __init__(self, text: str, position: int, stops: Set[str]) -> None:
        self.text = text
        self.position = position
        self.stops = stops
        # End of the last token taken.
        self.end = position
        # The last token may end an expression.
        self.complete = False
        self.brackets: list[str] = []
        # Open "if", "for", "some", "every".
        self.pending: list[str] = []
        self.ranges: list[bool] = [False]

    @property
    def _open(self) -> bool:
        return bool(self.brackets or self.pending) or not self.complete

    def step(self) -> bool:
        """Takes one token; false where the expression has ended."""
        text, at = self.text, self.position
        char = text[at]
        if gap := _SPACE.match(text, at):
            return self._gap(gap.end(), "\n" in gap.group())
        if text.startswith(("//", "/*"), at):
            return self._comment()
        if char == '"':
            return self._take(skip_string(text, at), True)
        if char in "([{":
            return self._bracket_open(char)
        if char in ")]}":
            return self._bracket_close(char)
        if number := _NUMBER.match(text, at):
            return self._take(number.end(), True)
        if built_in := _BUILT_IN.match(text, at):
            return self._take(built_in.end(), True)
        if word := _WORD.match(text, at):
            return self._word(word.group(), word.end())
        return self._sign(char)

    def _take(self, end: int, complete: bool) -> bool:
        self.position = self.end = end
        self.complete = complete
        return True

    def _gap(self, end: int, breaks: bool) -> bool:
        if breaks and not self._open and not _CONTINUES.match(self.text, end):
            return False
        self.position = end
        return True

    def _comment(self) -> bool:
        following = _GAPS.match(self.text, self.position)
        if not self._open and not (following and _CONTINUES.match(self.text, following.end())):
            return False
        line = self.text.startswith("//", self.position)
        end = self.text.find("\n" if line else "*/", self.position + 2)
        self.position = len(self.text) if end < 0 else end + (0 if line else 2)
        return True

    def _bracket_open(self, char: str) -> bool:
        if char == "[" and self.brackets and self.ranges[-1] and self.complete:
            return self._bracket_close(char)
        self.brackets.append(char)
        self.ranges.append(False)
        return self._take(self.position + 1, False)

    def _bracket_close(self, char: str) -> bool:
        if char == "]" and not self.complete and (not self.brackets or self.text[self.end - 1] != "["):
            self.brackets.append("[")
            self.ranges.append(False)
            return self._take(self.position + 1, False)
        if not self.brackets:
            return False
        self.brackets.pop()
        self.ranges.pop()
        return self._take(self.position + 1, True)

    def _sign(self, char: str) -> bool:
        if not self.brackets:
            if char in ":：，" or (char == "," and not any(kind != "if" for kind in self.pending)):
                return False
        if self.text.startswith("..", self.position):
            self.ranges[-1] = True
            return self._take(self.position + 2, False)
        return self._take(self.position + 1, char == "?")

    def _word(self, word: str, end: int) -> bool:
        property_name = self.text[self.end - 1 : self.end] == "." and not self.text[: self.end].endswith("..")
        if property_name:
            return self._take(end, True)
        if self.complete and not self.brackets and not self.pending and self._stops():
            return False
        if word in ("if", "for", "some", "every") and not self.complete:
            self.pending.append(word)
            return self._take(end, False)
        if word in ("else", "return", "satisfies") and self.pending:
            self.pending.pop()
            return self._take(end, False)
        if word == "then":
            return self._take(end, False) if self.pending or self.brackets else False
        return self._take(end, word not in _BINARY_WORDS)

    def _stops(self) -> bool:
        return match_keyword(self.text, self.position, self.stops) is not None

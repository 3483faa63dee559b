"""Patterns compiled: by RE2 in linear time, or those with back-references by a machine that is stopped in time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2
import regex

from engines.core.errors import BudgetExceeded
from engines.feel.regex.emitting import BacktrackingEmitter, Emitter
from engines.feel.regex.syntax import Parser, RegexError, without_space

_MAX_MEMORY = 8 << 20
# What one look for a pattern with back-references may take.
_SECONDS = 0.05
_FLAGS = frozenset("smixq")


class Pattern:
    """A compiled pattern; ``groups`` is how many it captures."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.groups: int = compiled.groups

    def matches(self, text: str) -> bool:
        """Whether it matches a part of the text."""
        return self._compiled.search(text) is not None

    def found_in(self, text: str) -> Iterator[Any]:
        """Its matches from left to right, as Python's own."""
        return self._compiled.finditer(text)  # type: ignore[no-any-return]


class BacktrackingPattern(Pattern):
    """One with back-references, for which no linear algorithm is known."""

    def matches(self, text: str) -> bool:
        """Whether it matches a part of the text; ``BudgetExceeded`` where that takes too long."""
        try:
            return self._compiled.search(text, timeout=_SECONDS) is not None
        except TimeoutError:
            raise BudgetExceeded("seconds", _SECONDS) from None

    def found_in(self, text: str) -> Iterator[Any]:
        """Its matches from left to right; ``BudgetExceeded`` where they take too long."""
        try:
            yield from self._compiled.finditer(text, timeout=_SECONDS)
        except TimeoutError:
            raise BudgetExceeded("seconds", _SECONDS) from None


@lru_cache(maxsize=512)
def compile(pattern: str, flags: str, max_length: int) -> Pattern:
    """The compiled pattern; ``RegexError`` where it is none or longer than ``max_length``.

    Flags are those of XPath: s (a dot is any character), m (^ and $ at each line), i (both cases), x (white space in
    the pattern means nothing), q (all characters mean themselves).
    """
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
        return _linear(pattern, options)
    parser = Parser(without_space(pattern) if "x" in flags else pattern)
    tree = parser.parse()
    if not parser.has_back_references:
        return _linear(Emitter(flags).text(tree), options)
    text = BacktrackingEmitter(flags).text(tree)
    return BacktrackingPattern(regex.compile(text, regex.V1 | (regex.IGNORECASE if "i" in flags else 0)))


def _linear(pattern: str, options: Any) -> Pattern:
    try:
        return Pattern(re2.compile(pattern, options))
    except re2.error as error:
        raise RegexError(error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)) from None

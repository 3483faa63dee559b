"""Names: which characters they may have, and the longest match of names with spaces and operators in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable

# DMN 1.5 grammar rules 28 and 29, without CJK and full-width punctuation, so that a slip of the input method is
# told as such instead of becoming part of a name. A declared name may still contain them.
_START = (
    r"?A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    r"\u2c00-\u2fef\u3004-\u3007\u3012-\u3013\u3020-\ud7ff\uf900-\ufdcf\ufdf0-\ufeff\uff10-\uff19\uff21-\uff3a"
    r"\uff41-\uff5a\uff66-\ufffd\U00010000-\U000effff"
)
_PART = _START + r"0-9\u00b7\u0300-\u036f\u203f-\u2040"
WORD = re.compile(f"[{_START}][{_PART}]*")
_PIECE = re.compile(f"(\\s*)([{_PART}]+|[^\\s])")
_IS_PART = re.compile(f"[{_PART}]")
_SPACE = re.compile(r"\s*")


def normalise(name: str) -> str:
    """The name with each run of white space as one space (DMN 1.5 §10.3.1.4, FEEL names)."""
    return " ".join(name.split())


class NameIndex:
    """The names of a scope that are more than one word, for the longest match at a place in a text."""

    def __init__(self, names: Iterable[str]) -> None:
        # First piece to names as pieces: whether white space stands before, and the word or sign.
        self._by_first: dict[str, list[tuple[tuple[bool, str], ...]]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> bool:
        """Adds a name; whether it has several pieces and was not there before."""
        if WORD.fullmatch(name):
            return False
        pieces = _pieces(name)
        if not pieces:
            return False
        known = self._by_first.setdefault(pieces[0][1], [])
        if pieces in known:
            return False
        known.append(pieces)
        known.sort(key=len, reverse=True)
        return True

    def discard(self, name: str) -> None:
        """Takes a name out again."""
        pieces = _pieces(name)
        self._by_first[pieces[0][1]].remove(pieces)

    def match(self, text: str, start: int, first: str) -> int:
        """The end of the longest name whose first piece is ``first``, standing at ``start``; 0 where there is none."""
        for pieces in self._by_first.get(first, ()):
            end = _end_of(text, start + len(first), pieces)
            if end:
                return end
        return 0


def _pieces(name: str) -> tuple[tuple[bool, str], ...]:
    return tuple((bool(space), piece) for space, piece in _PIECE.findall(name))


def _end_of(text: str, position: int, pieces: tuple[tuple[bool, str], ...]) -> int:
    """Where the name ends; 0 where it does not stand here. ``a - b`` is not the name ``a-b``, nor the reverse."""
    for spaced, piece in pieces[1:]:
        space = _SPACE.match(text, position)
        start = space.end() if space else position
        if (start > position) != spaced or not text.startswith(piece, start):
            return 0
        position = start + len(piece)
        if _IS_PART.match(piece) and position < len(text) and _IS_PART.match(text, position):
            return 0
    return position

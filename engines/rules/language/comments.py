"""Which comment belongs to which token: a line of its own to the token after it, a trailing one to the token before."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lark import Token, Tree

from engines.rules.language.scanner import Comment


class Comments:
    """The comments of a file by token; each is handed out once."""

    def __init__(self, comments: Sequence[Comment], tokens: Sequence[Token]) -> None:
        starts = [token.start_pos or 0 for token in tokens]
        self._above: dict[int, list[str]] = {}
        self._beside: dict[int, list[str]] = {}
        self._rest: list[str] = []
        for comment in comments:
            after = bisect_left(starts, comment.start)
            if not comment.own_line and after:
                self._beside.setdefault(starts[after - 1], []).append(comment.text)
            elif after < len(starts):
                self._above.setdefault(starts[after], []).append(comment.text)
            else:
                self._rest.append(comment.text)

    def above(self, node: Any) -> tuple[str, ...]:
        """Takes the comment lines before the first token of ``node``."""
        return tuple(self._above.pop(_start(node), ()))

    def beside(self, node: Any) -> tuple[str, ...]:
        """Takes the comments after a token, or after the last token of a tree."""
        return tuple(line for token in _leaves(node) for line in self._beside.pop(token.start_pos or 0, ()))

    def of(self, node: Tree[Token]) -> tuple[tuple[str, ...], str]:
        """Takes all comments of a statement: the lines above it, and the one beside it."""
        return self.of_parts([node])

    def of_parts(self, parts: Iterable[Any]) -> tuple[tuple[str, ...], str]:
        """As ``of``, for the parts of a statement without its blocks.

        Comments inside it move above it; of those beside, the last stays.
        """
        above: list[str] = []
        beside: list[str] = []
        for token in (leaf for part in parts for leaf in _leaves(part)):
            above += self._above.pop(token.start_pos or 0, ())
            beside += self._beside.pop(token.start_pos or 0, ())
        return (*above, *beside[:-1]), beside[-1] if beside else ""

    def rest(self) -> tuple[str, ...]:
        """The comments after the last rule, and any that no statement has taken."""
        left = [line for lines in (*self._above.values(), *self._beside.values()) for line in lines]
        return (*left, *self._rest)


def _start(node: Any) -> int:
    return next(_leaves(node)).start_pos or 0


def _leaves(node: Any) -> Iterator[Token]:
    if isinstance(node, Token):
        yield node
    else:
        for child in node.children:
            yield from _leaves(child)

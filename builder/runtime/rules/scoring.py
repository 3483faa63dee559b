"""Score models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.runtime.around import Around


class Scoring:
    """The score models of one command."""

    def __init__(self, around: Around) -> None:
        self._around = around

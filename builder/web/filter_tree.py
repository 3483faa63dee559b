"""Conditions within each other: all of these, any of those; as an address holds them, and in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.web.context import _
from builder.web.filters import Condition, as_data, fits
from engines.form import CompiledForm

# What one filter holds at most.
DEEPEST, MOST, LONGEST = 5, 50, 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Conditions of which all, or any, must hold."""

    every: bool
    parts: tuple[Condition | Tree, ...]

    @property
    def encoded(self) -> str:
        """The tree as an address holds it."""
        return json.dumps(self.plain(), ensure_ascii=False, separators=(",", ":"))

    def plain(self) -> dict[str, Any]:
        """The tree as JSON data: {"all": […]} or {"any": […]} of such, and of [field, operator, value]."""
        parts = [p.plain() if isinstance(p, Tree) else [p.field, p.operator, p.value] for p in self.parts]
        return {"all" if self.every else "any": parts}

    def data(self, form: CompiledForm) -> dict[str, Any]:
        """The tree as the data that ``ListQuery.filter`` takes."""
        parts = [p.data(form) if isinstance(p, Tree) else as_data(p, form) for p in self.parts]
        return {"and" if self.every else "or": parts}

    def words(self, say: Callable[[Condition], str]) -> str:
        """The tree in a sentence; ``say`` puts one condition into words."""
        parts = [f"({p.words(say)})" if isinstance(p, Tree) else say(p) for p in self.parts]
        return (_(" and ") if self.every else _(" or ")).join(parts)

    @property
    def count(self) -> int:
        """How many conditions it holds."""
        return sum(part.count if isinstance(part, Tree) else 1 for part in self.parts)


def parse_tree(text: str, form: CompiledForm, readable: frozenset[str]) -> Tree | None:
    """The tree of an address, without what does not fit; None where nothing is left."""
    if not text or len(text) > LONGEST:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = _tree(given, form, readable, 1)
    return found if found and found.count <= MOST else None


def _tree(given: Any, form: CompiledForm, readable: frozenset[str], depth: int) -> Tree | None:
    if not isinstance(given, Mapping) or depth > DEEPEST:
        return None
    every = "all" in given
    items = given.get("all" if every else "any")
    if not isinstance(items, list):
        return None
    parts: list[Condition | Tree] = []
    for item in items[:MOST]:
        part = _leaf(item, form, readable) if isinstance(item, list) else _tree(item, form, readable, depth + 1)
        if part is not None:
            parts.append(part)
    return Tree(every=every, parts=tuple(parts)) if parts else None


def _leaf(item: list[Any], form: CompiledForm, readable: frozenset[str]) -> Condition | None:
    if not 2 <= len(item) <= 3 or not all(isinstance(part, str) for part in item):
        return None
    leaf = Condition(field=item[0], operator=item[1], value=item[2].strip() if len(item) > 2 else "")
    return leaf if fits(leaf, form, readable) else None

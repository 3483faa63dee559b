"""From one version of a definition's part to another in as few edits as there are differences."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from builder.definitions import MISSING, join_path, split_path
from builder.definitions.edits import child_name
from builder.releases import Draft


def put(draft: Draft, path: str, wanted: Any) -> None:
    """Makes what stands at ``path`` of the draft equal to ``wanted``, property by property; MISSING takes it away.

    Arrays of named children are changed child by child, so that a layer keeps what was meant; others as a whole.
    """
    there = draft.value(path)
    if there == wanted:
        return
    if wanted is MISSING:
        draft.remove(path)
    elif isinstance(there, Mapping) and isinstance(wanted, Mapping):
        for key in [*(k for k in there if k not in wanted), *wanted]:
            put(draft, below(path, key), wanted.get(key, MISSING))
    elif _named(there) and _named(wanted) and there:
        _put_children(draft, path, there, wanted)
    else:
        draft.edit(path, wanted)


def _put_children(draft: Draft, path: str, there: Sequence[Any], wanted: Sequence[Any]) -> None:
    new = {child_name(child) or "": child for child in wanted}
    names = [name for name in map(child_name, there) if name in new]
    for child in there:
        if child_name(child) not in new:
            draft.remove(below(path, child_name(child) or ""))
    staying = _longest_in_order([name for name in new if name in names], [str(name) for name in names])
    before = ""
    for name, child in new.items():
        at = below(path, name)
        if name not in names:
            draft.edit(at, child, after=before)
        else:
            put(draft, at, child)
            if name not in staying:
                draft.move(at, after=before)
        before = name


def _longest_in_order(wanted: Sequence[str], there: Sequence[str]) -> set[str]:
    """The most names that stand in the wanted order already: all others are moved."""
    place = {name: index for index, name in enumerate(there)}
    ends: list[int] = []
    chains: list[tuple[str, ...]] = []
    for name in wanted:
        at = bisect_left(ends, place[name])
        chain = (*(chains[at - 1] if at else ()), name)
        if at == len(ends):
            ends.append(place[name])
            chains.append(chain)
        else:
            ends[at], chains[at] = place[name], chain
    return set(chains[-1]) if chains else set()


def _named(value: Any) -> bool:
    """Whether a list is an ordered set of named children."""
    if not isinstance(value, list):
        return False
    names = [child_name(child) for child in value]
    return None not in names and len(set(names)) == len(names)


def below(path: str, part: str) -> str:
    """The path of a property or a named child of what stands at ``path``."""
    key, parts = split_path(path)
    return join_path(key, *parts, part)

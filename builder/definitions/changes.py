"""What differs between two versions of an app, property by property, for people to read before they publish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from builder.definitions.documents import documents_of
from builder.definitions.edits import MISSING, child_name, join_path
from builder.definitions.source import AppSource

_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference."""

    # "form:book/fields/title/label/en"
    path: str
    # added, removed, changed or moved
    kind: str
    # JSON data; None where there is nothing.
    before: Any = None
    after: Any = None


def changes_between(before: AppSource | None, after: AppSource) -> list[Change]:
    """All differences in the order of files, at most 500."""
    old = documents_of(before) if before else {}
    new = documents_of(after)
    found: list[Change] = []
    for key in sorted({*old, *new}):
        was = old[key].data if key in old else MISSING
        now = new[key].data if key in new else MISSING
        found += _differences(key, was, now)
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _differences(path: str, was: Any, now: Any) -> Iterator[Change]:
    if was == now:
        return
    if was is MISSING:
        yield Change(path=path, kind="added", after=now)
    elif now is MISSING:
        yield Change(path=path, kind="removed", before=was)
    elif isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            yield from _differences(join_path(path, key), was.get(key, MISSING), now.get(key, MISSING))
    elif _named(was) and _named(now):
        yield from _children(path, was, now)
    else:
        yield Change(path=path, kind="changed", before=was, after=now)


def _children(path: str, was: list[Any], now: list[Any]) -> Iterator[Change]:
    old, new = ({child_name(child): child for child in children} for children in (was, now))
    for name in dict.fromkeys((*old, *new)):
        yield from _differences(join_path(path, str(name)), old.get(name, MISSING), new.get(name, MISSING))
    kept = [name for name in old if name in new]
    order = [name for name in new if name in old]
    if kept != order:
        yield Change(path=path, kind="moved", before=kept, after=order)


def _named(value: Any) -> bool:
    """Whether a list is an ordered set of named children, each name once."""
    if not isinstance(value, list):
        return False
    names = [child_name(child) for child in value]
    return None not in names and len(set(names)) == len(names)

"""Statements made once and run often: for all who have the same roles, with what is known of them as parameters.

Making a statement (rights to conditions, FEEL to SQL, some dozen columns) costs a hundred times what running it does.
What makes one gets a ``World`` that notes where known values come from; it must take everything that depends on who
acts, and when, from that world alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Result, bindparam

from engines.feel import Parameters

if TYPE_CHECKING:
    from engines.form.records.world import World

T = TypeVar("T")
# Ids in one IN list: below the limits of both databases.
CHUNK = 500
# Statements kept, and how many of them for one key: their shapes differ with what is null and how long lists are.
_MOST = 1000
_MOST_SHAPES = 8
# The condition that a column holds the id asked for, or one of them.
Match: TypeAlias = Callable[[ColumnElement[UUID]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Generic[T]):
    """A statement, what reads its rows, and where its known values come from."""

    statement: Executable
    reader: T
    parameters: Parameters


class Statements:
    """The statements of one set of forms, those used last. Safe to share between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Prepared[Any], ...]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def find(self, key: Hashable) -> tuple[Prepared[Any], ...]:
        """The statements for a key, the newest first."""
        with self._guard:
            found = self._kept.get(key, ())
            if found:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, made: Prepared[Any]) -> None:
        """Keeps one more statement for a key."""
        with self._guard:
            self._kept[key] = (made, *self._kept.get(key, ()))[:_MOST_SHAPES]
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """``items`` in pieces of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def run_by_ids(
    world: World,
    key: tuple[Hashable, ...] | None,
    ids: Sequence[UUID],
    make: Callable[[World, Match], tuple[Executable, T]],
    given: Mapping[str, Any] | None = None,
) -> Iterator[tuple[T, Result[Any]]]:
    """Runs a statement for some ids, a portion at a time: what reads its rows, and the rows.

    ``key`` as for ``World.prepared``; ``given``: values to bind besides the ids.
    """
    for part in chunks(ids):
        match = _is_one if len(part) == 1 else _is_among
        one_or_many = None if key is None else (*key, match is _is_one)
        statement, values, reader = world.prepared(one_or_many, partial(_with_match, make, match))
        values |= given or {}
        values["ids"] = part[0] if len(part) == 1 else list(part)
        yield reader, world.connection.execute(statement, values)


def _with_match(
    make: Callable[[World, Match], tuple[Executable, T]], match: Match, world: World
) -> tuple[Executable, T]:
    return make(world, match)


def _is_one(column: ColumnElement[UUID]) -> ColumnElement[bool]:
    return column == bindparam("ids", type_=column.type)


def _is_among(column: ColumnElement[UUID]) -> ColumnElement[bool]:
    return column.in_(bindparam("ids", type_=column.type, expanding=True))

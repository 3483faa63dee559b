"""Statements made once and run often: for all who have the same roles, with what is known of them as parameters.

Making a statement (rights to conditions, FEEL to SQL, some dozen columns) costs a hundred times what running it does.
What makes one gets a ``World`` that notes where known values come from; it must take everything that depends on who
acts, and when, from that world alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Executable, bindparam

from engines.feel import Parameters
from engines.feel.sql import DriverStatement

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


class Rows(list[Any]):
    """The rows that a statement found."""

    def first(self) -> Any | None:
        """The first row, or None."""
        return self[0] if self else None

    def one(self) -> Any:
        """The only row; ``ValueError`` where there is none, or more."""
        (row,) = self
        return row

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self]


class Prepared(Generic[T]):
    """A statement, what reads its rows, and where its known values come from. It belongs to one dialect."""

    def __init__(self, statement: Executable, reader: T, parameters: Parameters | None) -> None:
        """``parameters`` None: it was made for this once, with its values in it."""
        self.statement = statement
        self.reader = reader
        self.parameters = parameters
        # The statement as the driver runs it, made when it is first run.
        self._driver: DriverStatement | None = None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Rows:
        """The rows for these values."""
        if self.parameters is not None and connection.in_transaction():
            driver = self._driver
            if driver is None:
                driver = self._driver = DriverStatement(self.statement, connection.dialect)
            if driver.fits:
                return Rows(driver.rows(connection, values))
        found = connection.execute(self.statement, values)
        return Rows(found.all()) if found.returns_rows else Rows()


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
) -> Iterator[tuple[T, Rows]]:
    """Runs a statement for some ids, a portion at a time: what reads its rows, and the rows.

    ``key`` as for ``World.prepared``; ``given``: values to bind besides the ids.
    """
    for part in chunks(ids):
        width = padded(len(part))
        full = None if key is None else (*key, width)
        prepared, values = world.prepared(full, partial(_with_match, make, among("ids", width)))
        values |= given or {}
        values |= bound_ids("ids", part)
        yield prepared.reader, prepared.run(world.connection, values)


def _with_match(
    make: Callable[[World, Match], tuple[Executable, T]], match: Match, world: World
) -> tuple[Executable, T]:
    return make(world, match)


def padded(count: int) -> int:
    """How many bound ids stand for ``count`` of them: a power of two, so that few statements serve all lengths."""
    return 1 << (count - 1).bit_length()


def among(name: str, width: int) -> Match:
    """The condition that a column holds one of the ids that ``bound_ids`` gives for ``name``."""

    def match(column: ColumnElement[UUID]) -> ColumnElement[bool]:
        ids = [bindparam(f"{name}_{place}", type_=column.type) for place in range(width)]
        return column == ids[0] if width == 1 else column.in_(ids)

    return match


def bound_ids(name: str, ids: Sequence[UUID]) -> dict[str, UUID]:
    """The values for ``among(name, padded(len(ids)))``: the last id stands for those that are missing."""
    found = {f"{name}_{place}": value for place, value in enumerate(ids)}
    for place in range(len(ids), padded(len(ids))):
        found[f"{name}_{place}"] = ids[-1]
    return found

"""What a part of an expression is on the way to SQL: a known value, a scalar, one row, or many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, FromClause

from engines.core.diagnostics import Diagnostic
from engines.core.errors import DefinitionError
from engines.feel.sql.parameters import Origin
from engines.feel.sql.source import SqlSource
from engines.feel.types import FeelType

Wrap: TypeAlias = Callable[[ColumnElement[Any]], ColumnElement[Any]]


class SqlUnsupportedError(DefinitionError):
    """The expression has no exact meaning in SQL; the diagnostics say which part and why."""

    code = "feel.sql_unsupported"

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__([diagnostic])


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A value that is the same for all rows, as FEEL holds it."""

    value: Any
    # What it came from, where it may be another one when the statement runs again.
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """An SQL expression with the value of a FEEL type, or null."""

    # Numbers: on SQLite the integer scaled by 10 ** scale, on PostgreSQL the number itself. Booleans: three-valued.
    element: ColumnElement[Any]
    type: FeelType
    nullable: bool = True
    # Numbers: digits after the point.
    scale: int = 0
    # Numbers: no scaled value is greater than this.
    bound: int = 0
    # Numbers: the scaled value where it is known.
    known: int | None = None
    # How many overflow guards are nested in it.
    guards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a source, or none: the record at hand or one that it refers to."""

    source: SqlSource
    # Makes an expression over that row one over the outermost row.
    wrap: Wrap
    # The column that refers to it, where the outer row has one.
    key: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a relation that satisfy conditions, or one value of each of them."""

    source: SqlSource
    selectable: FromClause
    # Predicates over a row; the first joins it to the outer row.
    conditions: tuple[ColumnElement[bool], ...]
    wrap: Wrap
    # The value of each row; None for the row itself.
    item: Scalar | None = None
    # Equal values count once.
    distinct: bool = field(default=False)
    # Fields that the conditions leave no null in.
    present: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLists:
    """One list of rows for each row of a relation (``orders.lines``); ``flatten`` makes one list of them."""

    # All the rows in one list.
    flat: Rows


Term: TypeAlias = Constant | Scalar | Row | Rows | RowLists

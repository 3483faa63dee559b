"""The answer of a tile: typed columns, rows, totals, and the statement that gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.engine import Dialect

from engines.core.text import LocalizedText
from engines.report.definitions import Format, Grain

Row = Mapping[str, Any]


class Role(StrEnum):
    """What a column is for."""

    DIMENSION = "dimension"
    # What people read in place of the dimension named before the dot.
    TITLE = "title"
    MEASURE = "measure"
    # The measure named after the dot in the compared period.
    PREVIOUS = "previous"
    CALCULATION = "calculation"


class ValueType(StrEnum):
    """Which values a column holds; each may also be None."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    TIME = "time"
    DURATION = "duration"
    ID = "id"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a result."""

    # Key in each row: "month", "account.title", "revenue", "previous.revenue".
    name: str
    label: LocalizedText
    role: Role
    type: ValueType
    grain: Grain | None = None
    format: Format = field(default_factory=Format)
    # Labels of values, for choices.
    options: Mapping[str, LocalizedText] = field(default_factory=dict)
    # Colours of values by name, for choices that state them.
    tones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtotal:
    """Rows of a pivot in which only some dimensions are kept; the others stand for all their values."""

    kept: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoSummary:
    """How much the best groups give. Groups are ordered by value, highest first, ties by their dimension."""

    # Groups in all.
    count: int
    # Sum over all groups.
    total: Decimal
    # ceil(0.05 n), ceil(0.10 n), ceil(0.20 n) groups: (percent, groups, sum, part of the total or None).
    tops: tuple[tuple[int, int, Decimal, Decimal | None], ...]
    # Smallest number of groups whose sum reaches 80 % of the total; None where the total is not positive.
    groups_for_80: int | None
    # Part of the total of each tenth of the groups (SQL NTILE), best first.
    deciles: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TileResult:
    """What a tile answered."""

    columns: tuple[Column, ...]
    # Column key to value, in display order.
    rows: tuple[Row, ...]
    # Measures over all rows of the records, also those beyond ``limit``; None where not asked for.
    totals: Row | None
    subtotals: tuple[Subtotal, ...] = ()
    pareto: ParetoSummary | None = None
    # FEEL failures met in computed measures, by column.
    failures: Mapping[str, str] = field(default_factory=dict)
    # Whether there are more groups than are given.
    truncated: bool = False
    # The statement that ran, and for which database; written out only when somebody asks.
    statement: Select[Any] | CompoundSelect[Any] | None = field(default=None, repr=False, compare=False)
    dialect: Dialect | None = field(default=None, repr=False, compare=False)
    # Instant at which the answer held.
    as_of: datetime

    @property
    def sql(self) -> str:
        """The statement that ran, as text, with its parameters apart."""
        return "" if self.statement is None else str(self.statement.compile(dialect=self.dialect))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The values of the statement's parameters by name."""
        return {} if self.statement is None else dict(self.statement.compile(dialect=self.dialect).params)

    def column(self, name: str) -> Column:
        """The column of that name; ``KeyError`` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def with_role(self, *roles: Role) -> tuple[Column, ...]:
        """The columns that have one of ``roles``, in order."""
        return tuple(c for c in self.columns if c.role in roles)

    @property
    def visible(self) -> tuple[Column, ...]:
        """The columns that people see: titles stand in place of what they title."""
        return tuple(c for c in self.columns if c.role is not Role.TITLE)

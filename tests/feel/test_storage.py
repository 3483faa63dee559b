"""Stored values come back equal, and sort in the database as they do in FEEL, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from engines.feel import storage

CASES: list[tuple[Any, list[Any]]] = [
    (storage.ScaledDecimal(18, 2), [Decimal("-9999999999999999.99"), Decimal("-1.50"), Decimal("0"), Decimal("1.05")]),
    (storage.CodePointText(), ["", "A", "Z", "a", "中", "华", "\uffee", "😀"]),
    (storage.CalendarDate(), [date(1, 1, 1), date(999, 12, 31), date(2024, 2, 29), date(9999, 12, 31)]),
    (storage.TimeOfDay(), [time(0), time(9, 5, 0, 1), time(9, 5, 1), time(23, 59, 59, 999999)]),
    (
        storage.Instant(),
        [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
            datetime(2026, 7, 1, 12, 0, 0, 1, UTC),
        ],
    ),
    (storage.Duration(), [timedelta(days=-3), timedelta(0), timedelta(microseconds=1), timedelta(days=400)]),
    (storage.Identifier(), [UUID(int=0), UUID(int=1), UUID(int=1 << 127)]),
    (storage.Flag(), [False, True]),
    (storage.Json(), [{"b": [1, "中", None, True]}]),
]


@pytest.mark.parametrize(("kind", "values"), CASES, ids=lambda case: type(case).__name__)
def test_values_come_back_equal_and_in_order(connection: Connection, kind: Any, values: list[Any]) -> None:
    table = Table("stored", MetaData(), Column("n", Integer, primary_key=True), Column("value", kind))
    table.create(connection)
    rows = [{"n": n, "value": value} for n, value in enumerate(values)]
    connection.execute(insert(table), [*reversed(rows), {"n": 99, "value": None}])
    order = table.c.n if isinstance(kind, storage.Json) else table.c.value
    found = connection.execute(select(table.c.value).where(table.c.value.is_not(None)).order_by(order)).scalars().all()
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (storage.ScaledDecimal(10, 2), Decimal("1.005")),
        (storage.ScaledDecimal(10, 2), Decimal("123456789.00")),
        (storage.ScaledDecimal(10, 2), Decimal("NaN")),
        (storage.Instant(), datetime(2026, 1, 1)),
        (storage.CalendarDate(), datetime(2026, 1, 1)),
        (storage.TimeOfDay(), time(1, tzinfo=UTC)),
        (storage.CodePointText(), "a\0b"),
        (storage.Flag(), 1),
        (storage.Json(), object()),
    ],
)
def test_a_value_that_does_not_fit_is_refused(connection: Connection, kind: Any, value: Any) -> None:
    table = Table("stored", MetaData(), Column("n", Integer, primary_key=True), Column("value", kind))
    table.create(connection)
    with pytest.raises(StatementError, match="ValueError"):
        connection.execute(insert(table), {"n": 1, "value": value})

"""Columns computed along rows, and numbers as people read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engines.core.text import LocalizedText
from engines.report.calculations import calculate, ratio
from engines.report.definitions import Calculation, CalculationType, Format, Grain
from engines.report.formats import number_text, unit_text

N = Decimal


def column(kind: CalculationType, rows: list[dict[str, Any]], **extra: Any) -> list[Any]:
    calculation = Calculation(name="c", label=LocalizedText.of("c"), type=kind, measure="m", **extra)
    calculate(calculation, rows, {"m": N(10)}, lambda row: row.get("s"), "t")
    return [row["c"] for row in rows]


def test_a_running_sum_starts_anew_with_each_year_and_series() -> None:
    rows = [
        {"t": date(2023, 12, 1), "s": "a", "m": N(1)},
        {"t": date(2024, 1, 1), "s": "a", "m": N(2)},
        {"t": date(2024, 1, 1), "s": "b", "m": N(5)},
        {"t": date(2024, 2, 1), "s": "a", "m": None},
        {"t": date(2024, 3, 1), "s": "a", "m": N(4)},
    ]
    assert column(CalculationType.RUNNING, rows, reset=Grain.YEAR) == [N(1), N(2), N(5), N(2), N(6)]


def test_a_moving_mean_is_empty_before_there_are_enough_rows() -> None:
    rows: list[dict[str, Any]] = [{"t": None, "m": N(m)} for m in (1, 2, 6, 1)]
    assert column(CalculationType.MOVING_MEAN, rows, size=3) == [None, None, N(3), N(3)]


def test_a_share_is_of_the_whole_and_a_rank_shares_ties() -> None:
    rows: list[dict[str, Any]] = [{"m": N(4)}, {"m": N(5)}, {"m": N(4)}, {"m": None}, {"m": N(1)}]
    assert column(CalculationType.SHARE, rows) == [N("0.4"), N("0.5"), N("0.4"), None, N("0.1")]
    assert column(CalculationType.RANK, rows) == [N(2), N(1), N(2), None, N(4)]


def test_a_change_needs_something_to_compare_with() -> None:
    rows: list[dict[str, Any]] = [
        {"m": N(12), "previous.m": N(10)},
        {"m": N(12), "previous.m": N(0)},
        {"m": N(12), "previous.m": None},
    ]
    assert column(CalculationType.CHANGE, rows) == [N("0.2"), None, None]


def test_a_ratio_has_34_digits() -> None:
    assert ratio(N(1), N(3)) == N("0.3333333333333333333333333333333333")
    assert ratio(N(1), N(0)) is None


@pytest.mark.parametrize(
    ("value", "shape", "locale", "text"),
    [
        ("1234567.005", Format(), "en", "1,234,567.01"),
        ("1200", Format(), "en", "1,200"),
        ("0.1234", Format(style="percent", scale=1), "zh", "12.3%"),
        ("-5.5", Format(style="money", currency="CNY"), "zh", "-¥5.50"),
        ("123456789", Format(compact=True, scale=2), "zh", "1.23亿"),
        ("45600", Format(compact=True, scale=1), "zh", "4.6万"),
        ("45600", Format(compact=True, scale=1), "en", "45.6K"),
        ("1E+3", Format(scale=0), "en", "1,000"),
    ],
)
def test_numbers_are_written_for_people(value: str, shape: Format, locale: str, text: str) -> None:
    assert number_text(N(value), shape, locale) == text


@pytest.mark.parametrize(
    ("grain", "text"),
    [(Grain.DAY, "2024-12-30"), (Grain.WEEK, "2025-W01"), (Grain.MONTH, "2024-12"), (Grain.QUARTER, "2024-Q4")],
)
def test_units_are_written_by_their_standard(grain: Grain, text: str) -> None:
    assert unit_text(date(2024, 12, 30), grain) == text

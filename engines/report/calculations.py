"""Columns computed along the rows of a result, exactly: running sums, moving means, shares, changes, ranks."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping, Sequence
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Any

from engines.report.definitions import Calculation, CalculationType, Grain
from engines.report.grains import floor

# Divisions follow FEEL's numbers: 34 digits, half even (DMN 1.5 §10.3.2.3.1 number).
DECIMAL = Context(prec=34)

MutableRow = MutableMapping[str, Any]
Key = Callable[[Mapping[str, Any]], Hashable]


def calculate(
    calculation: Calculation,
    rows: Sequence[MutableRow],
    totals: Mapping[str, Any] | None,
    series: Key,
    time: str | None,
) -> None:
    """Adds the column of ``calculation`` to ``rows``.

    ``series`` gives the key within which running sums, moving means and ranks are computed (the values of all
    dimensions but the first); ``time`` names the time dimension that resets a running sum. A share of nothing, or
    of a total of zero, is None.
    """
    with localcontext(DECIMAL):
        match calculation.type:
            case CalculationType.RUNNING:
                _running(calculation, rows, series, time)
            case CalculationType.MOVING_MEAN:
                _moving_mean(calculation, rows, series)
            case CalculationType.SHARE:
                total = (totals or {}).get(calculation.measure)
                _each(calculation, rows, lambda row: ratio(row[calculation.measure], total))
            case CalculationType.CHANGE:
                _each(calculation, rows, lambda row: _change(row, calculation.measure))
            case CalculationType.RANK:
                _rank(calculation, rows, series)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """``part / whole`` with 34 digits; None where either is missing or the whole is zero."""
    if part is None or not whole:
        return None
    return DECIMAL.divide(Decimal(part), Decimal(whole))


def _each(calculation: Calculation, rows: Iterable[MutableRow], value: Callable[[MutableRow], Any]) -> None:
    for row in rows:
        row[calculation.name] = value(row)


def _change(row: Mapping[str, Any], measure: str) -> Decimal | None:
    now, before = row[measure], row[f"previous.{measure}"]
    return None if now is None or before is None else ratio(now - before, before)


def _running(calculation: Calculation, rows: Sequence[MutableRow], series: Key, time: str | None) -> None:
    sums: dict[Hashable, Decimal] = defaultdict(Decimal)
    for row in rows:
        key = (series(row), _unit(row, time, calculation.reset))
        sums[key] += row[calculation.measure] or 0
        row[calculation.name] = sums[key]


def _unit(row: Mapping[str, Any], time: str | None, reset: Grain | None) -> date | None:
    bucket = row[time] if time and reset else None
    return floor(bucket, reset) if bucket is not None and reset else None


def _moving_mean(calculation: Calculation, rows: Sequence[MutableRow], series: Key) -> None:
    windows: dict[Hashable, deque[Decimal]] = defaultdict(lambda: deque(maxlen=calculation.size))
    for row in rows:
        window = windows[series(row)]
        window.append(row[calculation.measure] or Decimal(0))
        full = len(window) == calculation.size
        row[calculation.name] = ratio(sum(window, Decimal(0)), calculation.size) if full else None


def _rank(calculation: Calculation, rows: Sequence[MutableRow], series: Key) -> None:
    groups: dict[Hashable, list[MutableRow]] = defaultdict(list)
    for row in rows:
        row[calculation.name] = None
        if row[calculation.measure] is not None:
            groups[series(row)].append(row)
    for group in groups.values():
        place, last = 0, None
        for index, row in enumerate(sorted(group, key=lambda r: r[calculation.measure], reverse=True), 1):
            if row[calculation.measure] != last:
                place, last = index, row[calculation.measure]
            row[calculation.name] = Decimal(place)

"""The periods that people choose most."""

from __future__ import annotations

from datetime import date, timedelta

from engines.report.definitions import Grain
from engines.report.grains import add_months, floor, step
from engines.report.periods import DateRange


def presets(today: date) -> dict[str, DateRange]:
    """Usual periods by name, for somebody for whom it is ``today``; "all" is open at both ends."""
    month = floor(today, Grain.MONTH)
    year = floor(today, Grain.YEAR)
    return {
        "this_month": _unit(month, Grain.MONTH),
        "last_month": _unit(step(month, Grain.MONTH, -1), Grain.MONTH),
        "this_quarter": _unit(floor(today, Grain.QUARTER), Grain.QUARTER),
        "this_year": _unit(year, Grain.YEAR),
        "last_year": _unit(step(year, Grain.YEAR, -1), Grain.YEAR),
        "last_12_months": DateRange(start=add_months(month, -11), end=_unit(month, Grain.MONTH).end),
        "all": DateRange(),
    }


def _unit(start: date, grain: Grain) -> DateRange:
    return DateRange(start=start, end=step(start, grain) - timedelta(days=1))

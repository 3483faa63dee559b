"""Values as people read them: numbers, money, percentages, calendar units, choices, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engines.report.columns import title_name
from engines.report.definitions import Format, Grain
from engines.report.results import Column, Role

_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"}
_COMPACT = {
    "zh": ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万")),
    "en": ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K")),
}
_WORDS = {
    "zh": {"missing": "（空）", True: "是", False: "否", "days": "天", "total": "合计"},
    "en": {"missing": "(none)", True: "Yes", False: "No", "days": "d", "total": "Total"},
}


def shown(row: Mapping[str, Any], column: Column, locale: str, zone: ZoneInfo | None = None) -> str:
    """What people read in a cell: a title in place of an id, a choice's label, a number with its unit."""
    value = row.get(column.name)
    title = row.get(title_name(column.name)) if column.role is Role.DIMENSION else None
    if title is not None:
        return str(title)
    if value is None:
        return word("missing", locale) if column.role is Role.DIMENSION else ""
    return text_of(value, column, locale, zone)


def text_of(value: Any, column: Column, locale: str, zone: ZoneInfo | None = None) -> str:
    """A value of ``column`` as people read it."""
    match value:
        case bool():
            return word(value, locale)
        case Decimal() | int():
            return number_text(Decimal(value), column.format, locale)
        case datetime():
            return f"{value.astimezone(zone) if zone else value:%Y-%m-%d %H:%M}"
        case date():
            return unit_text(value, column.grain)
        case time():
            return f"{value:%H:%M:%S}"
        case timedelta():
            return f"{number_text(_days(value), Format(scale=2), locale)} {word('days', locale)}"
    label = column.options.get(str(value))
    return label.get(locale) if label else str(value)


def number_text(value: Decimal, shape: Format, locale: str) -> str:
    """A number with thousands separators, rounded half up to the digits that ``shape`` shows."""
    suffix = ""
    if shape.style == "percent":
        value, suffix = value * 100, "%"
    elif shape.style == "days":
        suffix = f" {word('days', locale)}"
    elif shape.compact:
        value, suffix = _compacted(value, locale)
    scale = _scale(value, shape)
    rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    text = f"{abs(rounded):,f}"
    symbol = _SYMBOLS.get(shape.currency, f"{shape.currency} ") if shape.currency else ""
    return f"{'-' if rounded < 0 else ''}{symbol}{text}{suffix}"


def unit_text(start: date, grain: Grain | None) -> str:
    """A calendar unit by its first day: 2026-03, 2026-Q1, 2026-W09 (ISO 8601 week), 2026."""
    match grain:
        case Grain.YEAR:
            return f"{start.year:04d}"
        case Grain.QUARTER:
            return f"{start.year:04d}-Q{(start.month + 2) // 3}"
        case Grain.MONTH:
            return f"{start:%Y-%m}"
        case Grain.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year:04d}-W{week:02d}"
    return start.isoformat()


def word(key: str | bool, locale: str) -> str:
    """One of the few words that results need, in ``locale``."""
    return _WORDS["zh" if locale.startswith("zh") else "en"][key]


def _compacted(value: Decimal, locale: str) -> tuple[Decimal, str]:
    for size, unit in _COMPACT["zh" if locale.startswith("zh") else "en"]:
        if abs(value) >= size:
            return value / size, unit
    return value, ""


def _scale(value: Decimal, shape: Format) -> int:
    if shape.scale is not None:
        return shape.scale
    if shape.style == "money":
        return 2
    exponent = value.normalize().as_tuple().exponent
    return min(2, max(0, -exponent)) if isinstance(exponent, int) else 0


def _days(value: timedelta) -> Decimal:
    return Decimal(value // timedelta(microseconds=1)) / Decimal(86_400_000_000)

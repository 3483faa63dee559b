"""Cells as people write them, made into what a field takes; the form engine alone decides whether that is good."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from engines.form import CompiledField
from engines.form.types.base import Refused

# Spreadsheets run a text that begins with one of these as a formula; such texts leave us behind an apostrophe.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
ERRORS = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"})
LISTED = re.compile(r"[,，;；、\n]")
_AS_TEXT = re.compile(r'="([^"]*)"')
_DAY = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_CHINESE_DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})[日号]?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([ap]m)?", re.IGNORECASE)
_MONEY = re.compile(r"[¥￥$€£\s]|元$|CNY|RMB|USD|EUR", re.IGNORECASE)
_YES = frozenset("√✓✔x")
_NO = frozenset("×✗")

Reader = Callable[[str], Any]


def cleaned(cell: str) -> str:
    """A cell without what keeps spreadsheets from changing it: blanks, ``="…"``, an apostrophe before a formula.

    ``Refused`` "import.cell_error" for an error that a formula left.
    """
    text = cell.strip()
    if text in ERRORS:
        raise Refused("import.cell_error", value=text)
    if match := _AS_TEXT.fullmatch(text):
        return match[1]
    if text.startswith("'") and text.lstrip("'").startswith(DANGEROUS):
        return text[1:]
    return text


def reader(field: CompiledField, order: str, labels: Mapping[str, str]) -> Reader:
    """What turns a text (never empty) into a raw value of ``field``; ``labels``: what its options are called, to names.

    ``order`` tells how days like 01/02/2026 are meant.
    """
    match field.definition.type:
        case "number" | "money" | "rating":
            return _number
        case "percent":
            return _percent
        case "boolean":
            return _boolean
        case "choice":
            return lambda text: labels.get(text.casefold(), text)
        case "multi_choice" | "ranking":
            return lambda text: _listed(text, labels)
        case "tags":
            return lambda text: [part.strip() for part in LISTED.split(text) if part.strip()]
        case "date":
            return lambda text: day_of(text, order)
        case "datetime":
            return lambda text: _instant(text, order)
        case "time":
            return _time
        case "duration":
            return _duration
        case _:
            return str


def option_labels(field: CompiledField, more: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the options of a field may be called in a cell, in any language, to their names; ``more``: label sets."""
    found: dict[str, str] = {}
    for option in field.definition.options:
        for text in (*more.get(option.name, {}).values(), *option.label.texts.values(), option.name):
            found.setdefault(text.strip().casefold(), option.name)
    return found


def _listed(text: str, labels: Mapping[str, str]) -> list[str]:
    if text.casefold() in labels:
        return [labels[text.casefold()]]
    parts = [part.strip() for part in LISTED.split(text) if part.strip()]
    return [labels.get(part.casefold(), part) for part in parts]


def _number(text: str) -> str:
    plain = _MONEY.sub("", unicodedata.normalize("NFKC", text))
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    return plain


def _percent(text: str) -> Any:
    plain = _number(text)
    if not plain.endswith("%"):
        return plain
    from engines.form.types.numbers import parse_number

    return parse_number(plain[:-1].strip()) / 100


def _boolean(text: str) -> Any:
    if text.lower() in _YES:
        return True
    return False if text in _NO else text


def day_of(text: str, order: str) -> str:
    """A day in ISO 8601, of what spreadsheets and people write; as it stands where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if match := _CHINESE_DAY.fullmatch(plain):
        return f"{int(match[1]):04}-{int(match[2]):02}-{int(match[3]):02}"
    date, _space, rest = plain.replace("T", " ").partition(" ")
    if rest and not re.fullmatch(r"0{1,2}:00(:00(\.0+)?)?", rest):
        return plain
    match = _DAY.fullmatch(date)
    if match is None:
        return date
    first, second, third = (int(part) for part in match.groups())
    if len(match[1]) == 4:
        return f"{first:04}-{second:02}-{third:02}"
    if len(match[3]) != 4 or order == "ymd":
        raise Refused("import.unclear_day", value=text[:40])
    day, month = (first, second) if order == "dmy" else (second, first)
    return f"{third:04}-{month:02}-{day:02}"


def _instant(text: str, order: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.search(r"\dT\d", plain):
        return plain
    date, _space, rest = plain.partition(" ")
    clock = _time(rest) if rest.strip() else "00:00:00"
    return f"{day_of(date, order)}T{clock}"


def _time(text: str) -> str:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return text
    hour = int(match[1])
    if half := (match[4] or "").lower():
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{match[2]}:{match[3] or '00'}"


def _duration(text: str) -> str:
    match = re.fullmatch(r"(-?)(\d{1,6}):(\d{2})(?::(\d{2}))?", text.strip())
    return f"{match[1]}PT{match[2]}H{match[3]}M{match[4] or 0}S" if match else text

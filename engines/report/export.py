"""Answers as files: CSV that Excel opens as it stands, and XLSX with typed cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import xlsxwriter

from engines.report.columns import title_name
from engines.report.compiled import CompiledTile
from engines.report.definitions import Format
from engines.report.formats import text_of, unit_text, word
from engines.report.results import Column, Role, Row, TileResult
from engines.report.tables import heading

_BOM = "\ufeff"
# Spreadsheets run a text that begins with one of these as a formula (OWASP, CSV injection).
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# Digits of a number that a spreadsheet shows as they are.
_SHOWN_DIGITS = 11


def to_csv(tile: CompiledTile, result: TileResult, locale: str, zone: ZoneInfo | None = None) -> bytes:
    """The answer as CSV (RFC 4180) in UTF-8 with a byte order mark.

    Numbers stand unformatted with a point, dates in ISO 8601; a text that a spreadsheet would run is led by an
    apostrophe.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for line in _lines(tile, result, locale, zone):
        writer.writerow([csv_cell(cell) for cell in line])
    return (_BOM + buffer.getvalue()).encode()


def to_xlsx(
    tile: CompiledTile, result: TileResult, locale: str, target: BinaryIO, zone: ZoneInfo | None = None
) -> None:
    """Writes the answer to ``target`` as a workbook with one sheet, row by row, in constant memory.

    Numbers and dates are typed and formatted; texts are written as texts, never as formulas or links. Excel holds 15
    digits: a number with more is written as text, so that none is lost.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        workbook.set_properties({"created": result.as_of.astimezone(UTC).replace(tzinfo=None)})
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({"bold": True})
        columns = result.visible
        formats = [workbook.add_format({"num_format": _excel_format(c)}) for c in columns]
        sheet.freeze_panes(1, 0)
        for row_number, line in enumerate(_lines(tile, result, locale, zone)):
            for number, cell in enumerate(line):
                write_cell(sheet, row_number, number, cell, bold if row_number == 0 else formats[number])


def _lines(tile: CompiledTile, result: TileResult, locale: str, zone: ZoneInfo | None) -> Iterator[Sequence[Any]]:
    columns = result.visible
    yield [heading(tile, c, locale) for c in columns]
    readers = [_reader(c, locale, zone) for c in columns]
    for row in result.rows:
        yield [read(row) for read in readers]
    if result.totals is not None and tile.dimensions:
        first = next((c.name for c in columns if c.role is Role.DIMENSION), "")
        yield [word("total", locale) if c.name == first else result.totals.get(c.name) for c in columns]


def _reader(column: Column, locale: str, zone: ZoneInfo | None) -> Callable[[Row], Any]:
    """What takes a column's value out of a row; numbers, which are most cells, by the shortest way."""
    name = column.name
    if column.role is not Role.DIMENSION and column.type == "number":
        return lambda row: row.get(name)
    return lambda row: _value(row, column, locale, zone)


def _value(row: Row, column: Column, locale: str, zone: ZoneInfo | None) -> Any:
    """A cell's value: labels and titles as text, numbers and dates as themselves."""
    value = row.get(column.name)
    if column.role is Role.DIMENSION:
        title = row.get(title_name(column.name))
        if title is not None:
            return title
        if column.grain and isinstance(value, date):
            return value if column.grain == "day" else unit_text(value, column.grain)
    if value is None or (isinstance(value, Decimal | datetime | date | timedelta) and not isinstance(value, bool)):
        return value.astimezone(zone) if isinstance(value, datetime) and zone else value
    return text_of(value, column, locale, zone)


def csv_cell(value: Any) -> str:
    """A value as a cell of a CSV file that a spreadsheet opens as it stands.

    A text that it would run is led by an apostrophe; digits that it would take for a number and
    round, or whose zeros it would drop, are led by a tab. Reading a table takes both away again.
    """
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value // timedelta(seconds=1)}"
    text = str(value)
    if text.lstrip("'").startswith(_DANGEROUS):
        return "'" + text
    digits = text.isascii() and text.isdigit()
    return f"\t{text}" if digits and (len(text) > _SHOWN_DIGITS or (text[0] == "0" and len(text) > 1)) else text


def write_cell(sheet: Any, row: int, column: int, value: Any, shape: Any) -> None:
    """Writes a value into a workbook's sheet: numbers and dates typed, texts as texts whatever they begin with."""
    match value:
        case None:
            return
        case Decimal():
            # Written short, it has no more digits than a cell holds.
            if len(str(value)) <= 15:
                sheet.write_number(row, column, float(value), shape)
                return
            rounded = _to_digits(value)
            if rounded is None:
                sheet.write_string(row, column, f"{value:f}")
            else:
                sheet.write_number(row, column, float(rounded), shape)
        case date() if value.year < 1900:
            sheet.write_string(row, column, value.isoformat())
        case datetime():
            sheet.write_datetime(row, column, value.replace(tzinfo=None), shape)
        case date():
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), shape)
        case timedelta():
            sheet.write_number(row, column, value / timedelta(days=1), shape)
        case _:
            sheet.write_string(row, column, str(value), shape)


def _to_digits(value: Decimal) -> Decimal | None:
    """A ratio's 34 digits cut to the 15 that a cell holds; None where digits before the point would be lost."""
    whole = value.adjusted() + 1
    return None if whole > 15 else round(value, 15 - max(whole, 0))


def _excel_format(column: Column) -> str:
    if column.role is Role.DIMENSION:
        return {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "time": "hh:mm:ss"}.get(column.type, "General")
    if column.type != "number":
        return {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "duration": "0.00"}.get(column.type, "General")
    return _number_format(column.format)


def _number_format(shape: Format) -> str:
    usual = {"percent": 1, "money": 2}.get(shape.style)
    scale = usual if shape.scale is None else shape.scale
    if scale is None:
        return "#,##0.##########"
    digits = f".{'0' * scale}" if scale else ""
    return f"0{digits}%" if shape.style == "percent" else f"#,##0{digits}"

"""A list as a file: its filters and columns, row by row, with what the rights open to exporting and no more."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from flask import Response, stream_with_context

from builder.web.catalogue import FormPlace
from builder.web.context import change, reading, site
from builder.web.download import as_download, file_response
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import Column, record_value
from builder.workspace import Work
from engines.form import MASK, CompiledField, ListQuery, Record
from engines.report.export import csv_cell, write_cell

PAGE = 500
# Rows of one sheet, the headings among them.
MOST_ROWS = 1_048_576
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = "\ufeff"
_MEMORY = 4 * 1024 * 1024


def export_list(place: FormPlace, query: ListQuery, columns: Sequence[Column], kind: str) -> Response:
    """The records that ``query`` lists, with ``columns``, as a file of ``kind``; that it was made is written down."""
    detail = {"kind": kind, "view": query.view, "columns": [column.name for column in columns]}
    change(lambda work: work.audit("record.export", place.name, detail), "record.export")
    asked = replace(query, after=None, limit=PAGE, count=False, operation="export")
    make = _csv if kind == "csv" else _xlsx
    response = make(place, asked, columns)
    day = site().formats.now.astimezone(site().formats.zone).date()
    return as_download(response, f"{place.plural} {day.isoformat()}.{kind}")


def _csv(place: FormPlace, query: ListQuery, columns: Sequence[Column]) -> Response:
    """Sent while it is read."""

    def lines() -> Iterator[str]:
        yield BOM
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow([csv_cell(column.label) for column in columns])
        for number, row in enumerate(_rows(place, query, columns)):
            writer.writerow([csv_cell(cell) for cell in row])
            if number % 200 == 0:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    # The first page is asked for before anything is sent, so that a refusal is one.
    with reading() as work:
        work.records.page(place.name, replace(query, limit=1))
    return Response(stream_with_context(lines()), content_type=KINDS["csv"])


def _xlsx(place: FormPlace, query: ListQuery, columns: Sequence[Column]) -> Response:
    """Written into a file row by row, in constant memory; a list longer than a sheet goes on in the next one."""
    target = tempfile.SpooledTemporaryFile(max_size=_MEMORY)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        bold = book.add_format({"bold": True})
        shapes = [book.add_format({"num_format": _shape(place.form.fields.get(c.name))}) for c in columns]
        sheet, at = None, MOST_ROWS
        for row in _rows(place, query, columns):
            if at >= MOST_ROWS:
                sheet, at = _sheet(book, columns, bold), 1
            for number, cell in enumerate(row):
                write_cell(sheet, at, number, cell, shapes[number])
            at += 1
        if sheet is None:
            _sheet(book, columns, bold)
    return file_response(target, KINDS["xlsx"])


def _sheet(book: Any, columns: Sequence[Column], bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, 14 if column.numeric else 20)
        sheet.write_string(0, number, column.label, bold)
    return sheet


def _rows(place: FormPlace, query: ListQuery, columns: Sequence[Column]) -> Iterator[list[Any]]:
    """The cells of each record, page after page of one snapshot."""
    with reading() as work:
        after: str | None = None
        while True:
            page = work.records.page(place.name, replace(query, after=after))
            names = WorkNames(work)
            names.learn(place.form, page.records)
            cells = _cells(work, place, columns, names)
            yield from map(cells, page.records)
            after = page.next
            if after is None:
                return


def _cells(work: Work, place: FormPlace, columns: Sequence[Column], names: WorkNames) -> Callable[[Record], list[Any]]:
    display = Display(site().formats, names, place.app.name)
    zone = site().formats.zone

    def read(record: Record) -> list[Any]:
        return [_value(place, record, column.name, display, zone) for column in columns]

    return read


def _value(place: FormPlace, record: Record, name: str, display: Display, zone: ZoneInfo) -> Any:
    """Numbers and days as themselves, all else as people read it."""
    if name in record.masked:
        return MASK
    field = place.form.fields.get(name)
    value = record.values.get(name) if field is not None else record.system().get(name)
    match value:
        case None | "" | []:
            return None
        case bool():
            return display.formats.plain(value)
        case int():
            return Decimal(value)
        case datetime():
            return value.astimezone(zone)
        case Decimal() | date() | timedelta() | str() if field is None or not field.definition.options:
            return (
                value
                if field is None or field.definition.type != "rich_text"
                else display.text(field.definition, value)
            )
    return record_value(place.form, record, name, display).striptags()


def _shape(field: CompiledField | None) -> str:
    """How a spreadsheet shows a column's numbers and days."""
    kind = field.definition.type if field else "datetime"
    scale = int(field.definition.config.get("scale", 2)) if field else 0
    digits = f".{'0' * scale}" if scale else ""
    match kind:
        case "date":
            return "yyyy-mm-dd"
        case "datetime":
            return "yyyy-mm-dd hh:mm"
        case "money":
            return f"#,##0{digits}"
        case "percent":
            return f"0{'.' + '0' * (scale - 2) if scale > 2 else ''}%"
        case "number" if field and "scale" in field.definition.config:
            return f"#,##0{digits}"
        case "duration":
            return "[h]:mm:ss"
        case "text" | "phone" | "resident_id" | "credit_code" | "barcode" | "autonumber":
            return "@"
    return "General"

"""The lines that were refused as a file of the same columns: to be mended and brought again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

import sqlalchemy as sa
import xlsxwriter

from builder.imports.sheets.cells import DANGEROUS
from builder.imports.sheets.runs import ImportRun, forget_staged, staged_of
from builder.storage.import_tables import import_problem
from builder.workspace import Workspace

CHUNK = 300
_HEADINGS = {"zh": ("原行号", "问题"), "en": ("Original line", "Problem")}


def refused_file(workspace: Workspace, run: ImportRun, target: BinaryIO, locale: str) -> None:
    """Writes all lines of refused records to ``target``, CSV or XLSX as the file came, with line and problem behind."""
    try:
        lines = _lines(workspace, run, locale)
        if run.inspected["format"] == "csv":
            _csv(lines, target)
        else:
            _xlsx(lines, target)
    finally:
        if not run.is_working:
            forget_staged(workspace, run)


def _lines(workspace: Workspace, run: ImportRun, locale: str) -> Iterator[list[str]]:
    told = _problems(workspace, run)
    with staged_of(workspace, run) as staged:
        heading = list(staged.heading)
        width = len(heading)
        yield heading + list(_HEADINGS.get(locale, _HEADINGS["en"]))
        numbers = iter(told)
        written: set[int] = set()
        while part := list(islice(numbers, CHUNK)):
            for number, cells in staged.lines(part):
                if number not in written:
                    written.add(number)
                    full = [*cells, *[""] * (width - len(cells))][:width]
                    yield [*full, str(number), told.get(number, "")]


def _problems(workspace: Workspace, run: ImportRun) -> dict[int, str]:
    table = import_problem.c
    query = sa.select(table.line, table.header, table.text).where(table.import_id == run.id)
    found: dict[int, list[str]] = {}
    with workspace.database.read() as connection:
        for line, header, text in connection.execute(query.order_by(table.line, table.place)):
            found.setdefault(line, []).append(f"{header}: {text}" if header else text)
    return {line: " ".join(texts) for line, texts in found.items()}


def _csv(lines: Iterator[Sequence[str]], target: BinaryIO) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    for line in lines:
        writer.writerow([_safe(cell) for cell in line])
    text.flush()
    text.detach()


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; a number keeps its sign."""
    plain = cell.replace(".", "").replace(",", "").removeprefix("-").removeprefix("+")
    return f"'{cell}" if cell.startswith(DANGEROUS) and not plain.isdigit() else cell


def _xlsx(lines: Iterator[Sequence[Any]], target: BinaryIO) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        for row, line in enumerate(lines):
            for column, cell in enumerate(line):
                if cell:
                    sheet.write_string(row, column, cell, bold if row == 0 else None)
        sheet.freeze_panes(1, 0)

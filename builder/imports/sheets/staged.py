"""A table that was read, in a database file of its own beside the workspace: lines gathered into records."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from uuid import uuid4

from builder.imports.reading import DataFile
from builder.imports.sheets.mapping import SheetMapping
from engines.core import InputError, InputProblem

CHUNK = 2_000
_TABLES = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = OFF;
CREATE TABLE line (place INTEGER PRIMARY KEY, number INTEGER, record INTEGER, cells TEXT);
CREATE TABLE seen (path TEXT, value TEXT, line INTEGER, PRIMARY KEY (path, value)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRecord:
    """The lines of one record."""

    # Its place among the records, from 0.
    place: int
    # Number of each line in the file, and its cells.
    lines: Sequence[tuple[int, Sequence[str]]]

    @property
    def line(self) -> int:
        """The number of its first line."""
        return self.lines[0][0]


class Staged:
    """The lines of one table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, timeout=30)
        # Whatever happens to this file, it is made anew from the table.
        self._connection.execute("PRAGMA synchronous = OFF")

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def heading(self) -> Sequence[str]:
        """The headings."""
        row = self._connection.execute("SELECT cells FROM line WHERE place = 0").fetchone()
        return json.loads(row[0]) if row else ()

    @property
    def total(self) -> int:
        """How many records there are."""
        found: int = self._connection.execute("SELECT coalesce(max(record) + 1, 0) FROM line").fetchone()[0]
        return found

    def records(self, start: int, count: int) -> list[StagedRecord]:
        """Records from ``start`` on."""
        query = "SELECT record, number, cells FROM line WHERE record >= ? AND record < ? ORDER BY place"
        with closing(self._connection.execute(query, (start, start + count))) as rows:
            return [
                StagedRecord(place=place, lines=[(number, json.loads(cells)) for _, number, cells in lines])
                for place, lines in groupby(rows, key=itemgetter(0))
            ]

    def lines(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[str]]]:
        """All lines of the records that hold one of the lines ``numbers``."""
        marks = ",".join("?" * len(numbers))
        query = (
            f"SELECT number, cells FROM line WHERE record IN (SELECT record FROM line WHERE number IN ({marks})) "  # noqa: S608
            "ORDER BY place"
        )
        for number, cells in self._connection.execute(query, list(numbers)):
            yield number, json.loads(cells)

    def twice(self, path: str, value: str, line: int) -> int | None:
        """The earlier line that has the same value for a field that must not repeat; notes the value."""
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (path, value, line))
        query = "SELECT line FROM seen WHERE path = ? AND value = ?"
        first: int = self._connection.execute(query, (path, value)).fetchone()[0]
        return first if first != line else None


def stage(
    file: DataFile, mapping: SheetMapping, path: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> None:
    """Reads a table into a file at ``path``, which appears whole or not at all.

    ``InputError`` where it cannot be read, or holds nothing below its headings.
    """
    part = path.with_name(f"{path.name}.{uuid4().hex}")
    connection = sqlite3.connect(part)
    try:
        connection.executescript(_TABLES)
        gathered = _gathered(file.lines(), mapping)
        rows = 0
        while chunk := list(islice(gathered, CHUNK)):
            connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", chunk)
            rows += len(chunk)
            progress(file.position, file.size)
        if rows < 2:
            raise InputError([InputProblem(pointer="", code="import.no_lines")])
        connection.execute("CREATE INDEX line_record ON line (record)")
        connection.execute("CREATE INDEX line_number ON line (number)")
        connection.commit()
        connection.close()
        os.replace(part, path)
    finally:
        connection.close()
        part.unlink(missing_ok=True)


def _gathered(
    lines: Iterator[tuple[int, Sequence[str]]], mapping: SheetMapping
) -> Iterator[tuple[int, int, int | None, str]]:
    """Place, number, record and cells of each line from the headings on; the headings belong to no record."""
    same = _Same(mapping)
    record, place = -1, 0
    for number, cells in lines:
        if number < mapping.heading:
            continue
        text = json.dumps(list(cells), ensure_ascii=False)
        if place == 0:
            yield 0, number, None, text
        elif any(cell.strip() for cell in cells):
            record += not same.record(cells) or record < 0
            yield place, number, record, text
        else:
            continue
        place += 1


class _Same:
    """Tells whether a line belongs to the record of the line above: its own cells are empty, or the same as there."""

    def __init__(self, mapping: SheetMapping) -> None:
        own = [column.place for column in mapping.chosen if "." not in column.field]
        key = [column.place for column in mapping.chosen if column.field == mapping.key and mapping.key]
        self._places = (key or own) if mapping.has_rows else []
        self._before: list[str] | None = None

    def record(self, cells: Sequence[str]) -> bool:
        if not self._places:
            return False
        own = [cells[place].strip() if place < len(cells) else "" for place in self._places]
        if self._before is not None and (own == self._before or not any(own)):
            return True
        self._before = own
        return False


def counts_of(more: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Two sets of counts as one."""
    return {name: before.get(name, 0) + more.get(name, 0) for name in {**before, **more}}

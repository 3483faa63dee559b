"""Staging: lines are read, typed and sorted out into a file beside the database before any record is written."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from builder.imports.definition import ImportDefinition, RecordMapping
from builder.imports.reading import DataFile
from engines import feel
from engines.core import InputError, InputProblem

CHUNK = 5_000
Cell = str | None
Line = tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that was not taken."""

    # 1-based line of the file.
    line: int
    # Heading of the column to blame; empty for the line.
    column: str
    # Name of the mapping's reason, or a code of the catalogue.
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Columns:
    """The columns of a mapping in one file: reads cells as values, each distinct cell once."""

    def __init__(self, definition: ImportDefinition, heading: Sequence[str], zone: tzinfo) -> None:
        places = {name.strip(): place for place, name in enumerate(heading)}
        missing = [c.header for c in definition.columns if c.header not in places]
        if missing:
            found = ", ".join(heading)
            raise InputError(
                InputProblem(pointer="", code="import.missing_column", params={"column": name, "columns": found})
                for name in missing
            )
        self.width = len(heading)
        self.columns = definition.columns
        self.names = tuple(c.name for c in definition.columns)
        self.places = tuple(places[c.header] for c in definition.columns)
        self._readers: tuple[Callable[[str], Any], ...] = tuple(_reader(c.type, zone) for c in definition.columns)
        self._values: tuple[dict[Cell, Any], ...] = tuple({None: None} for _ in definition.columns)

    def value(self, index: int, cell: Cell) -> Any:
        """The value of a cell of column ``index``; ``ValueError`` where it cannot be read."""
        known = self._values[index]
        if cell not in known:
            if len(known) > 100_000:
                known.clear()
                known[None] = None
            known[cell] = self._readers[index](str(cell))
        return known[cell]

    def check(self, number: int, line: Line) -> Rejected | None:
        """The first cell of the line that cannot be read."""
        for index, cell in enumerate(line):
            if cell not in self._values[index]:
                try:
                    self.value(index, cell)
                except (ValueError, InvalidOperation):
                    column = self.columns[index]
                    params = {"value": str(cell)[:60], "column": column.header}
                    return Rejected(
                        line=number, column=column.header, code=f"import.not_a_{column.type}", params=params
                    )
        return None


class Evaluator:
    """A FEEL expression over the columns, evaluated once for each distinct set of the cells that it reads."""

    def __init__(self, text: str, columns: Columns, scope: feel.Scope, context: feel.EvaluationContext) -> None:
        self._expression = feel.compile(text, scope)
        self._columns = columns
        self._context = context
        read = {path[0] for path in self._expression.reads}
        self._indexes = tuple(i for i, name in enumerate(columns.names) if name in read)
        # A bare column name needs no evaluation at all.
        self._plain = columns.names.index(text.strip()) if text.strip() in columns.names else None
        self._known: dict[Any, Any] = {}
        self._cells = itemgetter(*self._indexes) if self._indexes else lambda _line: None

    def __call__(self, line: Line) -> Any:
        """The expression's value for the line, as a plain Python value."""
        if self._plain is not None:
            return self._columns.value(self._plain, line[self._plain])
        cells = self._cells(line)
        try:
            return self._known[cells]
        except KeyError:
            if len(self._known) > 100_000:
                self._known.clear()
            value = self._known[cells] = self._evaluate(line)
            return value

    def _evaluate(self, line: Line) -> Any:
        names, value = self._columns.names, self._columns.value
        values = {names[i]: value(i, line[i]) for i in self._indexes}
        return feel.to_python(self._expression.evaluate(values, self._context).value)


class Staging:
    """The accepted lines of one file, in a database file of their own, and a report of the others."""

    def __init__(self, path: Path, definition: ImportDefinition, columns: Columns) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._columns = columns
        names = ", ".join(f"c{i}" for i in range(len(columns.names)))
        self._connection.execute(f"CREATE TABLE line (number INTEGER PRIMARY KEY, {names})")
        marks = ", ".join("?" * (len(columns.names) + 1))
        self._insert = f"INSERT INTO line VALUES ({marks})"  # noqa: S608 - question marks
        self.accepted = 0

    def add(self, lines: Sequence[tuple[Any, ...]]) -> None:
        """Stores lines, each its number followed by its cells."""
        self._connection.executemany(self._insert, lines)
        self.accepted += len(lines)

    def groups(self, record: RecordMapping, key: str) -> Iterator[tuple[str, list[tuple[int, Line]]]]:
        """The lines of each record in turn, by the text of column ``key``; the first line alone where that suffices."""
        column = f"c{self._columns.names.index(key)}"
        if record.rows or record.fold:
            query = f"SELECT {column}, * FROM line ORDER BY {column}, number"  # noqa: S608 - made of column numbers
        else:
            query = f"SELECT {column}, line.*, min(number) FROM line GROUP BY {column} ORDER BY {column}"  # noqa: S608
        with closing(self._connection.execute(query)) as rows:
            width = len(self._columns.names) + 2
            for value, lines in groupby(rows, key=itemgetter(0)):
                yield value, [(row[1], row[2:width]) for row in lines]

    def commit(self) -> None:
        """Makes what was added readable."""
        self._connection.commit()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()


def stage(
    file: DataFile,
    definition: ImportDefinition,
    path: Path,
    context: feel.EvaluationContext,
    *,
    report: Callable[[Rejected], None],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[Staging, Columns]:
    """Reads the whole file into a staging file at ``path``; ``report`` is told of every line not taken.

    ``progress`` is called with bytes read and bytes in all. Raises ``InputError`` where a column is missing.
    """
    lines = file.lines()
    _, heading = next(lines, (0, []))
    columns = Columns(definition, heading, context.zone)
    staging = Staging(path, definition, columns)
    skips = [(skip, Evaluator(skip.when, columns, definition.scope, context)) for skip in definition.skip]
    headers = {c.name: c.header for c in definition.columns}
    places, width = columns.places, columns.width
    while chunk := list(islice(lines, CHUNK)):
        accepted: list[tuple[Any, ...]] = []
        for number, cells in chunk:
            if len(cells) != width:
                params = {"found": len(cells), "expected": width}
                report(Rejected(line=number, column="", code="import.cell_count", params=params))
                continue
            line: Line = tuple([cells[place] or None for place in places])
            unreadable = columns.check(number, line)
            if unreadable is not None:
                report(unreadable)
                continue
            for skip, holds in skips:
                if holds(line) is True:
                    report(Rejected(line=number, column=headers.get(skip.column, ""), code=skip.name))
                    break
            else:
                accepted.append((number, *line))
        staging.add(accepted)
        progress(file.position, file.size)
    staging.commit()
    return staging, columns


class ReportFile:
    """The report of an import: a CSV with line, column, code and sentence of everything not taken."""

    def __init__(self, path: Path, sentence: Callable[[Rejected], str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(("line", "column", "code", "reason"))
        self._sentence = sentence
        # How many lines were not taken, by code.
        self.counts: dict[str, int] = {}

    def add(self, rejected: Rejected) -> None:
        """Writes one line of the report."""
        self.counts[rejected.code] = self.counts.get(rejected.code, 0) + 1
        self._writer.writerow((rejected.line, rejected.column, rejected.code, self._sentence(rejected)))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _reader(type_name: str, zone: tzinfo) -> Callable[[str], Any]:
    match type_name:
        case "text":
            return str
        case "number":
            return _number
        case "date":
            return lambda text: date.fromisoformat(text.strip()[:10])
        case "datetime":
            return lambda text: _instant(text, zone)
        case _:
            return _boolean


def _number(text: str) -> Decimal:
    value = Decimal(text.strip().replace(",", ""))
    if not value.is_finite():
        raise ValueError(text)
    return value


def _instant(text: str, zone: tzinfo) -> datetime:
    value = datetime.fromisoformat(text.strip())
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _boolean(text: str) -> bool:
    match text.strip().lower():
        case "true" | "1" | "yes" | "是":
            return True
        case "false" | "0" | "no" | "否":
            return False
    raise ValueError(text)

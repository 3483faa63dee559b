"""Public data sets that stand beside the repository; never part of it."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from tests.missing import missing

ROOT = Path(os.environ.get("DOUGONG_SHARED", Path(__file__).parents[3] / "shared")) / "data"


def expected(name: str) -> Any:
    """The numbers that a data set must give; skips loudly where the data are missing, fails with ``CI=true``."""
    path = ROOT / "expected" / f"{name}.json"
    if not path.exists():
        missing(f"the open data sets are missing, so figures were not checked against them: {path}")
    return json.loads(path.read_text("utf-8"))


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file such as ``chinook/Invoice.csv.gz``."""
    with gzip.open(ROOT / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def fill(connection: Connection, table: Table, content: Iterable[Sequence[Any]]) -> None:
    """Writes many rows fast: PostgreSQL by COPY, SQLite by one prepared statement."""
    dialect = connection.dialect
    cursor: Any = connection.connection.cursor()
    kinds = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
    stored = (
        [value if kind is None else kind(value) for kind, value in zip(kinds, row, strict=True)] for row in content
    )
    if dialect.name == "sqlite":
        marks = ", ".join("?" for _ in kinds)
        cursor.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', stored)
        return
    with cursor.copy(f'COPY "{table.name}" FROM STDIN') as copy:
        for row in stored:
            copy.write_row(row)


def columns(table: dict[str, Any]) -> list[dict[str, Any]]:
    """A table of the expected numbers as one mapping a row."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]

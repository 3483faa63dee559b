"""Public data sets that stand beside the repository; never part of it."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("DOUGONG_SHARED", Path(__file__).parents[3] / "shared")) / "data"


def expected(name: str) -> Any:
    """The numbers that a data set must give; skips loudly where the data are missing, fails with ``CI=true``."""
    path = ROOT / "expected" / f"{name}.json"
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the data sets are missing: {path}")
        pytest.skip(f"the data sets are missing, so the figures were not checked against them: {path}")
    return json.loads(path.read_text("utf-8"))


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file such as ``chinook/Invoice.csv.gz``."""
    with gzip.open(ROOT / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def columns(table: dict[str, Any]) -> list[dict[str, Any]]:
    """A table of the expected numbers as one mapping a row."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]

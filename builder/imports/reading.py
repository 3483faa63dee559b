"""Data files as lines of cells: CSV in the encodings that spreadsheets write, gzip or not, and XLSX workbooks.

The file is parsed in a child process with limits of memory and time, and comes back as texts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engines.core import InputError, InputProblem

_CHILD = Path(__file__).with_name("reading_child.py")
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The beginning of one sheet."""

    # Empty for a CSV file.
    name: str
    # Line number and cells of the first lines that hold anything.
    lines: Sequence[tuple[int, Sequence[str]]]
    # Whether it has merged cells: what they hold is read in each of their rows.
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a file is, before it is read."""

    # "csv" or "xlsx"
    format: str
    # Of a CSV file.
    encoding: str
    sheets: Sequence[Sheet]


class DataFile:
    """A data file being read; counts the bytes that have gone by, for a progress bar."""

    def __init__(self, path: Path, name: str, sheet: str = "") -> None:
        self._path = path
        self.name = name
        self._sheet = sheet
        # Bytes on disk.
        self.size = path.stat().st_size
        # Bytes of the file on disk that have been read.
        self.position = 0
        self._child: subprocess.Popen[bytes] | None = None

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Line number (1-based) and cells of each line that holds anything, the heading first.

        ``InputError`` says what is wrong with the file.
        """
        command = _command("lines", self._path, self.name, self._sheet)
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        stream = self._child.stdout
        for text in stream or ():
            told = orjson.loads(text)
            if "error" in told:
                raise _refused(told["error"])
            if "end" in told:
                return
            self.position = min(told["p"], self.size)
            yield from zip(told["n"], told["l"], strict=True)
        raise _refused(["import.too_complex", {}])

    def close(self) -> None:
        """Ends the child, also where the file was not read to its end."""
        if self._child is not None:
            self._child.kill()
            if self._child.stdout is not None:
                self._child.stdout.close()
            self._child.wait()


@contextmanager
def open_data_file(path: Path, name: str = "", sheet: str = "") -> Iterator[DataFile]:
    """The file at ``path``, which is called ``name``, closed at the end."""
    file = DataFile(path, name or path.name, sheet)
    try:
        yield file
    finally:
        file.close()


def inspect_file(path: Path, name: str) -> Inspected:
    """Format and sheets of a file; ``InputError`` where it cannot be read."""
    try:
        done = subprocess.run(  # noqa: S603
            _command("inspect", path, name), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(["import.too_complex", {}]) from error
    told: Mapping[str, Any] = orjson.loads(done.stdout) if done.stdout.endswith(b"}\n") else {}
    if "sheets" not in told:
        raise _refused(told.get("error") or ["import.too_complex", {}])
    sheets = tuple(
        Sheet(name=each["name"], lines=tuple((n, tuple(cells)) for n, cells in each["lines"]), merged=each["merged"])
        for each in told["sheets"]
    )
    return Inspected(format=told["format"], encoding=told["encoding"], sheets=sheets)


def _command(what: str, path: Path, *more: str) -> list[str]:
    # Isolated: what stands in the environment or the working folder is not imported.
    return [sys.executable, "-I", str(_CHILD), what, str(path), *more]


def _refused(told: Sequence[Any]) -> InputError:
    return InputError([InputProblem(pointer="", code=told[0], params=told[1])])

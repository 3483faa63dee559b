"""Data files as lines of cells: CSV in the encodings that spreadsheets write, gzip or not."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from engines.core import InputError, InputProblem

# A cell longer than this is a broken quote, not data.
MAX_CELL = 1_000_000
_PROBE = 1 << 16


class DataFile:
    """A CSV file being read; counts the bytes that have gone by, for a progress bar."""

    def __init__(self, raw: IO[bytes], size: int, name: str) -> None:
        self._raw = raw
        self._text: io.TextIOWrapper | None = None
        # Bytes on disk.
        self.size = size
        self.name = name

    @property
    def position(self) -> int:
        """Bytes of the file on disk that have been read."""
        return min(self._raw.tell(), self.size)

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Line number (1-based, of the line's last physical line) and cells, the heading first."""
        stream: IO[bytes] = self._raw
        if self.name.endswith(".gz"):
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw))
        buffered = io.BufferedReader(cast("io.RawIOBase", stream), _PROBE)
        # Kept, because a wrapper that is let go closes the file, of which the position is still asked.
        text = self._text = io.TextIOWrapper(buffered, encoding=_encoding(buffered.peek(_PROBE)), newline="")
        csv.field_size_limit(MAX_CELL)
        reader = csv.reader(text)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise _broken("import.broken_csv", line=reader.line_num, reason=str(error)) from error
        except UnicodeDecodeError as error:
            raise _broken("import.broken_encoding", line=reader.line_num + 1, encoding=error.encoding) from error


@contextmanager
def open_data_file(path: Path) -> Iterator[DataFile]:
    """The file at ``path``, closed at the end."""
    with path.open("rb") as raw:
        yield DataFile(raw, path.stat().st_size, path.name)


def _encoding(start: bytes) -> str:
    """UTF-8 where the file's start is that, else GB18030, which spreadsheets in China write."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _broken(code: str, **params: object) -> InputError:
    return InputError([InputProblem(pointer="", code=code, params=params)])

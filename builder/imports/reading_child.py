"""Reads a data file: run as a script of its own with limits, since files are made to break readers.

``python -I reading_child.py inspect PATH NAME`` prints one JSON object: format, encoding, sheets with first lines.
``python -I reading_child.py lines PATH NAME SHEET`` prints JSON lines ``{"p": bytes, "n": [numbers], "l": [cells]}``
and at last ``{"end": true}``. Either prints ``{"error": [code, params]}`` for a file that is refused.
"""

import codecs
import csv
import gzip
import io
import json
import os
import re
import sys
import zipfile
import zlib

MEMORY = 1536 * 1024 * 1024
SECONDS = 600
# A cell longer than this is a broken quote, not data.
MAX_CELL = 1_000_000
MAX_COLUMNS = 1_000
PROBE = 1 << 16
SHOWN = 40
CHUNK_LINES = 1_000
CHUNK_BYTES = 1 << 20
# What a workbook may unpack to, and from when on a part that packs better than text ever does is a bomb.
MAX_UNPACKED = 1 << 30
BOMB_RATIO = 300
BOMB_BYTES = 16 * 1024 * 1024
MAX_PARTS = 10_000
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
MAX_MERGED = 100_000
DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"


class Refused(Exception):
    """The file is not taken: code and parameters of the message."""

    def __init__(self, code, **params):
        self.told = [code, params]
        super().__init__(code)


def limit():
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


# ------------------------------------------------------------------------------------------------- text


def encoding_of(start, stream):
    """UTF-8 where the file is that, else GB18030, which spreadsheets in China write.

    A file that begins with valid UTF-8 beyond ASCII and breaks later is broken UTF-8: its line is told when it is read.
    """
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    plain, piece, size = True, start, 0
    try:
        while piece:
            size += len(piece)
            if size > MAX_UNPACKED * 2:
                raise Refused("import.too_large_unpacked", max=MAX_UNPACKED * 2 // (1 << 20))
            decoder.decode(piece)
            plain = plain and piece.isascii()
            piece = stream.read(1 << 20)
    except UnicodeDecodeError:
        return "gb18030" if plain or piece is start else "utf-8"
    return "utf-8"


class Text:
    """A file of separated values, gzip or not."""

    def __init__(self, path, name):
        self._raw = open(path, "rb")
        stream = gzip.GzipFile(fileobj=self._raw) if name.endswith(".gz") else self._raw
        try:
            start = stream.read(PROBE)
            if b"\0" in start and not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise Refused("import.not_a_table")
            self.encoding = encoding_of(start, stream)
            stream.seek(0)
        except (EOFError, OSError, zlib.error) as error:
            raise Refused("import.broken_file", reason=str(error)) from error
        self._text = io.TextIOWrapper(io.BufferedReader(stream, PROBE), encoding=self.encoding, newline="")
        self._separator = separator_of(start.decode(self.encoding, "replace"))

    def sheets(self):
        return [""]

    def merged(self, sheet):
        return False

    def position(self):
        return self._raw.tell()

    def lines(self, sheet):
        """Line number (1-based, of the line's last physical line) and cells."""
        csv.field_size_limit(MAX_CELL)
        reader = csv.reader(self._text, delimiter=self._separator)
        try:
            for cells in reader:
                if len(cells) > MAX_COLUMNS:
                    raise Refused("import.too_many_columns", found=len(cells), max=MAX_COLUMNS, line=reader.line_num)
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise Refused("import.broken_csv", line=reader.line_num, reason=str(error)) from error
        except UnicodeDecodeError as error:
            raise Refused("import.broken_encoding", line=reader.line_num + 1, encoding=error.encoding) from error
        except (EOFError, OSError, zlib.error) as error:
            raise Refused("import.broken_file", reason=str(error)) from error


def separator_of(start):
    """Comma, semicolon or tab: whichever the first line has most of, outside of quotes."""
    line = re.sub(r'"[^"]*"', "", start.partition("\n")[0])
    return max(",;\t", key=lambda sign: (line.count(sign), sign == ","))


# ------------------------------------------------------------------------------------------------- workbooks


class Workbook:
    """An XLSX file, read row by row."""

    def __init__(self, path, name):
        self.encoding = ""
        self._done = 0
        self._size = os.path.getsize(path)
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                check_parts(archive)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise Refused("import.broken_file", reason=str(error)) from error
        self._book = self._open()

    def _open(self):
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            # Opened here: by a path, its ending would have to tell what it is.
            return openpyxl.load_workbook(open(self._path, "rb"), read_only=True, data_only=True, keep_links=False)
        except (
            InvalidFileException,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
            SyntaxError,
        ) as error:
            raise Refused("import.broken_file", reason=type(error).__name__) from error

    def sheets(self):
        return [sheet.title for sheet in self._book.worksheets]

    def position(self):
        return min(self._done, self._size)

    def _sheet(self, name):
        found = [sheet for sheet in self._book.worksheets if sheet.title == name or not name]
        if not found:
            raise Refused("import.no_sheet", name=name, sheets=", ".join(self.sheets()))
        return found[0]

    def merged(self, sheet):
        return bool(self._merged(self._sheet(sheet)))

    def _merged(self, sheet):
        """Ranges of merged cells as (first row, last row, column)."""
        found = []
        for left, top, _right, bottom in scan(self._path, sheet._worksheet_path, MERGED):
            if len(found) >= MAX_MERGED:
                raise Refused("import.too_complex")
            found.append((int(top), int(bottom), column_number(left.decode())))
        return found

    def lines(self, sheet):
        """Row number and the row's cells as texts; what merged cells hold stands in each of their rows."""
        page = self._sheet(sheet)
        ranges = self._merged(page)
        page.reset_dimensions()
        starts = {}
        for top, bottom, column in ranges:
            if bottom > top:
                starts.setdefault(top, []).append((bottom, column))
        down = {}
        part = next(item for item in zipfile.ZipFile(self._path).infolist() if item.filename == page._worksheet_path)
        try:
            for number, row in enumerate(page.iter_rows(), 1):
                self._done = int(self._size * min(1.0, number * 60 / max(1, part.file_size)))
                cells = [written(cell) for cell in row]
                for column, (bottom, text) in list(down.items()):
                    if number > bottom:
                        del down[column]
                    else:
                        cells += [""] * (column + 1 - len(cells))
                        cells[column] = cells[column] or text
                for bottom, column in starts.get(number, ()):
                    down[column] = (bottom, cells[column] if column < len(cells) else "")
                while cells and not cells[-1]:
                    cells.pop()
                if len(cells) > MAX_COLUMNS:
                    raise Refused("import.too_many_columns", found=len(cells), max=MAX_COLUMNS, line=number)
                if cells:
                    yield number, cells
        except (
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
            SyntaxError,
            EOFError,
            zipfile.BadZipFile,
        ) as error:
            raise Refused("import.broken_file", reason=type(error).__name__) from error


def check_parts(archive):
    """Refuses bombs and document types before anything is parsed."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise Refused("import.not_a_table")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise Refused("import.too_large_unpacked", max=MAX_UNPACKED // (1 << 20))
    for part in parts:
        if part.file_size > BOMB_BYTES and part.file_size > BOMB_RATIO * max(1, part.compress_size):
            raise Refused("import.zip_bomb", part=part.filename)
        if part.flag_bits & 1:
            raise Refused("import.encrypted")
        if part.filename.endswith((".xml", ".rels")):
            for _ in scan_part(archive, part, DOCTYPE):
                raise Refused("import.xml_bomb", part=part.filename)


def scan(path, name, pattern):
    with zipfile.ZipFile(path) as archive:
        yield from scan_part(archive, archive.getinfo(name), pattern)


def scan_part(archive, part, pattern):
    """Groups of each match of ``pattern`` in a part, read in pieces; a match across two pieces is found once."""
    with archive.open(part) as stream:
        rest = b""
        while piece := stream.read(1 << 20):
            data = rest + piece
            end = 0
            for match in pattern.finditer(data):
                end = match.end()
                yield match.groups()
            rest = data[max(end, len(data) - 200) :]


def column_number(letters):
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def written(cell):
    """A cell as text: numbers without rounding noise, days and times in ISO 8601, yes and no as words."""
    value = cell.value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return value[:MAX_CELL]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e300:
            return str(int(value))
        return format(value, ".15g") if abs(value) >= 1e-4 or value == 0 else format(value, ".15f").rstrip("0")
    from datetime import date, datetime, time, timedelta

    if isinstance(value, datetime):
        if value.microsecond >= 500_000:
            value += timedelta(seconds=1)
        value = value.replace(microsecond=0)
        if (value.hour, value.minute, value.second) == (0, 0, 0):
            return value.date().isoformat()
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{int(value.total_seconds())}S"
    return str(value)


# ------------------------------------------------------------------------------------------------- commands


def opened(path, name):
    with open(path, "rb") as file:
        start = file.read(4)
    if start == OLD_EXCEL:
        raise Refused("import.old_excel")
    if start == ZIP:
        return Workbook(path, name)
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".et", ".numbers", ".ods")):
        raise Refused("import.not_a_table")
    return Text(path, name)


def inspect(path, name):
    file = opened(path, name)
    sheets = []
    for sheet in file.sheets():
        shown = []
        for number, cells in file.lines(sheet):
            shown.append([number, [cell[:300] for cell in cells]])
            if len(shown) == SHOWN:
                break
        sheets.append({"name": sheet, "lines": shown, "merged": file.merged(sheet)})
    kind = "xlsx" if isinstance(file, Workbook) else "csv"
    say({"format": kind, "encoding": file.encoding, "sheets": sheets})


def lines(path, name, sheet):
    file = opened(path, name)
    numbers, rows, size = [], [], 0
    for number, cells in file.lines(sheet):
        numbers.append(number)
        rows.append(cells)
        size += sum(map(len, cells))
        if len(rows) == CHUNK_LINES or size > CHUNK_BYTES:
            say({"p": file.position(), "n": numbers, "l": rows})
            numbers, rows, size = [], [], 0
    say({"p": file.position(), "n": numbers, "l": rows})
    say({"end": True})


def say(data):
    sys.stdout.write(json.dumps(data, ensure_ascii=True, separators=(",", ":")) + "\n")


def main(command, path, name, *more):
    """The exit code: 0, or 3 for a file that is refused."""
    limit()
    try:
        {"inspect": inspect, "lines": lines}[command](path, name, *more)
    except Refused as refused:
        say({"error": refused.told})
        return 3
    except MemoryError:
        say({"error": ["import.too_complex", {}]})
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

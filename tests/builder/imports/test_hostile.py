"""Files that are made to break readers, or are simply not what they seem: a clear error or a safe result, always."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from builder.imports.reading import inspect_file, open_data_file
from engines.core import InputError
from tests.builder.imports.shop import csv_of, xlsx_of

BOMB = """<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


def read(folder: Path, content: bytes, name: str = "table.csv") -> list[tuple[int, list[str]]]:
    """All lines of a file."""
    path = folder / "table"
    path.write_bytes(content)
    with open_data_file(path, name) as file:
        return list(file.lines())


def refusal(folder: Path, content: bytes, name: str = "table.csv") -> str:
    """The code with which a file is refused, both when it is looked at and when it is read."""
    path = folder / "table"
    path.write_bytes(content)
    with pytest.raises(InputError) as told:
        read(folder, content, name)
    return told.value.problems[0].code


def with_part(book: bytes, name: str, text: bytes) -> bytes:
    """A workbook with another part in the place of one."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, text if part == name else old.read(part))
        if name not in old.namelist():
            new.writestr(name, text)
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_that_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, csv_of(("客户", "金额"), ("甲", "1"), encoding=encoding))[0][1] == ["客户", "金额"]
    late = csv_of(("a", "b"), *[("x" * 50, "1")] * 3000, ("客户", "2"), encoding=encoding)
    assert read(tmp_path, late)[-1][1][0] == "客户"


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    broken = csv_of(("客户", "金额")) + b"\xff\xfe\x00,1\r\n"
    path = tmp_path / "table"
    path.write_bytes(csv_of(("客户", "a"), *[("甲", "1")] * 40_000) + b"\xff\xff,1\r\n")
    with pytest.raises(InputError) as told, open_data_file(path, "t.csv") as file:
        list(file.lines())
    problem = told.value.problems[0]
    assert (problem.code, problem.params["encoding"]) == ("import.broken_encoding", "utf-8")
    assert refusal(tmp_path, broken) == "import.not_a_table"


def test_semicolons_and_tabs_separate_too(tmp_path: Path) -> None:
    assert read(tmp_path, b"a;b\n1;2\n")[1][1] == ["1", "2"]
    assert read(tmp_path, b'"a,x"\tb\n1\t2\n')[1][1] == ["1", "2"]


def test_a_missing_quote_does_not_swallow_the_file(tmp_path: Path) -> None:
    assert refusal(tmp_path, b'a,b\n"1,2\n' + b"x,y\n" * 400_000) == "import.broken_csv"


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1) as file:
        file.write(b"a,b\n")
        for _ in range(2200):
            file.write(b"\n" * (1 << 20))
    assert refusal(tmp_path, target.getvalue(), "t.csv.gz") == "import.too_large_unpacked"


def test_a_cell_in_the_last_corner_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["A1"], page["A2"], page["XFD1048576"] = "code", "x", "stray"
    target = io.BytesIO()
    book.save(target)
    path = tmp_path / "table"
    path.write_bytes(target.getvalue())
    with pytest.raises(InputError) as told:
        inspect_file(path, "t.xlsx")
    problem = told.value.problems[0]
    assert (problem.code, problem.params["line"], problem.params["found"]) == (
        "import.too_many_columns",
        1048576,
        16384,
    )


def test_a_declared_size_of_the_whole_sheet_costs_nothing(tmp_path: Path) -> None:
    book = xlsx_of(("code", "name"), ("A1", "One"))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    assert b"XFD1048576" in sheet
    lines = read(tmp_path, with_part(book, "xl/worksheets/sheet1.xml", sheet), "t.xlsx")
    assert lines == [(1, ["code", "name"]), (2, ["A1", "One"])]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"])
def test_an_xml_bomb_is_not_parsed(tmp_path: Path, part: str) -> None:
    book = xlsx_of(("code", "name"), ("A1", "One"))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        text = archive.read(part)
    start = text.index(b"?>") + 2 if text.startswith(b"<?xml") else 0
    # Behind a long comment, too.
    bomb = BOMB.encode() + b"<!--" + b"x" * 300 + b"-->" + text[start:]
    assert refusal(tmp_path, with_part(book, part, bomb), "t.xlsx") == "import.xml_bomb"


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    book = xlsx_of(("code", "name"), ("A1", "One"))
    assert refusal(tmp_path, with_part(book, "xl/media/x.bin", b"\0" * (40 << 20)), "t.xlsx") == "import.zip_bomb"


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old.xls", "import.old_excel"),
        (b"%PDF-1.7\0\0\0", "t.csv", "import.not_a_table"),
        (b"not a workbook", "t.xlsx", "import.not_a_table"),
        (b"PK\x03\x04" + b"\0" * 200, "t.xlsx", "import.broken_file"),
        (b"\x1f\x8b broken", "t.csv.gz", "import.broken_file"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, name: str, code: str) -> None:
    assert refusal(tmp_path, content, name) == code


def test_a_workbook_cut_short_is_told(tmp_path: Path) -> None:
    book = xlsx_of(("code", "name"), *[(f"A{n}", "One" * 40) for n in range(500)])
    assert refusal(tmp_path, book[: len(book) // 2], "t.xlsx") == "import.broken_file"
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert (
        refusal(tmp_path, with_part(book, "xl/worksheets/sheet1.xml", sheet[:4000]), "t.xlsx") == "import.broken_file"
    )


def test_formulas_come_as_their_last_values_and_never_run(tmp_path: Path) -> None:
    book = xlsx_of(("code", "name"), ("A1", '=HYPERLINK("http://x","y")'))
    assert read(tmp_path, book, "t.xlsx")[1] == (2, ["A1"])


def test_reading_stays_small(tmp_path: Path) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / "table"
    with path.open("w") as target:
        target.write("a,b,c\n")
        for number in range(300_000):
            target.write(f"{number},{'x' * 60},{'y' * 60}\n")
    with open_data_file(path, "t.csv") as file:
        count = sum(1 for _ in file.lines())
        child = file._child
        assert child is not None
    assert count == 300_001
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024

"""Small Word and Excel templates, made as Office writes them: texts cut into runs, quotes made round."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
</Types>"""  # noqa: E501
_RELS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"""  # noqa: E501


def runs(text: str) -> str:
    """Runs of a text, cut in the middle of its places, as Word does when one edits them."""
    parts = re.split(r"(\{\{.)", text)
    made = "".join(f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>' for part in parts if part)
    return made


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def paragraph(text: str) -> str:
    return f"<w:p>{runs(text)}</w:p>"


def table(*rows: Sequence[str]) -> str:
    lines = "".join("<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f'<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr>{lines}</w:tbl>'


def docx_of(*blocks: str) -> bytes:
    """A Word file of paragraphs and tables."""
    target = io.BytesIO()
    inner = f"<w:body>{''.join(blocks)}<w:sectPr/></w:body>"
    body = f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{W}">{inner}</w:document>'
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELS)
        archive.writestr("word/document.xml", body)
    return target.getvalue()


def text_of_docx(content: bytes) -> list[str]:
    """The texts of the paragraphs, in their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body = archive.read("word/document.xml").decode()
    lines = re.findall(r"<w:p>(.*?)</w:p>|<w:p/>", body, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", line.replace("<w:br/>", "⏎")) for line in lines]


def book_of(*rows: Sequence[Any]) -> bytes:
    """A workbook."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()

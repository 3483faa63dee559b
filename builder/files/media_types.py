"""What a file is, by its content; its name only chooses among what the content allows."""

from __future__ import annotations

import mimetypes
import zipfile
from pathlib import Path

import puremagic

UNKNOWN = "application/octet-stream"
# Pictures that every browser shows and that run nothing: the only ones shown in a page.
RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_TEXTS = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown", ".xml": "application/xml"}
_HEAD = 64 * 1024
# Guesses of the library below this are of the kind "begins with a brace".
_SURE = 0.3


def media_type(path: Path, name: str) -> str:
    """Media type of a local file that somebody calls ``name``."""
    suffix = Path(name).suffix.lower()
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(path)
    found = [item for item in puremagic.magic_file(str(path)) if item.mime_type] if head else []
    for item in found:
        if item.extension == suffix and item.confidence >= _SURE:
            return str(item.mime_type)
    if found and found[0].confidence >= _SURE:
        return str(found[0].mime_type)
    if _is_text(head):
        return _TEXTS.get(suffix, "text/plain")
    named = next((str(item.mime_type) for item in found if item.extension == suffix), "")
    return named or UNKNOWN


def extension_of(media_type: str) -> str:
    """The usual end of names of a media type, with its dot; empty where there is none."""
    return mimetypes.guess_extension(media_type) or ""


def _zip_type(path: Path) -> str:
    """Office documents are archives with known parts; whatever else is packed so is an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return UNKNOWN
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE.items():
            if any(name.startswith(folder) for name in names):
                return kind
    return "application/zip"


def _is_text(head: bytes) -> bool:
    """Whether it reads as text; what is cut in the middle of a character still does."""
    if b"\0" in head:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            head.decode(encoding)
            return True
        except UnicodeDecodeError as error:
            if error.start >= len(head) - 4 and len(head) == _HEAD:
                return True
    return False

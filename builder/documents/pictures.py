"""Pictures that documents show: QR codes, and what files of records hold."""

from __future__ import annotations

import io

import segno
from PIL import Image, UnidentifiedImageError

_EDGE = 1600
_LARGEST_PIXELS = 40_000_000


def qr_png(text: str, scale: int = 8) -> bytes:
    """A QR code as PNG; empty for an empty text or one that is too long for a code."""
    if not text:
        return b""
    target = io.BytesIO()
    try:
        segno.make(text, micro=False, error="m").save(target, kind="png", scale=scale, border=1)
    except segno.DataOverflowError:
        return b""
    return target.getvalue()


def as_png(content: bytes) -> bytes:
    """A picture as PNG of a size for paper, as its own data alone; empty where it is none that can be shown."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as picture:
            if picture.width * picture.height > _LARGEST_PIXELS:
                return b""
            picture.thumbnail((_EDGE, _EDGE))
            target = io.BytesIO()
            picture.convert("RGBA").save(target, "PNG")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""
    return target.getvalue()


def size_mm(content: bytes, width_mm: float, most_high_mm: float = 200) -> tuple[float, float]:
    """Width and height of a PNG on paper, for a wanted width."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        height = width_mm * picture.height / picture.width
    if height > most_high_mm:
        return width_mm * most_high_mm / height, most_high_mm
    return width_mm, height

"""Keys by which Chinese and other texts sort together: pinyin in lower case."""

from __future__ import annotations

import re
from functools import lru_cache

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LONGEST = 200


def sort_key(text: str | None) -> str | None:
    """The key of ``text``: Chinese characters as toneless pinyin, all in lower case; null stays null."""
    if text is None:
        return None
    if text.isascii():
        return text[:_LONGEST].casefold()
    return _key(text[:_LONGEST])


@lru_cache(maxsize=65536)
def _key(text: str) -> str:
    if not _HAN.search(text):
        return text.casefold()
    return " ".join(part.strip() for part in _pinyin(text, "NORMAL")).casefold()


@lru_cache(maxsize=65536)
def initials(text: str) -> str:
    """First letters of the pinyin of the Chinese characters in ``text``, as people type to find a name."""
    found = "".join(_HAN.findall(text[:50]))
    return "".join(_pinyin(found, "FIRST_LETTER")).casefold() if found else ""


def _pinyin(text: str, style: str) -> list[str]:
    """The pinyin of each character; its dictionary takes half a second to load, so only who writes Chinese waits."""
    from pypinyin import Style, lazy_pinyin

    found: list[str] = lazy_pinyin(text, style=getattr(Style, style))
    return found

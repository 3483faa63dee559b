"""Keys by which Chinese and other texts sort together: pinyin in lower case."""

from __future__ import annotations

import re
from functools import lru_cache

# Characters that have pinyin; what stands between runs of them stays as it is.
_HAN = re.compile("([\u3007\u3400-\u4dbf\u4e00-\u9fff\ue815-\ue864\uf900-\ufaff\U00020000-\U0003ffff]+)")
_LONGEST = 200


def sort_key(text: str | None) -> str | None:
    """The key of ``text``: Chinese characters as toneless pinyin, all in lower case; null stays null."""
    if text is None:
        return None
    text = text[:_LONGEST]
    if text.isascii():
        return text.casefold()
    parts = _HAN.split(text)
    if len(parts) == 1:
        return text.casefold()
    # Every other part is a run of Chinese characters.
    syllables = [p for n, run in enumerate(parts) if run for p in (_pinyin(run) if n % 2 else (run,))]
    return " ".join(part.strip() for part in syllables).casefold()


def initials(text: str) -> str:
    """First letters of the pinyin of the Chinese characters in ``text``, as people type to find a name."""
    if text.isascii():
        return ""
    return "".join(syllable[0] for run in _HAN.findall(text[:50]) for syllable in _pinyin(run)).casefold()


@lru_cache(maxsize=65536)
def _pinyin(run: str) -> tuple[str, ...]:
    """The pinyin of each character; its dictionary takes half a second to load, so only who writes Chinese waits."""
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(run))

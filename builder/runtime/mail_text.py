"""Mails with links: as plain text, and as HTML that every mail program shows (inline styles, nothing loaded)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_PARAGRAPHS = re.compile(r"\n\s*\n")
_PAGE = (
    "margin:0;padding:24px 12px;background:#f7f7f8;font:15px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;"
)
_CARD = "max-width:560px;margin:0 auto;padding:28px;background:#fff;border:1px solid #e5e6ea;border-radius:10px;"
_BUTTON = (
    "display:inline-block;margin:0 10px 10px 0;padding:10px 22px;border-radius:6px;background:#2b56c8;color:#fff;"
    "text-decoration:none;font-weight:600;"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLink:
    """A link at the end of a mail."""

    label: str
    # Absolute.
    address: str


def plain_mail(text: str, links: Sequence[MailLink]) -> str:
    """The text with one line per link below it."""
    return "\n\n".join([text.strip(), *(f"{link.label}: {link.address}" for link in links)])


def html_mail(text: str, links: Sequence[MailLink], *, language: str) -> str:
    """The same as an HTML document; the text is escaped, links are buttons."""
    parts = [
        f'<p style="margin:0 0 16px;color:#1b1e27;">{escape(part.strip()).replace(chr(10), "<br>")}</p>'
        for part in _PARAGRAPHS.split(text.strip())
    ]
    buttons = "".join(f'<a style="{_BUTTON}" href="{escape(k.address)}">{escape(k.label)}</a>' for k in links)
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body style="{_PAGE}"><div style="{_CARD}">{"".join(parts)}<p style="margin:24px 0 0;">{buttons}</p></div>'
        "</body></html>"
    )

"""Text with formatting: kept only after everything that could run has been taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nh3

from engines.form.types.base import FieldType
from engines.form.types.text import LongTextType

_TAGS = {
    *("p", "br", "hr", "b", "strong", "i", "em", "u", "s", "sub", "sup", "code", "pre", "blockquote"),
    *("h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "span"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}


def sanitised(markup: str) -> str:
    """``markup`` as HTML that can do nothing: no scripts, styles, images or links other than http, https and mailto."""
    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    )


class RichTextType(LongTextType):
    """Formatted text (HTML), made harmless when it comes in."""

    name = "rich_text"
    config: ClassVar[Mapping[str, Any]] = {"max_length": {"type": "integer", "minimum": 1}}
    sortable = False

    def check(self, text: str) -> str:
        return sanitised(text)


TYPES: tuple[FieldType, ...] = (RichTextType(),)

"""Galleries: records as cards with a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.files.media_types import RASTER
from builder.web.forms.display import file_link
from builder.web.views.sheet import Card, Sheet
from engines.form import Record

CARDS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A card with the address of its picture; "" where it has none."""

    card: Card
    src: str


def gallery(sheet: Sheet) -> dict[str, Any]:
    """What the gallery's template shows."""
    name = sheet.key("image") or _first_picture(sheet)
    query = sheet.query(columns=[name] if name else [], after=sheet.state.after, limit=CARDS, count=True)
    page = sheet.page(query)
    cards = tuple(Picture(card=sheet.card(record), src=_source(record, name)) for record in page.records)
    return {"cards": cards, "page": page}


def _first_picture(sheet: Sheet) -> str:
    fields = sheet.place.form.fields.items()
    return next((n for n, f in fields if f.definition.type == "image" and sheet.readable(n)), "")


def _source(record: Record, name: str) -> str:
    files = record.values.get(name)
    for item in files if isinstance(files, list) else ():
        if isinstance(item, Mapping) and item.get("type") in RASTER:
            return file_link(str(item["id"]), small=1)
    return ""

"""Inputs by which people are named outside a record's form: one or several, among everybody or a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import url_for

from builder.web.forms import Cell
from builder.web.forms.model import Choice
from engines.core import LocalizedText
from engines.form import FieldDefinition

# Candidates that are all shown at once; more are chosen from a list.
MOST_RADIOS = 8


def people_cell(
    name: str,
    label: str,
    *,
    several: bool = False,
    required: bool = True,
    suffix: str = "",
    among: Mapping[UUID, str] | None = None,
    chosen: Sequence[tuple[UUID, str]] = (),
    problems: tuple[str, ...] = (),
) -> Cell:
    """The input; ``among``: the only people to choose from with their names, None for everybody (a search)."""
    picked = {str(id) for id, _name in chosen}
    common: dict[str, Any] = {
        "definition": FieldDefinition(name=name, type="person", label=LocalizedText.of(label)),
        "name": name,
        "label": label,
        "required": required,
        "problems": problems,
        "id_suffix": suffix,
    }
    if among is not None:
        choices = tuple(Choice(value=str(id), label=n, selected=str(id) in picked) for id, n in among.items())
        widget = "checks" if several else "radio" if len(choices) <= MOST_RADIOS else "select"
        return Cell(**common, widget=widget, choices=choices)
    source = url_for("people.choices")
    if several:
        items = [{"id": str(id), "label": text} for id, text in chosen]
        return Cell(**common, widget="multi_picker", source=source, parts={"items": items})
    known = (*((str(id), text) for id, text in chosen[:1]), ("", ""))[0]
    return Cell(
        **common, widget="picker", source=source, text=known[1], choices=(Choice(value=known[0], label=known[1]),)
    )


def people_named(values: Sequence[str]) -> tuple[UUID, ...]:
    """The people that an input sent, each once; what is no id is passed over."""
    return tuple(dict.fromkeys(id for text in values if (id := _uuid(text)) is not None))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

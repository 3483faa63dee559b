"""One field of a record by itself: entered in a cell of a list, or for many records at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from builder.web.catalogue import FormPlace
from builder.web.context import site
from builder.web.entry import role_choices
from builder.web.forms import Display, form_view, picker_source
from builder.web.forms.model import Cell
from builder.web.forms.reading import read_values
from builder.web.names import WorkNames
from builder.workspace import Work
from engines.core import InputProblem
from engines.form import LayoutDefinition, LayoutItem

# Types whose inputs want a page of their own.
LARGE = frozenset({"subtable", "attachment", "image", "signature", "matrix", "json", "rich_text"})


def enterable(place: FormPlace, access: Mapping[str, str]) -> list[str]:
    """The fields that the person may enter by themselves, in the order of the form."""
    found = []
    for name, field in place.form.fields.items():
        open_ = field.entered and not field.read_only and access.get(name) == "write"
        if open_ and field.definition.type not in LARGE:
            found.append(name)
    return found


def cell_of(
    work: Work,
    place: FormPlace,
    name: str,
    values: Mapping[str, Any],
    *,
    record: UUID | None = None,
    names: WorkNames | None = None,
    typed: Mapping[str, Any] | None = None,
    problems: Sequence[InputProblem] = (),
) -> Cell:
    """The input of one field."""
    layout = LayoutDefinition(name="single", items=(LayoutItem(type="field", field=name),))
    view = form_view(
        place.form,
        layout,
        values,
        Display(site().formats, names or WorkNames(work), place.app.name),
        typed=typed or {},
        problems=problems,
        source=picker_source(place.app.name, place.local, record),
        roles=role_choices(place),
    )
    return view.cells()[0]


def sent(place: FormPlace, name: str, form: MultiDict[str, str]) -> dict[str, Any]:
    """What was sent for the field; empty where nothing was."""
    return read_values(form, [place.form.fields[name].definition])

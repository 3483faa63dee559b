"""The property panel of the form designer: a field, a column of a sub-table, a section, or the form itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.definitions import join_path, value_at
from builder.web.context import _, site
from builder.web.studio.differences import below
from builder.web.studio.drafting import DraftView
from builder.web.studio.form_canvas import icon_of, part_label, type_label
from builder.web.studio.form_designer import is_published
from builder.web.studio.form_views import kind_of, view_properties
from builder.web.studio.properties import Property, field_properties, text_properties
from builder.web.views.kinds import kind_label
from engines.form import FieldType, field_types

LANGUAGES = ("zh", "en")
COLOURS = ("", "gray", "green", "blue", "teal", "amber", "orange", "red", "pink", "purple")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What the panel shows."""

    title: str
    # What kind of thing it is about, in words.
    kind: str
    # Path that its properties are below.
    base: str
    properties: Sequence[Property]
    # Name in expressions; "" for what has none.
    name: str = ""
    # Whether the name may still be changed.
    is_new: bool = False
    is_field: bool = False
    # Path of the sub-table that a column belongs to.
    parent: str = ""
    options: Sequence[Mapping[str, Any]] | None = None
    # Columns of a sub-table: (path, label, type, icon).
    columns: Sequence[tuple[str, str, str, str]] | None = None
    # Width of a field in columns of its section, with its path.
    span: tuple[str, int] | None = None
    types: Sequence[tuple[str, str]] = field(default_factory=tuple)


def panel(found: DraftView, key: str, data: Mapping[str, Any], selected: str) -> Panel:
    """The panel for what is selected; the form's own where nothing is."""
    item = value_at(found.documents, selected) if selected.startswith(f"{key}/") else None
    if isinstance(item, Mapping) and "/layouts/" in selected:
        name = item.get("field")
        path = join_path(key, "fields", str(name))
        given = value_at(found.documents, path) if name else None
        if isinstance(given, Mapping):
            return _field(found, key, given, path, item_path=selected, span=int(item.get("span", 1)))
        return _part(item, selected)
    if isinstance(item, Mapping) and selected.startswith(join_path(key, "views", "")):
        title = site().text(item.get("label")) or str(item["name"])
        properties = view_properties(data, item, LANGUAGES)
        return Panel(title=title, kind=kind_label(kind_of(item)), base=selected, properties=properties)
    if isinstance(item, Mapping) and "/fields/" in selected:
        return _field(found, key, item, selected)
    return _form(found, key, data)


def _field(
    found: DraftView, key: str, data: Mapping[str, Any], path: str, *, item_path: str = "", span: int = 0
) -> Panel:
    kind = field_types().get(str(data.get("type")))
    columns = data.get("fields")
    parent = path.rpartition("/fields/")[0]
    options = data.get("options")
    return Panel(
        title=site().text(data.get("label")) or data["name"],
        kind=type_label(kind) if kind else str(data.get("type")),
        name=data["name"],
        base=path,
        is_new=not is_published(found, key, path),
        is_field=True,
        parent=parent if parent != key else "",
        properties=field_properties(data, kind, LANGUAGES, forms(found)) if kind else [],
        options=options if isinstance(options, list) else None,
        columns=[_column(f"{path}/fields", c) for c in columns] if isinstance(columns, list) else None,
        span=(f"{item_path}/span", span) if item_path else None,
        types=_column_types() if isinstance(columns, list) else (),
    )


def _column(fields: str, column: Mapping[str, Any]) -> tuple[str, str, str, str]:
    kind = field_types().get(str(column.get("type")))
    label = site().text(column.get("label")) or column["name"]
    return below(fields, column["name"]), label, type_label(kind) if kind else "", icon_of(str(column.get("type")))


def _column_types() -> list[tuple[str, str]]:
    """Types that a column of a sub-table may have: all but a further sub-table."""
    return [(name, type_label(kind)) for name, kind in field_types().items() if _may_be_column(kind)]


def _may_be_column(kind: FieldType) -> bool:
    return kind.name not in ("subtable", "autonumber", "rollup")


def _part(item: Mapping[str, Any], path: str) -> Panel:
    """A section, or an element beside the fields."""
    kind = str(item.get("type") or "")
    properties = text_properties(item, "text" if kind == "help" else "label", _label_of(kind), LANGUAGES)
    if "items" in item:
        columns = tuple((str(n), str(n)) for n in (1, 2, 3, 4))
        given = str(item.get("columns", 2))
        properties.append(
            Property(path="columns", label=_("Columns"), kind="number-choice", value=given, choices=columns)
        )
    visible = str(item.get("visible") or "")
    properties.append(Property(path="visible", label=_("Visible when"), kind="expression", value=visible))
    title = site().text(item.get("label") or item.get("text")) or str(item.get("name", ""))
    return Panel(title=title, kind=part_label(kind) or kind, base=path, properties=properties)


def _label_of(kind: str) -> str:
    return _("Text") if kind == "help" else _("Label")


def _form(found: DraftView, key: str, data: Mapping[str, Any]) -> Panel:
    """The form itself."""
    properties = text_properties(data, "label", _("Name of one record"), LANGUAGES)
    properties += text_properties(data, "plural", _("Name of the list"), LANGUAGES)
    fields = [(f["name"], site().text(f.get("label")) or f["name"]) for f in data.get("fields") or []]
    properties.append(
        Property(
            path="title",
            label=_("Records are called by"),
            kind="choice",
            value=str(data.get("title") or ""),
            choices=(("", "—"), *fields),
        )
    )
    title = site().text(data.get("label")) or str(data.get("name"))
    return Panel(title=title, kind=_("Form"), base=key, properties=properties)


def forms(found: DraftView) -> dict[str, str]:
    """The app's forms by name, with their labels: what references may point to."""
    return {
        key.partition(":")[2]: site().text(document.data.get("label")) or key.partition(":")[2]
        for key, document in found.documents.items()
        if key.startswith("form:") and isinstance(document.data, Mapping)
    }

"""What the form designer shows: the palette, and the sections and fields of a layout on the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.definitions import join_path
from builder.web.context import _, site
from builder.web.icons import known as known_icons
from builder.web.studio.differences import below
from builder.web.wording import code_text
from engines.core import LocalizedText
from engines.form import FieldType, field_types

GROUP_ORDER = tuple("text number choice date people relation contact structure file computed system".split())
_ICONS = {
    "text": "edit",
    "long_text": "list",
    "number": "tablegrid",
    "money": "tablegrid",
    "percent": "chart",
    "rating": "star",
    "boolean": "check",
    "choice": "list",
    "multi_choice": "rules",
    "tags": "list",
    "date": "clock",
    "time": "clock",
    "datetime": "clock",
    "duration": "clock",
    "person": "person",
    "department": "people",
    "role": "shield",
    "reference": "link",
    "subtable": "table",
    "attachment": "upload",
    "image": "eye",
    "signature": "edit",
    "email": "mail",
    "phone": "bell",
    "url": "link",
    "formula": "rules",
    "lookup": "search",
    "rollup": "chart",
    "autonumber": "list",
}
_PART_ICONS = {"section": "columns", "help": "info", "timeline": "history", "related": "table"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteEntry:
    """Something to drop on the canvas: a field type, a field that the layout does not show, a part of layouts."""

    item: str
    label: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasItem:
    """A field or element on the canvas."""

    name: str
    label: str
    icon: str
    detail: str
    # Path of its layout item in the definition.
    path: str
    selected: bool = False
    required: bool = False
    span: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasSection:
    """A section with its items, or an element that stands beside the sections."""

    name: str
    label: str
    path: str
    # Where what is dropped into it goes; "" for an element without items of its own.
    into: str
    columns: int
    items: tuple[CanvasItem, ...]
    selected: bool = False


def palette() -> list[tuple[str, list[PaletteEntry]]]:
    """Field types by group, from the registry."""
    groups: dict[str, list[PaletteEntry]] = {group: [] for group in GROUP_ORDER}
    for name, kind in field_types().items():
        entry = PaletteEntry(item=f"type:{name}", label=type_label(kind), icon=icon_of(name))
        groups.setdefault(kind.group, []).append(entry)
    return [(group_label(group), entries) for group, entries in groups.items() if entries]


def parts(data: Mapping[str, Any], layout: Mapping[str, Any]) -> list[PaletteEntry]:
    """What a layout may hold besides fields; lists and the timeline only where records are read."""
    found = [("part:section", "section", _("Section")), ("part:help", "help", _("Help text"))]
    if layout.get("purpose") == "page":
        shown = {item.get("relation") for item in layout.get("items") or []}
        found.append(("part:timeline", "timeline", _("Timeline")))
        found += [
            (f"related:{relation['name']}", "related", site().text(relation.get("label")) or relation["name"])
            for relation in data.get("relations") or []
            if relation["name"] not in shown
        ]
    return [PaletteEntry(item=item, label=label, icon=_PART_ICONS[kind]) for item, kind, label in found]


def icon_of(type_name: str) -> str:
    """The sign of a field type."""
    icon = _ICONS.get(type_name, "form")
    return icon if icon in known_icons() else "form"


def type_label(kind: FieldType) -> str:
    """What a field type is called; its name where no catalogue says."""
    label = code_text(kind.label_key, site().locale)
    return kind.name.replace("_", " ") if label == kind.label_key else label


def group_label(group: str) -> str:
    """What a group of field types is called."""
    return {
        "text": _("Text"),
        "number": _("Numbers"),
        "choice": _("Choices"),
        "date": _("Date and time"),
        "people": _("People"),
        "relation": _("Relations"),
        "contact": _("Contact"),
        "structure": _("Structure"),
        "file": _("Files"),
        "computed": _("Computed"),
        "system": _("Numbering"),
        "place": _("Places"),
    }.get(group, group)


def layout_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """A layout of a form's data by name, else its first; None where it has none."""
    layouts = data.get("layouts") or []
    return next((item for item in layouts if item["name"] == name), layouts[0] if layouts else None)


def layout_label(layout: Mapping[str, Any]) -> str:
    """What a layout is called: its label, what it is for, else its name."""
    purposes = {
        "edit": _("Entry form"),
        "create": _("New record"),
        "page": _("Record page"),
        "review": _("Review step"),
        "step": _("Process step"),
        "phone": _("Phone"),
        "public": _("Public form"),
        "print": _("Print"),
    }
    label = site().text(layout.get("label")) if layout.get("label") else ""
    return label or purposes.get(layout.get("purpose", ""), layout["name"])


def canvas(data: Mapping[str, Any], key: str, layout: Mapping[str, Any], selected: str) -> list[CanvasSection]:
    """The sections of a layout in order; what stands outside sections is one of its own."""
    base = join_path(key, "layouts", layout["name"], "items")
    fields = {field["name"]: field for field in data.get("fields") or []}
    return [section for item in layout.get("items") or [] for section in _sections(item, base, fields, selected)]


def target_of(sections: list[CanvasSection], selected: str, top: str) -> str:
    """Where a click in the palette puts a field: the section that is selected, or holds what is; else the first."""
    homes = [section.into for section in sections if section.into]
    around = next((into for into in homes if f"{selected}/".startswith((f"{into}/", into.removesuffix("items")))), "")
    return around or (homes[0] if homes else top)


def unused_fields(data: Mapping[str, Any], layout: Mapping[str, Any]) -> list[PaletteEntry]:
    """Fields that the layout does not show."""
    shown = set(fields_in(layout))
    return [
        PaletteEntry(item=f"field:{f['name']}", label=site().text(f.get("label")) or f["name"], icon=icon_of(f["type"]))
        for f in data.get("fields") or []
        if f["name"] not in shown
    ]


def fields_in(item: Mapping[str, Any]) -> Iterator[str]:
    """Names of the fields that a layout, or a part of one, shows."""
    if item.get("field"):
        yield item["field"]
    for child in item.get("items") or []:
        yield from fields_in(child)


def _sections(item: Mapping[str, Any], base: str, fields: Mapping[str, Any], selected: str) -> Iterator[CanvasSection]:
    name = item.get("name") or item.get("field") or ""
    path = below(base, name) if name else ""
    if item.get("type") in {"tabs", "steps"}:
        for child in item.get("items") or []:
            yield from _sections(child, f"{path}/items", fields, selected)
        return
    if "items" not in item:
        alone = _item(item, path, fields, selected)
        yield CanvasSection(name=name, label=alone.label, path=path, into="", columns=1, items=(alone,))
        return
    yield CanvasSection(
        name=name,
        label=site().text(item.get("label")) or _("Section"),
        path=path,
        into=f"{path}/items" if path else "",
        columns=int(item.get("columns", 2)),
        items=tuple(_item(child, below(f"{path}/items", _name(child)), fields, selected) for child in item["items"]),
        selected=selected == path,
    )


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("name") or item.get("field"))


def _item(item: Mapping[str, Any], path: str, fields: Mapping[str, Any], selected: str) -> CanvasItem:
    name = item.get("field") or item.get("name") or ""
    field = fields.get(name) if item.get("field") else None
    if field is None:
        kind = str(item.get("type", ""))
        return CanvasItem(
            name=name,
            label=site().text(item.get("label") or item.get("text")) or part_label(kind) or name,
            icon=_PART_ICONS.get(kind, "columns"),
            detail=part_label(kind) or kind,
            path=path,
            selected=selected == path,
        )
    kind_of_field = field_types().get(field["type"])
    return CanvasItem(
        name=name,
        label=LocalizedText.of(field.get("label")).get(site().locale) or name,
        icon=icon_of(field["type"]),
        detail=type_label(kind_of_field) if kind_of_field else field["type"],
        path=path,
        selected=selected == path,
        required=bool(field.get("required")),
        span=min(int(item.get("span", 1)), 4),
    )


def part_label(kind: str) -> str:
    """What an element of layouts is called; "" for an unknown one."""
    return {
        "help": _("Help text"),
        "timeline": _("Timeline"),
        "related": _("Related records"),
        "tile": _("Figure of a dashboard"),
        "section": _("Section"),
    }.get(kind, "")

"""The form designer: palette, canvas and what dropping, moving and renaming do to the draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.icons import known as known_icons
from builder.web.studio.drafting import DraftView
from builder.web.wording import code_text
from engines.core import InputError, InputProblem, LocalizedText
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteEntry:
    """A field type, or a field that the layout does not show yet."""

    item: str
    label: str
    icon: str


def palette() -> list[tuple[str, list[PaletteEntry]]]:
    """Field types by group, from the registry."""
    groups: dict[str, list[PaletteEntry]] = {group: [] for group in GROUP_ORDER}
    for name, kind in field_types().items():
        entry = PaletteEntry(item=f"type:{name}", label=type_label(kind), icon=_icon(name))
        groups.setdefault(kind.group, []).append(entry)
    return [(group_label(group), entries) for group, entries in groups.items() if entries]


def _icon(name: str) -> str:
    icon = _ICONS.get(name, "form")
    return icon if icon in known_icons() else "form"


def type_label(kind: FieldType) -> str:
    """What a field type is called."""
    return code_text(kind.label_key, site().locale)


def group_label(group: str) -> str:
    """What a group of the palette is called."""
    return {
        "text": _("Text"),
        "number": _("Numbers"),
        "choice": _("Choice"),
        "date": _("Time"),
        "people": _("People"),
        "relation": _("Links"),
        "contact": _("Contact"),
        "structure": _("Structure"),
        "file": _("Files"),
        "computed": _("Computed"),
        "system": _("Numbering"),
    }.get(group, group)


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
    problems: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasSection:
    """A section with its items."""

    name: str
    label: str
    path: str
    columns: int
    items: tuple[CanvasItem, ...]
    selected: bool = False


def layout_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """A layout of a form's data by name, else its first; None where it has none."""
    layouts = data.get("layouts") or []
    return next((item for item in layouts if item["name"] == name), layouts[0] if layouts else None)


def canvas(data: Mapping[str, Any], key: str, layout: Mapping[str, Any], selected: str) -> list[CanvasSection]:
    """The sections of a layout in order; what stands outside sections is a section of its own."""
    base = join_path(key, "layouts", layout["name"], "items")
    fields = {field["name"]: field for field in data.get("fields") or []}
    return [section for item in layout.get("items") or [] for section in _sections(item, base, fields, selected)]


def _sections(item: Mapping[str, Any], base: str, fields: Mapping[str, Any], selected: str) -> Iterator[CanvasSection]:
    name = item.get("name") or item.get("field") or ""
    path = f"{base}/{name}"
    if item.get("type") in {"tabs", "steps"}:
        for child in item.get("items") or []:
            yield from _sections(child, f"{path}/items", fields, selected)
        return
    label = site().text(item.get("label")) or _("Section")
    if "items" not in item:
        yield CanvasSection(name=name, label=label, path="", columns=1, items=(_item(item, path, fields, selected),))
        return
    items = tuple(
        _item(child, f"{path}/items/{child.get('name') or child.get('field')}", fields, selected)
        for child in item["items"]
    )
    yield CanvasSection(
        name=name,
        label=label,
        path=path if name else "",
        columns=int(item.get("columns", 2)),
        items=items,
        selected=selected == path,
    )


def _item(item: Mapping[str, Any], path: str, fields: Mapping[str, Any], selected: str) -> CanvasItem:
    name = item.get("field") or item.get("name") or ""
    field = fields.get(name) if item.get("field") else None
    if field is None:
        label = site().text(item.get("label")) or name
        return CanvasItem(
            name=name,
            label=label,
            icon="columns",
            detail=str(item.get("type", "")),
            path=path,
            selected=selected == path,
        )
    kind = field_types().get(field["type"])
    return CanvasItem(
        name=name,
        label=LocalizedText.of(field.get("label")).get(site().locale) or name,
        icon=_icon(field["type"]),
        detail=type_label(kind) if kind else field["type"],
        path=path,
        selected=selected == path,
        required=bool(field.get("required")),
    )


def unused_fields(data: Mapping[str, Any], layout: Mapping[str, Any]) -> list[PaletteEntry]:
    """Fields that the layout does not show."""
    shown = set(_fields_in(layout))
    return [
        PaletteEntry(item=f"field:{f['name']}", label=site().text(f.get("label")) or f["name"], icon=_icon(f["type"]))
        for f in data.get("fields") or []
        if f["name"] not in shown
    ]


def _fields_in(item: Mapping[str, Any]) -> Iterator[str]:
    if item.get("field"):
        yield item["field"]
    for child in item.get("items") or []:
        yield from _fields_in(child)


def add_item(draft: Draft, key: str, into: str, index: int, item: str) -> str:
    """The path of what was dropped into the items at ``into``: a new field of a type, or a field not shown so far."""
    what, _colon, name = item.partition(":")
    if what == "type":
        name = _new_field(draft, key, name)
    elif what != "field" or draft.value(join_path(key, "fields", name)) is MISSING:
        raise InputError([InputProblem(pointer="/item", code="release.no_such_place", params={"path": item})])
    draft.edit(f"{into}/{name}", {"field": name}, after=_neighbour(draft, into, index, ""))
    return f"{into}/{name}"


def _new_field(draft: Draft, key: str, type_name: str) -> str:
    kind = field_types().get(type_name)
    if kind is None:
        raise InputError([InputProblem(pointer="/item", code="form.unknown_type", params={"found": type_name})])
    fields = draft.value(join_path(key, "fields"))
    taken = {field["name"] for field in fields} | {n for field in fields for n in field.get("formerly", ())}
    number = next(n for n in range(1, 10_000) if f"{type_name}_{n}" not in taken)
    name = f"{type_name}_{number}"
    texts = {language: code_text(kind.label_key, language) for language in ("zh", "en")}
    field: dict[str, Any] = {"name": name, "type": type_name, "label": texts, **_starting(kind)}
    draft.edit(join_path(key, "fields", name), field)
    return name


def _starting(kind: FieldType) -> dict[str, Any]:
    """The keys without which a field of the type is not whole."""
    if kind.has_options:
        return {"options": [{"name": f"option_{n}", "label": {"zh": f"选项 {n}", "en": f"Option {n}"}} for n in (1, 2)]}
    if kind.name == "subtable":
        return {"fields": [{"name": "text_1", "type": "text", "label": {"zh": "文本", "en": "Text"}}]}
    if kind.name == "autonumber":
        return {"pattern": "{number:5}"}
    return {"currency": "CNY", "scale": 2} if kind.name == "money" else {}


def move_item(draft: Draft, path: str, into: str, index: int) -> str:
    """The new path of a layout item dropped at ``index`` of the items at ``into``."""
    name = path.rpartition("/")[2]
    if path.rpartition("/")[0] == into:
        draft.move(path, after=_neighbour(draft, into, index, name))
        return path
    value = draft.value(path)
    if value is MISSING:
        raise InputError([InputProblem(pointer="/item", code="release.no_such_place", params={"path": path})])
    draft.remove(path)
    draft.edit(f"{into}/{name}", value, after=_neighbour(draft, into, index, ""))
    return f"{into}/{name}"


def shift_item(draft: Draft, path: str, by: int) -> str:
    """The path of an item moved one place up (-1) or down (1); the keyboard's way of dragging."""
    into, _slash, name = path.rpartition("/")
    names = _names(draft, into)
    place = names.index(name) if name in names else 0
    target = min(max(place + by, 0), len(names) - 1)
    return move_item(draft, path, into, target)


def _neighbour(draft: Draft, into: str, index: int, moving: str) -> str:
    """Name of the item behind which something goes that lands at ``index``; "" for the first place."""
    names = [name for name in _names(draft, into) if name != moving]
    return names[min(index, len(names)) - 1] if index > 0 and names else ""


def _names(draft: Draft, into: str) -> list[str]:
    items = draft.value(into)
    return [item.get("name") or item.get("field") for item in items] if isinstance(items, list) else []


def remove_item(draft: Draft, path: str) -> None:
    """Takes an item out of the layout; the field stays in the form."""
    draft.remove(path)


def rename_field(draft: Draft, view: DraftView, key: str, name: str, wanted: str) -> None:
    """Gives a field that was never published another name, also where layouts show it."""
    published = view.published.get(key)
    known = {field["name"] for field in published.data.get("fields") or []} if published else set()
    if name in known or draft.value(join_path(key, "fields", wanted)) is not MISSING:
        raise InputError([InputProblem(pointer="/name", code="release.name_taken", params={"name": wanted})])
    field = draft.value(join_path(key, "fields", name))
    draft.edit(join_path(key, "fields", wanted), {**field, "name": wanted})
    for layout in draft.value(join_path(key, "layouts")) or []:
        for path in list(_paths_of(layout, join_path(key, "layouts", layout["name"]), name)):
            into = path.rpartition("/")[0]
            names, item = _names(draft, into), draft.value(path)
            place = names.index(name)
            draft.remove(path)
            draft.edit(f"{into}/{wanted}", {**item, "field": wanted}, after=names[place - 1] if place else "")
    draft.remove(join_path(key, "fields", name))


def _paths_of(item: Mapping[str, Any], path: str, field: str) -> Iterator[str]:
    for child in item.get("items") or []:
        at = f"{path}/items/{child.get('name') or child.get('field')}"
        if child.get("field") == field:
            yield at
        yield from _paths_of(child, at, field)


def delete_field(draft: Draft, key: str, name: str) -> None:
    """Removes a field from the form and from every layout; its data stay archived when that is published."""
    for layout in draft.value(join_path(key, "layouts")) or []:
        for path in list(_paths_of(layout, join_path(key, "layouts", layout["name"]), name)):
            draft.remove(path)
    draft.remove(join_path(key, "fields", name))

"""Views in the form designer: dropped from the palette whole, their keys chosen from the fields that fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.studio.differences import below
from builder.web.studio.form_canvas import CanvasItem, PaletteEntry
from builder.web.studio.properties import Property, text_properties
from builder.web.views.kinds import KINDS, icon_of, kind_label
from engines.core import DefinitionSource, InputError, InputProblem
from engines.form import FormDefinition, load, view_choices, view_keys, view_needs

_NAMES = frozenset({"sums", "links"})
_LABELS = {
    "kanban": {"zh": "看板", "en": "Board"},
    "calendar": {"zh": "日历", "en": "Calendar"},
    "gantt": {"zh": "甘特图", "en": "Gantt chart"},
    "tree": {"zh": "树", "en": "Tree"},
    "organisation": {"zh": "组织架构图", "en": "Organisation chart"},
    "graph": {"zh": "关系图谱", "en": "Relationship graph"},
    "gallery": {"zh": "图库", "en": "Gallery"},
    "list": {"zh": "列表", "en": "List"},
}
# Columns that a new view shows.
_COLUMNS = 4


def view_palette() -> list[PaletteEntry]:
    """The kinds of views, to be dropped among a form's views."""
    return [PaletteEntry(item=f"view:{k}", label=kind_label(k), icon=icon_of(k)) for k in ("list", *KINDS)]


def views_shown(data: Mapping[str, Any], key: str, selected: str) -> list[CanvasItem]:
    """A form's views in order."""
    shown = []
    for view in data.get("views") or []:
        path = join_path(key, "views", view["name"])
        shown.append(
            CanvasItem(
                name=view["name"],
                label=site().text(view.get("label")) or view["name"],
                icon=icon_of(kind_of(view)),
                detail=kind_label(kind_of(view)),
                path=path,
                selected=selected == path,
            )
        )
    return shown


def kind_of(view: Mapping[str, Any]) -> str:
    """The kind of a view; one that is none of ours reads as a list until the check has told."""
    kind = str(view.get("kind", "list"))
    return kind if kind in _LABELS else "list"


def add_view(draft: Draft, key: str, index: int, kind: str) -> str:
    """The path of a new view, drawn by the first fields that fit; ``InputError`` where the form has none."""
    data = draft.value(key)
    if kind not in _LABELS or not isinstance(data, Mapping):
        raise InputError([InputProblem(pointer="/item", code="release.no_such_place", params={"path": kind})])
    form = _form(data)
    keys = {name: _first(form, name, kind) for name in view_needs(kind)}
    into = join_path(key, "views")
    there = data.get("views") or []
    names = [view["name"] for view in there]
    free = next(n for n in (kind, *(f"{kind}_{number}" for number in range(2, 1000))) if n not in names)
    fields = [field["name"] for field in data.get("fields") or [] if field.get("type") != "subtable"]
    view = {"name": free, "label": _LABELS[kind], "kind": kind, "columns": fields[:_COLUMNS], **keys}
    before = names[min(index, len(names)) - 1] if index > 0 and names else ""
    draft.edit(below(into, free), view, after=before)
    return below(into, free)


def _first(form: FormDefinition | None, key: str, kind: str) -> Any:
    found = view_choices(form, key) if form else []
    if not found:
        params = {"kind": kind_label(kind), "key": key_label(key)}
        raise InputError([InputProblem(pointer="/item", code="studio.no_field_for_view", params=params)])
    # An entry does not end with the field that it begins with, where there is another.
    name = found[1] if key == "end" and len(found) > 1 else found[0]
    return [name] if key in _NAMES else name


def _form(data: Mapping[str, Any]) -> FormDefinition | None:
    text = json.dumps(data, ensure_ascii=False, default=str)
    return load(DefinitionSource(file="", text=text)).definition


def key_label(key: str) -> str:
    """What a key of views is called."""
    return {
        "group": _("Grouped by"),
        "sums": _("Totals of"),
        "start": _("Begins on"),
        "end": _("Ends on"),
        "after": _("Waits for"),
        "done": _("Finished when"),
        "parent": _("Record above"),
        "links": _("Lines drawn by"),
        "image": _("Picture"),
        "color": _("Colour by"),
    }[key]


def view_properties(data: Mapping[str, Any], view: Mapping[str, Any], languages: tuple[str, ...]) -> list[Property]:
    """The properties of a view: what its kind is drawn by, what it shows, and which records."""
    form = _form(data)
    labels = {f["name"]: site().text(f.get("label")) or f["name"] for f in data.get("fields") or []}
    found = text_properties(view, "label", _("Label"), languages)
    for key in view_keys(kind_of(view)):
        value = view.get(key, MISSING)
        if key in _NAMES:
            names = ", ".join(value) if isinstance(value, list) else ""
            found.append(Property(path=key, label=key_label(key), kind="names", value=names))
        elif key == "done":
            text = "" if value is MISSING else str(value)
            found.append(Property(path=key, label=key_label(key), kind="expression", value=text))
        else:
            fitting = view_choices(form, key) if form else []
            choices = (("", "—"), *((name, labels.get(name, name)) for name in fitting))
            text = "" if value is MISSING else str(value)
            found.append(Property(path=key, label=key_label(key), kind="choice", value=text, choices=choices))
    columns = ", ".join(view.get("columns") or [])
    found.append(Property(path="columns", label=_("Columns"), kind="names", value=columns))
    found.append(Property(path="filter", label=_("Filter"), kind="expression", value=str(view.get("filter") or "")))
    return found

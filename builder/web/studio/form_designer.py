"""What the form designer does to the draft: dropping, moving, naming and removing fields, sections and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.studio.differences import below
from builder.web.studio.drafting import DraftView
from builder.web.studio.form_views import add_view
from builder.web.wording import code_text
from engines.core import InputError, InputProblem
from engines.form import FieldType, field_types
from engines.form.storage.sort_keys import sort_key

_NO_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 40
_NEW_PARTS: Mapping[str, Mapping[str, Any]] = {
    "section": {"type": "section", "label": {"zh": "新分组", "en": "New section"}, "columns": 2, "items": []},
    "help": {"type": "help", "text": {"zh": "说明文字", "en": "Help text"}},
    "timeline": {"type": "timeline", "label": {"zh": "时间线", "en": "Timeline"}},
}


def add_item(draft: Draft, key: str, into: str, index: int, item: str) -> str:
    """The path of what was dropped at ``index`` of the items at ``into``.

    ``item``: "type:money" makes a field, "field:name" shows one, "part:section" and "related:relation" add elements.
    """
    what, _colon, name = item.partition(":")
    if what == "view":
        return add_view(draft, key, index, name)
    if what in ("part", "related"):
        return _add_part(draft, key, into, index, what, name)
    if what == "type":
        name = new_field(draft, join_path(key, "fields"), name)
    elif what != "field" or draft.value(join_path(key, "fields", name)) is MISSING:
        raise no_such_place(item)
    path = below(into, name)
    draft.edit(path, {"field": name}, after=_neighbour(draft, into, index, ""))
    return path


def _add_part(draft: Draft, key: str, into: str, index: int, what: str, name: str) -> str:
    if what == "related":
        relation = draft.value(join_path(key, "relations", name))
        if not isinstance(relation, Mapping):
            raise no_such_place(name)
        part: dict[str, Any] = {"type": "related", "relation": name, "label": relation.get("label", name)}
        stem = name
    elif name in _NEW_PARTS:
        part, stem = dict(_NEW_PARTS[name]), name
    else:
        raise no_such_place(name)
    free = _free_name(stem, set(_names_in(draft.value(_layout_path(into)))))
    path = below(into, free)
    draft.edit(path, {"type": part.pop("type"), "name": free, **part}, after=_neighbour(draft, into, index, ""))
    return path


def _layout_path(into: str) -> str:
    """The layout that ``into`` is within: names of its parts are unique in all of it."""
    return "/".join(into.split("/")[:3])


def _names_in(item: Any) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield str(item.get("name") or item.get("field"))
        for child in item.get("items") or []:
            yield from _names_in(child)


def new_field(draft: Draft, fields: str, type_name: str) -> str:
    """The name of a new last field of a type among the fields at ``fields``: of a form, or of a sub-table."""
    kind = field_types().get(type_name)
    if kind is None:
        raise InputError([InputProblem(pointer="/item", code="form.unknown_type", params={"found": type_name})])
    there = draft.value(fields)
    known = there if isinstance(there, list) else []
    taken = {field["name"] for field in known} | {n for field in known for n in field.get("formerly", ())}
    name = _free_name(f"{type_name}_1", taken, f"{type_name}_")
    texts = {language: code_text(kind.label_key, language) for language in ("zh", "en")}
    field: dict[str, Any] = {"name": name, "type": type_name, "label": texts, **_starting(kind)}
    draft.edit(below(fields, name), field)
    return name


def _free_name(wanted: str, taken: set[str], stem: str = "") -> str:
    others = (f"{stem or wanted + '_'}{number}" for number in range(2, 10_000))
    return wanted if wanted not in taken else next(name for name in others if name not in taken)


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
    if value is MISSING or f"{into}/".startswith(f"{path}/"):
        raise no_such_place(path)
    draft.remove(path)
    draft.edit(below(into, name), value, after=_neighbour(draft, into, index, ""))
    return below(into, name)


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


def name_after_label(draft: Draft, found: DraftView, key: str, path: str) -> str:
    """The path of a field that was never published and still has the name it was made with, named after its label.

    Chinese by its pinyin; others keep the name they have, and so does what its label gives no name for.
    """
    field = draft.value(path)
    if not isinstance(field, Mapping) or not re.fullmatch(rf"{re.escape(str(field.get('type')))}_\d+", field["name"]):
        return path
    label = field.get("label") or {}
    wanted = slug(str(label.get("en") or "")) if _differs(field, "en") else ""
    wanted = wanted or (slug(str(label.get("zh") or "")) if _differs(field, "zh") else "")
    if not wanted or is_published(found, key, path):
        return path
    siblings = path.rpartition("/")[0]
    taken = {other["name"] for other in draft.value(siblings)} - {field["name"]}
    return rename_field(draft, found, key, path, _free_name(wanted, taken))


def _differs(field: Mapping[str, Any], language: str) -> bool:
    """Whether a label is no longer the one that every new field of the type has."""
    kind = field_types().get(field["type"])
    label = (field.get("label") or {}).get(language)
    return bool(label) and kind is not None and label != code_text(kind.label_key, language)


def slug(text: str) -> str:
    """A name made from words: lower case letters of the Latin alphabet, digits and underscores; may be empty."""
    name = _NO_NAME.sub("_", sort_key(text) or "").strip("_")[:_LONGEST_NAME].strip("_")
    return f"f_{name}" if name[:1].isdigit() else name


def is_published(found: DraftView, key: str, path: str) -> bool:
    """Whether the field at ``path`` stands in the release in force: then its name is its identity for ever."""
    from builder.definitions import value_at

    return key in found.published and value_at(found.published, path) is not MISSING


def rename_field(draft: Draft, found: DraftView, key: str, path: str, wanted: str) -> str:
    """The new path of a field that was never published, renamed also where layouts show it."""
    siblings, _slash, name = path.rpartition("/")
    if wanted == name:
        return path
    if is_published(found, key, path) or draft.value(below(siblings, wanted)) is not MISSING:
        raise InputError([InputProblem(pointer="/name", code="release.name_taken", params={"name": wanted})])
    names = _names(draft, siblings)
    place = names.index(name)
    field = draft.value(path)
    draft.edit(below(siblings, wanted), {**field, "name": wanted}, after=names[place - 1] if place else "")
    draft.remove(path)
    if siblings == join_path(key, "fields"):
        _rename_in_layouts(draft, key, name, wanted)
    return below(siblings, wanted)


def _rename_in_layouts(draft: Draft, key: str, name: str, wanted: str) -> None:
    for layout in draft.value(join_path(key, "layouts")) or []:
        for path in list(_paths_of(layout, join_path(key, "layouts", layout["name"]), name)):
            into = path.rpartition("/")[0]
            names, item = _names(draft, into), draft.value(path)
            place = names.index(name)
            draft.remove(path)
            draft.edit(below(into, wanted), {**item, "field": wanted}, after=names[place - 1] if place else "")


def _paths_of(item: Mapping[str, Any], path: str, field: str) -> Iterator[str]:
    for child in item.get("items") or []:
        at = below(f"{path}/items", str(child.get("name") or child.get("field")))
        if child.get("field") == field:
            yield at
        yield from _paths_of(child, at, field)


def delete_field(draft: Draft, key: str, name: str) -> None:
    """Removes a field from the form and from every layout; its data stay archived when that is published."""
    for layout in draft.value(join_path(key, "layouts")) or []:
        for path in list(_paths_of(layout, join_path(key, "layouts", layout["name"]), name)):
            draft.remove(path)
    draft.remove(join_path(key, "fields", name))


def add_option(draft: Draft, path: str) -> None:
    """One more option at the end of a list."""
    options = draft.value(path)
    taken = {option["name"] for option in options} if isinstance(options, list) else set()
    number = next(n for n in range(1, 10_000) if f"option_{n}" not in taken)
    label = {"zh": f"选项 {number}", "en": f"Option {number}"}
    draft.edit(below(path, f"option_{number}"), {"name": f"option_{number}", "label": label})


def no_such_place(path: str) -> InputError:
    """What is said of a path that leads nowhere."""
    return InputError([InputProblem(pointer="/item", code="release.no_such_place", params={"path": path})])

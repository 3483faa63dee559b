"""The sections that a field's values make of a list: the columns of a board, the groups of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from builder.web.context import _, site
from builder.web.option_labels import option_label
from builder.web.views.sheet import Sheet
from engines.core import InputError, InputProblem
from engines.form import Group, Groups

# Sections of one page; further values are told, not shown.
MOST_SECTIONS = 40
# Values whose names are read to put them in order; of more, the largest sections are shown.
MOST_NAMED = 200
_PEOPLE = frozenset({"owner", "created_by", "updated_by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The records with one value."""

    # The value as addresses carry it; "" for records without.
    key: str
    label: str
    # The label as it looks: an option in its colour.
    shown: Markup
    color: str
    count: int
    count_text: str
    # Label and total of each field that is added up.
    sums: tuple[tuple[str, str], ...]
    filter: Mapping[str, Any]


def sections_of(sheet: Sheet, by: str) -> tuple[list[Section], int]:
    """The sections by a field, in the order of its options or by name, and how many more there are."""
    sums = sheet.sums()
    groups = sheet.work.records.groups(sheet.place.name, sheet.query(), by, sums)
    found = {_key(item.value): item for item in groups.items}
    keys = _ordered(sheet, by, groups, found)
    return [_section(sheet, by, key, found.get(key), groups.capped) for key in keys[:MOST_SECTIONS]], max(
        0, len(keys) - MOST_SECTIONS
    )


def section_at(sheet: Sheet, by: str, key: str) -> Section:
    """One section, with its figures as they are now."""
    sums = sheet.sums()
    groups = sheet.work.records.groups(sheet.place.name, sheet.query(narrow=[condition(sheet, by, key)]), by, sums)
    return _section(sheet, by, key, next(iter(groups.items), None), groups.capped)


def condition(sheet: Sheet, by: str, key: str) -> Mapping[str, Any]:
    """What the records of a section meet; ``InputError`` for a key that can be none."""
    if not key:
        return {"field": by, "op": "is_empty"}
    kind = _kind(sheet, by)
    if kind == "boolean":
        return {"field": by, "op": "is_true" if key == "true" else "is_false"}
    if kind in {"reference", "person", "department"}:
        try:
            key = str(UUID(key))
        except ValueError:
            raise InputError([InputProblem(pointer="", code="list.bad_filter", params={"found": key})]) from None
    return {"field": by, "op": "=", "value": key}


def _kind(sheet: Sheet, by: str) -> str:
    field = sheet.place.form.fields.get(by)
    if field is None:
        return "person" if by in _PEOPLE else "department"
    return str(field.definition.config.get("result", "")) or field.definition.type


def _key(value: Any) -> str:
    return "" if value is None else "true" if value is True else "false" if value is False else str(value)


def _ordered(sheet: Sheet, by: str, groups: Groups, found: Mapping[str, Group]) -> list[str]:
    field = sheet.place.form.fields.get(by)
    kind = _kind(sheet, by)
    empty = [""] if "" in found else []
    if field is not None and field.definition.options:
        known = [o.name for o in field.definition.options if not o.retired or o.name in found]
        return [*known, *(key for key in found if key and key not in known), *empty]
    if kind == "boolean":
        return ["true", "false", *empty]
    named = sorted((item for item in groups.items if item.value is not None), key=lambda item: -item.count)
    kept = named if len(named) <= MOST_NAMED else named[:MOST_SECTIONS]
    _learn(sheet, by, kind, [item.value for item in kept if isinstance(item.value, UUID)])
    rest = [_key(item.value) for item in named[len(kept) :]]
    return [*sorted((_key(item.value) for item in kept), key=lambda key: _label(sheet, by, key)), *rest, *empty]


def _learn(sheet: Sheet, by: str, kind: str, ids: list[UUID]) -> None:
    """Reads the names of many at once."""
    if kind == "person":
        sheet.names.learn_people(ids)
    elif kind == "reference":
        sheet.names.learn_records(sheet.place.form.fields[by].target, ids)


def _label(sheet: Sheet, by: str, key: str) -> str:
    """What a section is called."""
    field, kind = sheet.place.form.fields.get(by), _kind(sheet, by)
    if not key:
        return _("Without: %(field)s", field=sheet.label(by))
    if kind == "boolean":
        return _("Yes") if key == "true" else _("No")
    if field is not None and field.definition.options:
        option = next((o for o in field.definition.options if o.name == key), None)
        return option_label(sheet.place.app.name, field.definition, option) if option else key
    if kind == "person":
        return sheet.names.person(UUID(key)) or _("unknown")
    if kind == "department":
        return sheet.names.department(UUID(key)) or _("unknown")
    if kind == "reference" and field is not None:
        return sheet.names.record(field.target, UUID(key)) or _("not visible")
    return sheet.names.role(key) or key if kind == "role" else key


def _section(sheet: Sheet, by: str, key: str, group: Group | None, capped: bool) -> Section:
    field = sheet.place.form.fields.get(by)
    option = next((o for o in field.definition.options if o.name == key), None) if field else None
    color = f"c-{option.color}" if option and option.color.isalpha() else ""
    label = _label(sheet, by, key)
    where = condition(sheet, by, key)
    count, text = _counted(sheet, where, group, capped)
    return Section(
        key=key,
        label=label,
        shown=Markup('<span class="badge {}">{}</span>').format(color, label) if option else escape(label),
        color=color,
        count=count,
        count_text=text,
        sums=() if capped else _sums(sheet, group),
        filter=where,
    )


def _counted(sheet: Sheet, where: Mapping[str, Any], group: Group | None, capped: bool) -> tuple[int, str]:
    number = site().formats.number
    if not capped:
        return (group.count if group else 0), number(group.count if group else 0)
    counted = sheet.work.records.count(sheet.place.name, sheet.query(narrow=[where]))
    return counted.value, f"{number(counted.value)}{'+' if counted.capped else ''}"


def _sums(sheet: Sheet, group: Group | None) -> tuple[tuple[str, str], ...]:
    fields = sheet.place.form.fields
    return tuple(
        (sheet.label(name), sheet.display.text(fields[name].definition, value))
        for name, value in (group.sums if group else {}).items()
        if value is not None
    )

"""Views: whether each kind has what it is drawn from, in fields of the types that it can draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engines.core import Diagnostic
from engines.form.definition import FieldDefinition, FormDefinition, ViewDefinition
from engines.form.scope import SYSTEM_FIELDS

DAYS = frozenset({"date", "datetime"})
NUMBERS = frozenset({"number", "money", "percent", "rating"})
# Values that several records share, so that they make groups.
SHARED = frozenset({"choice", "boolean", "reference", "person", "department", "role"})
PICTURES = frozenset({"image", "attachment", "signature"})
LINKS = frozenset({"reference", "references"})
_COLOURED = frozenset({"choice"})
# Types of what every record has.
_SYSTEM: Mapping[str, str] = {
    "created_at": "datetime",
    "updated_at": "datetime",
    "created_by": "person",
    "updated_by": "person",
    "owner": "person",
    "department": "department",
    "version": "number",
}
_COMPUTED = frozenset({"formula", "lookup", "rollup"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of views that names one or several fields."""

    types: frozenset[str]
    # Whether the field must refer to records of the same form.
    own: bool = False


KEYS: Mapping[str, Key] = {
    "group": Key(types=SHARED),
    "sums": Key(types=NUMBERS),
    "start": Key(types=DAYS),
    "end": Key(types=DAYS),
    "after": Key(types=LINKS, own=True),
    "parent": Key(types=frozenset({"reference"}), own=True),
    "links": Key(types=LINKS),
    "image": Key(types=PICTURES),
    "color": Key(types=_COLOURED),
}
# Keys without which there is nothing to draw.
NEEDS: Mapping[str, Sequence[str]] = {
    "kanban": ("group",),
    "calendar": ("start",),
    "gantt": ("start", "end"),
    "tree": ("parent",),
    "organisation": ("parent",),
    "graph": ("links",),
}
# Keys that each kind draws from, besides ``columns``, ``filter`` and ``sort``.
USES: Mapping[str, Sequence[str]] = {
    "list": ("group", "sums"),
    "kanban": ("group", "sums", "color"),
    "calendar": ("start", "end", "color"),
    "gantt": ("start", "end", "after", "done", "color"),
    "tree": ("parent",),
    "organisation": ("parent", "color"),
    "graph": ("links", "color"),
    "gallery": ("image", "color"),
}


def names_in(view: ViewDefinition, key: str) -> tuple[str, ...]:
    """The fields that a key of a view names."""
    given = view.group if key == "group" else view.config.get(key, "")
    return tuple(given) if isinstance(given, list | tuple) else (given,) if given else ()


def check_views(form: FormDefinition) -> Iterator[Diagnostic]:
    """Codes: ``definition.missing_property``, ``form.view_field``, ``form.view_key``."""
    for view in form.views:
        yield from _check(form, view)


def _check(form: FormDefinition, view: ViewDefinition) -> Iterator[Diagnostic]:
    for key in NEEDS.get(view.kind, ()):
        if not names_in(view, key):
            hint = f'a view of the kind "{view.kind}" is drawn from it'
            place = form.source.place(view.pointer)
            yield Diagnostic(code="definition.missing_property", expected=f'"{key}"', hint=hint).at(place)
    uses = USES[view.kind]
    stated = [key for key in (*KEYS, "done") if (view.config.get(key) or (key == "group" and view.group))]
    for key in stated:
        if key not in uses:
            expected = ", ".join(uses)
            place = form.source.place(f"{view.pointer}/{key}")
            hint = f'a view of the kind "{view.kind}" does nothing with it'
            yield Diagnostic(code="form.view_key", found=key, expected=expected, hint=hint).at(place)
    for key, rule in KEYS.items():
        several = isinstance(view.config.get(key), list | tuple)
        for place_in_list, name in enumerate(names_in(view, key)):
            if not fits(form, name, rule):
                pointer = f"{view.pointer}/{key}/{place_in_list}" if several else f"{view.pointer}/{key}"
                yield _wrong(form, pointer, name, rule)


def fits(form: FormDefinition, name: str, rule: Key) -> bool:
    """Whether a key may name a field; one that is not there is told elsewhere."""
    field = form.field(name)
    if field is None:
        return name not in SYSTEM_FIELDS or _SYSTEM.get(name, "") in rule.types
    kind = shown_type(field)
    if not kind:
        return True
    own = str(field.config.get("form", "")).rpartition(".")[2] == form.name
    return kind in rule.types and (own or not rule.own)


def shown_type(field: FieldDefinition) -> str:
    """The type of a field's values; "" where only the forms around tell."""
    return str(field.config.get("result", "")) if field.type in _COMPUTED else field.type


def _wrong(form: FormDefinition, pointer: str, name: str, rule: Key) -> Diagnostic:
    field = form.field(name)
    found = f"{name} ({shown_type(field) if field else _SYSTEM.get(name, '')})"
    expected = "a field of the type " + ", ".join(sorted(rule.types))
    hint = f'one that refers to "{form.name}" itself' if rule.own else ""
    return Diagnostic(code="form.view_field", found=found, expected=expected, hint=hint).at(form.source.place(pointer))


def view_needs(kind: str) -> Sequence[str]:
    """The keys without which a view of a kind cannot be drawn."""
    return NEEDS.get(kind, ())


def view_choices(form: FormDefinition, key: str) -> list[str]:
    """Names of the form's fields that a key of views may name."""
    return [field.name for field in form.fields if shown_type(field) and fits(form, field.name, KEYS[key])]


def view_keys(kind: str) -> Sequence[str]:
    """The keys that a view of a kind is drawn from."""
    return USES[kind]

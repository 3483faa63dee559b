"""Parts of a process in the designer, and the inputs of its panel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.definitions import MISSING
from builder.releases import Draft
from builder.web.context import site
from builder.web.studio.drafting import DraftView
from builder.web.studio.properties import Property


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A node or flow with its path in the draft."""

    path: str
    data: Mapping[str, Any]
    flow: bool = False

    @property
    def name(self) -> str:
        """Its name, which is its id in the diagram."""
        return str(self.data["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Properties under a heading; ``path`` is the part that they belong to."""

    title: str
    path: str
    properties: Sequence[Property]
    # Removes the whole group (an outcome, a field's rights) where that is possible.
    removable: bool = False
    # Action that adds something to it, and the button's text.
    adds: tuple[str, str] | None = None


def group(title: str, part: Part, properties: Sequence[Property]) -> Group:
    """Properties of a part under a heading."""
    return Group(title=title, path=part.path, properties=properties)


def at(part: Part, path: str) -> Any:
    """What stands at a path below a part; None where nothing does."""
    value: Any = part.data
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(part: Part, path: str, label: str) -> Property:
    """An input for plain text."""
    return Property(path=path, label=label, kind="text", value=str(at(part, path) or ""))


def feel(part: Part, path: str, label: str) -> Property:
    """An input for an expression."""
    return Property(path=path, label=label, kind="expression", value=str(at(part, path) or ""))


def flag(part: Part, path: str, label: str) -> Property:
    """A switch."""
    return Property(path=path, label=label, kind="flag", checked=bool(at(part, path)))


def names_of(part: Part, path: str, label: str) -> Property:
    """An input for names, separated by commas."""
    given = at(part, path) or at(part, path.removesuffix("s")) or []
    return Property(path=path, label=label, kind="names", value=", ".join([given] if isinstance(given, str) else given))


def json_of(part: Part, path: str, label: str) -> Property:
    """An input for JSON."""
    value = at(part, path)
    text = "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
    return Property(path=path, label=label, kind="json", value=text)


def choice(part: Part, path: str, label: str, choices: Sequence[tuple[str, str]]) -> Property:
    """A choice, with what is there now even where it is not offered."""
    value = str(at(part, path) or "")
    known = {name for name, _label in choices}
    kept = ((value, value),) if value and value not in known else ()
    return Property(path=path, label=label, kind="choice", value=value, choices=(("", "—"), *choices, *kept))


def same(*names: str) -> tuple[tuple[str, str], ...]:
    """Choices that are called by their names."""
    return tuple((name, name) for name in names)


def of_kind(found: DraftView, kind: str) -> tuple[tuple[str, str], ...]:
    """Names and labels of the draft's definitions of a kind."""
    return tuple(
        (name, site().text(document.data.get("label")) or name)
        for key, document in found.documents.items()
        for wanted, _colon, name in [key.partition(":")]
        if wanted == kind and isinstance(document.data, dict)
    )


def names_in(found: DraftView, key: str, children: str) -> tuple[tuple[str, str], ...]:
    """Names of a definition's children as choices."""
    document = found.documents.get(key)
    data = document.data if document else None
    return same(*(item["name"] for item in (data or {}).get(children, ())))


def number(part: Part, path: str, label: str) -> Property:
    """An input for a number."""
    value = at(part, path)
    return Property(path=path, label=label, kind="number", value="" if value is None else str(value))


def set_property(draft: Draft, path: str, value: Any) -> None:
    """Gives a property a value, or takes it away; objects on the way to it are made where they are missing."""
    if value is MISSING:
        if draft.value(path) is not MISSING:
            draft.remove(path)
        return
    parent, _slash, last = path.rpartition("/")
    if draft.value(parent) is MISSING:
        set_property(draft, parent, {last: value})
    elif path.endswith("/assignment/roles"):
        before = draft.value(parent)
        draft.edit(parent, {**{k: v for k, v in before.items() if k != "role"}, "roles": value})
    else:
        draft.edit(path, value)

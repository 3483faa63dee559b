"""Trees of rules as JSON and back, for the block editor."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from engines.rules.language.tree import Action, Expr, Node, Rule, RuleFile, Trigger


def members(hint: Any) -> tuple[Any, ...]:
    """The members of a union; a type alone is its only member."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


_KINDS: dict[str, type[Node]] = {cls.KIND: cls for cls in (*members(Trigger), *members(Action), Rule)}
_SKIPPED = frozenset({"place"})


def to_json(value: Any) -> Any:
    """The tree as JSON values: expressions as texts, nodes with their ``kind``, defaults left out."""
    if isinstance(value, Expr):
        return value.text
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    written: dict[str, Any] = {"kind": value.KIND} if isinstance(value, Node) else {}
    for part in fields(value):
        content = getattr(value, part.name)
        if part.name not in _SKIPPED and content != part.default:
            written[part.name] = to_json(content)
    return written


def from_json(data: Mapping[str, Any]) -> RuleFile:
    """The tree that ``to_json`` wrote; raises ``ValueError`` with the pointer of what does not fit."""
    tree = _read(data, RuleFile, "")
    assert isinstance(tree, RuleFile)  # noqa: S101
    return tree


# Levels of JSON that a tree may have.
_MAX_LEVELS = 130


def _read(data: Any, hint: Any, pointer: str) -> Any:
    if pointer.count("/") > _MAX_LEVELS:
        raise ValueError(f"{pointer[:80]}…: nested too deeply; fewer blocks within each other are expected")
    choices = [m for m in members(hint) if m is not type(None)]
    if data is None and len(choices) < len(members(hint)):
        return None
    if get_origin(choices[0]) is tuple:
        if not isinstance(data, Sequence) or isinstance(data, str):
            raise ValueError(f"{pointer}: a list is expected")
        return tuple(_read(item, get_args(choices[0])[0], f"{pointer}/{i}") for i, item in enumerate(data))
    if choices[0] is Expr:
        return Expr(_plain(data, str, pointer))
    if choices[0] in (str, int, bool):
        return _plain(data, choices[0], pointer)
    return _read_object(data, choices, pointer)


def _plain(data: Any, wanted: type, pointer: str) -> Any:
    if type(data) is not wanted:
        raise ValueError(f"{pointer}: {wanted.__name__} is expected, found {data!r}")
    return data


def _read_object(data: Any, members: Sequence[Any], pointer: str) -> Any:
    if not isinstance(data, Mapping):
        raise ValueError(f"{pointer}: an object is expected")
    cls = members[0] if len(members) == 1 else _KINDS.get(str(data.get("kind")))
    if cls is None or cls not in members:
        raise ValueError(f"{pointer}/kind: one of {sorted(m.KIND for m in members)} is expected")
    hints = get_type_hints(cls)
    given = {key: item for key, item in data.items() if key != "kind"}
    unknown = [key for key in given if key not in cls.__dataclass_fields__ or key in _SKIPPED]
    missing = [f.name for f in fields(cls) if _required(f) and f.name not in given]
    if unknown or missing:
        raise ValueError(f"{pointer}: unknown {unknown}, missing {missing}")
    return cls(**{key: _read(item, hints[key], f"{pointer}/{key}") for key, item in given.items()})


def _required(part: Any) -> bool:
    from dataclasses import MISSING

    return part.default is MISSING and part.default_factory is MISSING

"""Edits of definitions, property by property: what drafts and layers are made of.

A path names the definition and then the way into it, children of named arrays by their names:
``form:book/fields/title/label/en``. Parts are escaped as in RFC 6901.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from builder.definitions.documents import Document, copied
from engines.core import InputError, InputProblem
from engines.core.source import parts_of, pointer_of


class _Missing:
    """Stands for a property that is not there; JSON has no value for that."""

    def __repr__(self) -> str:
        return "MISSING"

    def __deepcopy__(self, _memo: Any) -> _Missing:
        return self


MISSING: Final = _Missing()


class Op(StrEnum):
    """What an edit does."""

    # Gives a property a value, or replaces one; also a whole new definition.
    SET = "set"
    # Takes a property, a child or a whole definition away.
    REMOVE = "remove"
    # Puts a named child into its array.
    INSERT = "insert"
    # Puts a named child to another place of its array.
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of one property."""

    op: Op
    path: str
    # The new value; MISSING for remove and move.
    value: Any = MISSING
    # What stood there when it was changed; MISSING where nothing did.
    base: Any = MISSING
    # INSERT and MOVE: name of the neighbour before it; "" is the first place, None the last.
    after: str | None = None
    # Path of the file, for a definition that the edit creates.
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """The edit as JSON data."""
        data: dict[str, Any] = {"op": self.op.value, "path": self.path}
        data |= {k: v for k, v in (("value", self.value), ("base", self.base)) if v is not MISSING}
        data |= {"after": self.after} if self.op in (Op.INSERT, Op.MOVE) else {}
        return data | ({"file": self.file} if self.file else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The edit that ``to_json`` gave."""
        return cls(
            op=Op(data["op"]),
            path=data["path"],
            value=data.get("value", MISSING),
            base=data.get("base", MISSING),
            after=data.get("after"),
            file=data.get("file", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A place that the package changed too, or where an edit found no place any more."""

    path: str
    # changed: the package has another base; gone: its parent was removed; twice: both added it
    kind: str
    base: Any
    theirs: Any
    ours: Any


def split_path(path: str) -> tuple[str, list[str]]:
    """The definition's key and the unescaped parts of the way into it."""
    key, slash, rest = path.partition("/")
    return key, parts_of(slash + rest)


def join_path(key: str, *parts: str) -> str:
    """The path of ``parts`` within the definition ``key``."""
    return key + pointer_of(*parts)


def apply_edits(documents: Mapping[str, Document], edits: Iterable[Edit]) -> tuple[dict[str, Document], list[Conflict]]:
    """The documents with the edits applied in order, and where they met other changes; ``documents`` stay as they are.

    Where an edit meets another change, the edit wins; where its place is gone, it is left out.
    """
    result = dict(documents)
    fresh: set[str] = set()
    conflicts: list[Conflict] = []
    for edit in edits:
        key, parts = split_path(edit.path)
        if key in result and key not in fresh:
            result[key] = copied(result[key])
            fresh.add(key)
        conflict = _apply_file(result, key, edit) if not parts else _apply_inside(result, key, parts, edit)
        if conflict is not None:
            conflicts.append(conflict)
    return result, conflicts


def value_at(documents: Mapping[str, Document], path: str) -> Any:
    """The value at ``path``, or MISSING."""
    key, parts = split_path(path)
    if key not in documents:
        return MISSING
    value = documents[key].data
    for part in parts:
        value = _child(value, part)
        if value is MISSING:
            return MISSING
    return value


def require_path(path: str) -> None:
    """``InputError`` for a text that is no path."""
    key, slash, rest = path.partition("/")
    if not key or (slash and not rest) or "//" in path:
        raise InputError([InputProblem(pointer="/path", code="release.bad_path", params={"path": path})])


def _apply_file(documents: dict[str, Document], key: str, edit: Edit) -> Conflict | None:
    """Creates, replaces or removes a whole definition."""
    there = documents.get(key)
    theirs = MISSING if there is None else there.data
    conflict = _compare(edit, theirs)
    if edit.op is Op.REMOVE:
        documents.pop(key, None)
    elif there is not None:
        there.data, there.written = copy.deepcopy(edit.value), None
    elif edit.file:
        documents[key] = Document(file=edit.file, data=copy.deepcopy(edit.value), written=None)
    else:
        return _conflict(edit, "gone", theirs)
    return conflict


def _apply_inside(documents: dict[str, Document], key: str, parts: list[str], edit: Edit) -> Conflict | None:
    parent = value_at(documents, join_path(key, *parts[:-1]))
    if edit.op is Op.INSERT and parent is MISSING and len(parts) > 1:
        parent = _make_list(documents, key, parts[:-1])
    if not isinstance(parent, dict | list):
        return _conflict(edit, "gone", MISSING)
    documents[key].written = None
    theirs = _child(parent, parts[-1])
    if isinstance(parent, list):
        return _apply_child(parent, parts[-1], edit, theirs)
    conflict = _compare(edit, theirs)
    if edit.op is Op.REMOVE:
        parent.pop(parts[-1], None)
    else:
        parent[parts[-1]] = copy.deepcopy(edit.value)
    return conflict


def _apply_child(siblings: list[Any], name: str, edit: Edit, theirs: Any) -> Conflict | None:
    """One named child of an array: ordered sets, merged by name."""
    index = next((i for i, child in enumerate(siblings) if child_name(child) == name), None)
    if edit.op is Op.REMOVE:
        if index is not None:
            siblings.pop(index)
        return _compare(edit, theirs) if index is not None else None
    if edit.op is Op.SET and index is not None:
        siblings[index] = copy.deepcopy(edit.value)
        return _compare(edit, theirs)
    if edit.op is Op.MOVE and index is None:
        return _conflict(edit, "gone", MISSING)
    child = siblings.pop(index) if index is not None else copy.deepcopy(edit.value)
    if edit.op is Op.INSERT:
        child = copy.deepcopy(edit.value)
    siblings.insert(_place(siblings, edit.after), child)
    twice = edit.op is Op.INSERT and index is not None and theirs != edit.value
    return _conflict(edit, "twice", theirs) if twice else None


def _place(siblings: list[Any], after: str | None) -> int:
    """Where a child goes: behind its neighbour, else to the end."""
    if after == "":
        return 0
    found = (i + 1 for i, child in enumerate(siblings) if child_name(child) == after)
    return next(found, len(siblings))


def _make_list(documents: dict[str, Document], key: str, parts: list[str]) -> list[Any] | _Missing:
    """An empty array at ``parts``, where its parent is an object."""
    parent = value_at(documents, join_path(key, *parts[:-1]))
    if not isinstance(parent, dict):
        return MISSING
    made: list[Any] = parent.setdefault(parts[-1], [])
    return made


def _compare(edit: Edit, theirs: Any) -> Conflict | None:
    """A conflict where the place holds neither what was seen nor what is wanted."""
    wanted = MISSING if edit.op is Op.REMOVE else edit.value
    return None if theirs in (edit.base, wanted) else _conflict(edit, "changed", theirs)


def _conflict(edit: Edit, kind: str, theirs: Any) -> Conflict:
    return Conflict(path=edit.path, kind=kind, base=edit.base, theirs=theirs, ours=edit.value)


def _child(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part, MISSING)
    if isinstance(value, list):
        return next((child for child in value if child_name(child) == part), MISSING)
    return MISSING


def child_name(child: Any) -> str | None:
    """What identifies a child of an array: its name, or the field that a layout item shows."""
    if not isinstance(child, dict):
        return None
    found = child.get("name") or child.get("field")
    return found if isinstance(found, str) else None

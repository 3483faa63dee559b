"""The JSON Schema of the tree, made from its classes: what a block editor may send."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, get_args, get_origin, get_type_hints

from engines.rules.language import tree as t
from engines.rules.language.tree_json import members as members_of

_PLAIN = {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}}


def tree_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what ``to_json`` writes and ``from_json`` reads."""
    definitions: dict[str, Any] = {}
    root = _reference(t.RuleFile, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dougong:rules:1",
        "title": "Rules",
        "description": "The tree of a rules file; expressions are FEEL texts. docs/rules.md describes the text form.",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _reference(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}
        definitions[cls.__name__] = _object(cls, definitions)
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _object(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties: dict[str, Any] = {}
    required: list[str] = []
    if issubclass(cls, t.Node):
        properties["kind"] = {"const": cls.KIND}
        required.append("kind")
    for part in fields(cls):
        if part.name == "place":
            continue
        properties[part.name] = _schema(hints[part.name], definitions)
        if part.default is MISSING and part.default_factory is MISSING:
            required.append(part.name)
    return {
        "description": (cls.__doc__ or "").split("\n")[0],
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    members = [m for m in members_of(hint) if m is not type(None)]
    if len(members) > 1:
        return {"oneOf": [_schema(member, definitions) for member in members]}
    kind = members[0]
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0], definitions)}
    if kind is t.Expr:
        return {"type": "string", "description": "FEEL"}
    return dict(_PLAIN[kind]) if kind in _PLAIN else _reference(kind, definitions)

"""The JSON Schema of form files, built from the field-type registry so that the two cannot drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from engines.form.schema_texts import described
from engines.form.types import FieldType, FieldTypes

FORM_SCHEMA_ID = "urn:dougong:form:1"
OPTIONS_SCHEMA_ID = "urn:dougong:options:1"
OPERATIONS = ("see", "create", "edit", "delete", "import", "export", "print", "share", "comment")
ACCESS = ("hidden", "masked", "read", "write")
VIEW_KINDS = ("list", "kanban", "calendar", "gantt", "tree", "organisation", "graph", "gallery")
PURPOSES = ("create", "edit", "page", "review", "step", "phone", "public", "print")
LAYOUT_ITEMS = (
    "field",
    "section",
    "tabs",
    "tab",
    "steps",
    "step",
    "canvas",
    "box",
    "related",
    "timeline",
    "tile",
    "help",
    "button",
    "process",
)

_TEXT = {
    "description": "A text in several languages, or one for all.",
    "oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
}
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
_QUALIFIED = {"type": "string", "pattern": "^([a-z][a-z0-9_]{0,62}\\.)?[a-z][a-z0-9_]{0,62}$"}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


def _object(properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


_FLAG_OR_FEEL = {"type": ["boolean", "string"]}
_FORMERLY = _list({"oneOf": [_ref("name"), _object({"name": _ref("name"), "version": {"type": "string"}}, ["name"])]})
_OPTION = _object(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "label": _ref("text"),
        "color": {"type": "string"},
        "retired": {"type": "boolean"},
        "when": _list({"type": "string"}),
    },
    ["name"],
)
_CONSTRAINT_PARTS = {"condition": _ref("feel"), "message": _ref("text")}
_SEVERITY = {"enum": ["error", "warning", "info"]}

# What every field may state; the types add their own keys.
COMMON: Mapping[str, Any] = {
    "name": _ref("name"),
    "type": {"type": "string"},
    "label": _ref("text"),
    "short_label": _ref("text"),
    "help": _ref("text"),
    "required": _FLAG_OR_FEEL,
    "unique": {"type": "boolean"},
    "default": _ref("feel"),
    "formula": _ref("feel"),
    "visible": _ref("feel"),
    "read_only": _FLAG_OR_FEEL,
    "when_hidden": {"enum": ["clear", "keep"]},
    "constraint": _object({**_CONSTRAINT_PARTS, "severity": _SEVERITY}, ["condition"]),
    "search": {"type": "boolean"},
    "personal": {"type": "boolean"},
    "formerly": _FORMERLY,
}


def field_schema(kind: FieldType) -> dict[str, Any]:
    """JSON Schema of a field of one type."""
    properties = {**COMMON, **kind.config, "type": {"const": kind.name}}
    if kind.has_options:
        # A list of its own, or the name of a shared one.
        options = {"oneOf": [_list(_ref("option")), _ref("qualified")]}
        properties |= {"options": options, "option_list": _ref("qualified")}
    needs = ["name", "type", *kind.needs]
    if kind.name == "subtable":
        properties["fields"] = _list(_ref("field"))
        needs.append("fields")
    return _object(properties, needs)


def form_schema(types: FieldTypes, used: Iterable[str] | None = None) -> dict[str, Any]:
    """JSON Schema of form files; with ``used``, only the branches of those types, which checks much faster."""
    kinds = [kind for name, kind in types.items() if used is None or name in used]
    branches = [
        {"if": {"properties": {"type": {"const": kind.name}}, "required": ["type"]}, "then": field_schema(kind)}
        for kind in kinds
    ]
    field = {
        "type": "object",
        "required": ["name", "type"],
        "properties": {"type": {"enum": list(types)}},
        "allOf": branches,
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FORM_SCHEMA_ID,
        "title": "Form",
        "description": "A form: fields, layouts over them, lists, rights.",
        **_form(),
        "$defs": {**_definitions(), "field": field},
    }
    return described(deepcopy(schema)) if used is None else schema


def _form() -> dict[str, Any]:
    public = {
        "layout": _ref("name"),
        "message": _ref("text"),
        "title": _ref("text"),
        "closes": {"type": "string"},
        # Fields whose values stand in the link itself, chosen by whoever sends it; the visitor does not see them.
        "prefill": {"type": "array", "items": _ref("name")},
    }
    duplicate = {"name": _ref("name"), "fields": _list(_ref("name")), "match": {"enum": ["exact", "fuzzy"]}}
    properties = {
        "$schema": {"type": "string"},
        "name": _ref("name"),
        "label": _ref("text"),
        "plural": _ref("text"),
        "description": _ref("text"),
        "title": _ref("name"),
        "dated_by": _ref("name"),
        "fields": _list(_ref("field")),
        "relations": _list(_ref("relation")),
        "constraints": _list(_ref("constraint")),
        "layouts": _list(_ref("layout")),
        "views": _list(_ref("view")),
        "public": _object(public),
        "permissions": _list(_ref("permission")),
        "formerly": _FORMERLY,
        "duplicates": _list(_object(duplicate, ["fields"])),
    }
    return _object(properties, ["name", "fields"])


def _definitions() -> dict[str, Any]:
    relation = {"name": _ref("name"), "form": _ref("qualified"), "field": _ref("name"), "label": _ref("text")}
    constraint = {"name": _ref("name"), **_CONSTRAINT_PARTS, "fields": _list(_ref("name")), "severity": _SEVERITY}
    permission = {
        "role": _ref("qualified"),
        "operations": {"type": "array", "items": {"enum": list(OPERATIONS)}, "uniqueItems": True},
        "rows": _ref("feel"),
        "access": {"enum": list(ACCESS)},
        "fields": _list(_object({"name": _ref("qualified"), "access": {"enum": list(ACCESS)}}, ["name", "access"])),
    }
    return {
        "text": _TEXT,
        "name": _NAME,
        "qualified": _QUALIFIED,
        "feel": {"type": "string", "minLength": 1, "description": "A FEEL expression (DMN 1.5)."},
        "option": _OPTION,
        "relation": _object(relation, ["name", "form", "field"]),
        "constraint": _object(constraint, ["name", "condition"]),
        "permission": _object(permission, ["role", "operations"]),
        "layout": _layout(),
        "item": _item(),
        "view": _view(),
    }


def _layout() -> dict[str, Any]:
    parts = {
        "name": _ref("name"),
        "purpose": {"enum": list(PURPOSES)},
        "label": _ref("text"),
        "items": _list(_ref("item")),
    }
    return _object(parts, ["name", "items"])


def _item() -> dict[str, Any]:
    """Layout items: an element or a field; the keys of the elements are few enough to be stated together."""
    whole = {"type": "integer", "minimum": 1}
    parts = {
        "type": {"enum": list(LAYOUT_ITEMS)},
        "name": _ref("name"),
        "field": _ref("name"),
        "label": _ref("text"),
        "text": _ref("text"),
        "visible": _ref("feel"),
        "items": _list(_ref("item")),
        "columns": {"oneOf": [whole, _list(_ref("name"))]},
        "span": whole,
        "limit": whole,
        "relation": _ref("name"),
        "relations": _list(_ref("name")),
        "view": _ref("name"),
        "dashboard": _ref("qualified"),
        "tile": _ref("name"),
        "filter": {"type": ["object", "string"]},
        "sort": _list(_sort()),
        "create": {"type": "boolean"},
        "collapsed": {"type": "boolean"},
        "process": _ref("qualified"),
        "action": {"type": "string"},
        "set": {"type": "object", "propertyNames": _ref("name"), "additionalProperties": _ref("feel")},
        "confirm": _ref("text"),
        "widget": {"type": "string"},
        "height": whole,
    }
    return _object(parts)


def _sort() -> dict[str, Any]:
    return _object({"field": {"type": "string"}, "direction": {"enum": ["asc", "desc"]}}, ["field"])


def _view() -> dict[str, Any]:
    parts = {
        "name": _ref("name"),
        "label": _ref("text"),
        "kind": {"enum": list(VIEW_KINDS)},
        "columns": _list({"type": "string"}),
        "filter": _ref("feel"),
        "sort": _list(_sort()),
        "group": _ref("name"),
        "sums": _list(_ref("name")),
        "start": _ref("name"),
        "end": _ref("name"),
        "after": _ref("name"),
        "done": _ref("feel"),
        "parent": _ref("name"),
        "links": _list(_ref("name")),
        "image": _ref("name"),
        "color": _ref("name"),
    }
    return _object(parts, ["name"])


def options_schema() -> dict[str, Any]:
    """JSON Schema of shared option lists (``*.options.json``)."""
    label_sets = _list(_object({"name": _ref("name"), "label": _ref("text"), "labels": _labels()}, ["name", "labels"]))
    properties = {
        "$schema": {"type": "string"},
        "name": _ref("name"),
        "label": _ref("text"),
        "options": _list(_ref("option")),
        "label_sets": label_sets,
        "setting": _ref("name"),
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": OPTIONS_SCHEMA_ID,
        "title": "Option list",
        "description": "Options that several forms share, with label sets that a setting switches.",
        **_object(properties, ["name", "options"]),
        "$defs": {"text": _TEXT, "name": _NAME, "qualified": _QUALIFIED, "option": _OPTION},
    }
    return described(deepcopy(schema))


def _labels() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _ref("text")}

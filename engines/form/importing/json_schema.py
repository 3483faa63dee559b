"""JSON Schema (2020-12 and the drafts before it) into a form."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import re2

from engines.form.importing.draft import Draft, identifier, literal, texts
from engines.form.importing.report import Conversion, Part, Report

_FORMATS = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "duration": "duration",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
    "iri": "url",
    "phone": "phone",
    "color": "color",
    "textarea": "long_text",
    "html": "rich_text",
}
_ANNOTATIONS = ("$schema", "$id", "id", "$comment", "$$description", "$defs", "definitions", "$anchor")


def convert_json_schema(data: Mapping[str, Any], name: str) -> Conversion:
    """A form for the records that the schema describes."""
    report = Report()
    root = Part(data, "", report)
    draft = Draft(str(data.get("title") or name))
    _annotations(root, draft)
    converter = _Converter(draft, data, report)
    converter.object(root, draft.items)
    converter.conditions(root)
    root.close()
    return Conversion(definition=draft.data(), entries=report.entries())


def _annotations(root: Part, draft: Draft) -> None:
    if "title" in root:
        draft.extra["label"] = texts(root.get("title"))
    if "description" in root:
        draft.extra["description"] = texts(root.get("description"))
    for key in _ANNOTATIONS:
        root.get(key)
    root.get("type")
    if root.peek("additionalProperties") is False:
        root.get("additionalProperties")
    else:
        root.near("additionalProperties", "keys that the form does not know are refused")


class _Converter:
    def __init__(self, draft: Draft, root: Mapping[str, Any], report: Report) -> None:
        self._draft = draft
        self._root = root
        self._report = report

    def object(self, part: Part, items: list[dict[str, Any]], prefix: str = "") -> None:
        """Adds the properties of an object as fields."""
        required = set(part.get("required") or ())
        properties = part.part("properties")
        for key in properties.data:
            self._property(self._resolved(properties.part(key)), key, key in required, items, prefix)

    def _resolved(self, part: Part) -> Part:
        """The part with what its ``$ref`` points to, its own keys first."""
        target = part.peek("$ref")
        if not isinstance(target, str) or not target.startswith("#/"):
            return part
        found: Any = self._root
        for step in target[2:].split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
        part.get("$ref")
        merged = Part({**found, **part.data}, part.pointer, self._report)
        return merged if "$ref" not in found else self._resolved(Part(dict(found), part.pointer, self._report))

    def _property(self, part: Part, key: str, required: bool, items: list[dict[str, Any]], prefix: str) -> None:
        kind = _type_of(part)
        if kind == "object" and "properties" in part:
            self._group(part, key, items, prefix)
        else:
            name = self._draft.new_name(f"{prefix}{key}")
            field = {"name": name, **self.field(part, kind), **({"required": True} if required else {})}
            self._draft.fields.append(field)
            items.append({"field": name})
        part.close()

    def _group(self, part: Part, key: str, items: list[dict[str, Any]], prefix: str) -> None:
        """An object within the object: a section, its fields named after it."""
        part.near("type", "an object becomes a section whose fields carry its name in front")
        inner: list[dict[str, Any]] = []
        section: dict[str, Any] = {"type": "section", "name": self._draft.group_name(key), "items": inner}
        section["label"] = texts(part.get("title", key))
        if "description" in part:
            inner.append({"type": "help", "text": texts(part.get("description"))})
        part.near("additionalProperties", "keys that the form does not know are refused")
        items.append(section)
        self.object(part, inner, f"{prefix}{key}_")

    def field(self, part: Part, kind: str) -> dict[str, Any]:
        """Type and keys of a field."""
        found: dict[str, Any] = {}
        if "title" in part:
            found["label"] = texts(part.get("title"))
        if "description" in part:
            found["help"] = texts(part.get("description"))
        elif isinstance(part.peek("$$description"), list):
            found["help"] = texts(" ".join(map(str, part.get("$$description"))))
        for key in ("$comment", "$id", "$$description"):
            if not part.told(key):
                part.near(key, "said to those who read the schema, not to those who fill in the form")
        if "default" in part:
            found["default"] = literal(part.get("default"))
        if part.get("readOnly"):
            found["read_only"] = True
        part.near("examples", "examples are not kept; the help may carry one")
        part.get("type")
        return {**self._shape(part, kind), **found}

    def _shape(self, part: Part, kind: str) -> dict[str, Any]:
        options = _options(part)
        if options is not None:
            return {"type": "choice", "options": options}
        match kind:
            case "boolean":
                return {"type": "boolean"}
            case "integer" | "number":
                return _number(part, kind)
            case "array":
                return self._list(part)
            case "string":
                return _text(part)
        return {"type": "json"}

    def _list(self, part: Part) -> dict[str, Any]:
        items = self._resolved(part.part("items"))
        options = _options(items)
        if options is not None or _type_of(items) not in ("object",):
            return self._values(part, items, options)
        part.get("items")
        draft = Draft("rows")
        inner = _Converter(draft, self._root, self._report)
        items.get("type")
        inner.object(items, [])
        for key in ("title", "description"):
            items.near(key, "rows have no label of their own")
        items.near("additionalProperties", "keys that the form does not know are refused")
        items.close()
        nested = [field for field in draft.fields if field["type"] != "subtable"]
        rows: dict[str, Any] = {"type": "subtable", "fields": nested}
        if "minItems" in part:
            rows["min_rows"] = part.get("minItems")
        if "maxItems" in part:
            rows["max_rows"] = part.get("maxItems")
        return rows

    def _values(self, part: Part, items: Part, options: list[dict[str, Any]] | None) -> dict[str, Any]:
        """A list of plain values: choices where they are listed, else free words."""
        found: dict[str, Any] = {"type": "multi_choice", "options": options} if options else {"type": "tags"}
        items.get("type")
        items.close()
        part.get("uniqueItems")
        if "maxItems" in part:
            found["max_items"] = part.get("maxItems")
        if options and "minItems" in part:
            found["min_items"] = part.get("minItems")
        return found

    def conditions(self, root: Part) -> None:
        """``dependentRequired`` and simple ``if``/``then`` become conditions on being required."""
        names = self._draft.known
        for key, others in (root.get("dependentRequired") or root.get("dependencies") or {}).items():
            if isinstance(others, list) and key in names:
                self._require(others, f"{names[key]} != null")
        rules = [root, *root.parts("allOf")]
        for rule in rules:
            test = _test(rule.peek("if"), names)
            then = rule.peek("then") or {}
            if test and isinstance(then, Mapping) and set(then) <= {"required", "properties"}:
                rule.get("if")
                rule.get("then")
                self._require(then.get("required", ()), test)
            for key in ("if", "then"):
                if not self._report.has(rule.at(key)):
                    rule.drop(key, "only a comparison with constants that makes fields required is understood")

    def _require(self, originals: Any, condition: str) -> None:
        for field in self._draft.fields:
            if field["name"] in {self._draft.known.get(original) for original in originals}:
                before = field.get("required")
                field["required"] = condition if not isinstance(before, str) else f"({before}) or ({condition})"


def _test(condition: Any, names: Mapping[str, str]) -> str:
    """FEEL for ``{"properties": {"x": {"const": 1}}}``; empty where it says more than that."""
    if not isinstance(condition, Mapping) or not set(condition) <= {"properties", "required"}:
        return ""
    parts = []
    for key, schema in condition.get("properties", {}).items():
        if key not in names or not isinstance(schema, Mapping) or not set(schema) <= {"const", "enum"}:
            return ""
        wanted = schema["enum"] if "enum" in schema else [schema.get("const")]
        parts.append(" or ".join(f"{names[key]} = {literal(value)}" for value in wanted))
    return " and ".join(f"({part})" if " or " in part else part for part in parts)


def _type_of(part: Part) -> str:
    kind = part.peek("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    if kind is None:
        kind = "object" if "properties" in part else "array" if "items" in part else "any"
    if part.peek("format") or part.peek("enum"):
        return str(kind) if kind != "any" else "string"
    return str(kind)


def _options(part: Part) -> list[dict[str, Any]] | None:
    for word in ("oneOf", "anyOf"):
        listed = part.peek(word)
        if isinstance(listed, list) and listed and all(isinstance(o, Mapping) and "const" in o for o in listed):
            part.get(word)
            taken: set[str] = set()
            return [_option(o["const"], o.get("title", o["const"]), taken) for o in listed]
    values = part.peek("enum")
    if isinstance(values, list):
        part.get("enum")
        taken = set()
        return [_option(value, value, taken) for value in values if value is not None]
    return None


def _option(value: Any, label: Any, taken: set[str]) -> dict[str, Any]:
    name = str(value) if str(value) and str(value) not in taken else identifier(str(value), taken)
    taken.add(name)
    return {"name": name, "label": texts(label)}


def _number(part: Part, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "number"}
    if kind == "integer":
        found["scale"] = 0
    step = part.peek("multipleOf")
    if step is not None:
        scale = max(-int(_decimal(step).as_tuple().exponent), 0)
        if _decimal(step) == _decimal(1).scaleb(-scale):
            part.get("multipleOf")
            found["scale"] = scale
        else:
            part.near("multipleOf", "a constraint keeps the step")
            found["scale"] = scale
    for key, ours in (("minimum", "min"), ("maximum", "max")):
        if key in part:
            found[ours] = part.get(key)
    for key, ours, sign in (("exclusiveMinimum", "min", 1), ("exclusiveMaximum", "max", -1)):
        if key in part:
            unit = _decimal(1).scaleb(-found.get("scale", 6))
            bound = _decimal(part.near(key, "the next value that the scale allows is the limit")) + sign * unit
            found[ours] = int(bound) if bound == bound.to_integral_value() else bound
    if part.get("format") == "percent":
        found["type"] = "percent"
    return found


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _text(part: Part) -> dict[str, Any]:
    format_ = part.peek("format")
    kind = _FORMATS.get(str(format_), "text")
    if kind != "text":
        part.get("format")
    elif format_ is not None:
        part.near("format", "kept as plain text")
    if str(part.peek("contentMediaType", "")).startswith("text/html"):
        part.get("contentMediaType")
        kind = "rich_text"
    found: dict[str, Any] = {"type": kind}
    takes_limits = kind in ("text", "long_text", "email", "phone", "url")
    for key, ours in (("maxLength", "max_length"), ("minLength", "min_length")):
        if key in part and takes_limits:
            found[ours] = part.get(key)
    if "pattern" in part and takes_limits:
        pattern = whole_pattern(str(part.peek("pattern")))
        if pattern:
            found["pattern"] = pattern
            part.get("pattern")
        else:
            part.drop("pattern", "the regular expression needs more than linear time (look-around, back-references)")
    return found


def whole_pattern(pattern: str) -> str:
    """A pattern that is searched for as one that the whole text must match; empty where RE2 cannot run it."""
    start, end = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    inner = pattern[1 if start else 0 : -1 if end else None]
    whole = inner if start and end and "|" not in inner else f"{'' if start else '.*'}(?:{inner}){'' if end else '.*'}"
    quiet = re2.Options()
    quiet.log_errors = False
    try:
        re2.compile(whole, quiet)
    except re2.error:
        return ""
    return whole

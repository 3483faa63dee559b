"""A form being built from another format."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from pypinyin import lazy_pinyin

from engines import feel
from engines.form.scope import AROUND, RESERVED, SYSTEM_FIELDS


def identifier(text: str, taken: set[str]) -> str:
    """``text`` as one of our names: lower snake case, not reserved, not taken."""
    latin = "".join(lazy_pinyin(text)) if not text.isascii() else text
    latin = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", latin).lower()
    stem = re.sub(r"[^a-z0-9]+", "_", latin).strip("_")[:50] or "field"
    stem = stem if stem[0].isalpha() else f"f_{stem}"
    name, number = stem, 2
    while name in taken or name in RESERVED:
        name, number = f"{stem}_{number}", number + 1
    taken.add(name)
    return name


def literal(value: Any) -> str:
    """A JSON value as FEEL text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case float():
            return str(Decimal(str(value)))
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def texts(value: Any, language: str = "") -> dict[str, str] | str:
    """A label from one text or from texts by language ("default" is English)."""
    if isinstance(value, Mapping):
        return {("en" if key == "default" else key.split("-")[0]): str(text) for key, text in value.items()}
    return {language: str(value)} if language else str(value)


# Names that every expression of a form may use besides its fields.
_AROUND = frozenset((*AROUND, *SYSTEM_FIELDS, "item"))


def canonical(text: str, fields: Collection[str]) -> str:
    """``text`` as FEEL is usually written, where it reads nothing but the given fields; else empty."""
    scope = feel.Scope(dict.fromkeys(fields, feel.ANY), open=True)
    if not text or any(d.severity == "error" for d in feel.check(text, scope)):
        return ""
    expression = feel.compile(text, scope)
    known = {path[0] for path in expression.reads} <= {*fields, *_AROUND}
    return str(expression) if known else ""


def plain(value: Any) -> Any:
    """Data as JSON has it: decimals become numbers."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


class Draft:
    """Fields and layout of a form to be."""

    def __init__(self, name: str) -> None:
        self.fields: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.constraints: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.permissions: list[dict[str, Any]] = []
        self.layouts: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.name = identifier(name, set())
        self._names: set[str] = set()
        self._groups: set[str] = set()
        # Name in the file to the name of the field.
        self.known: dict[str, str] = {}

    def new_name(self, original: str) -> str:
        """The name of a new field."""
        name = identifier(original, self._names)
        self.known.setdefault(original, name)
        return name

    def group_name(self, original: str) -> str:
        """The name of a new section."""
        return identifier(original, self._groups)

    def settle_formulas(self) -> None:
        """Gives formulas the type of result that their expressions have; those that were lost give null."""
        kinds = {"number": feel.NUMBER, "rating": feel.NUMBER, "money": feel.NUMBER, "boolean": feel.BOOLEAN}
        kinds |= {"date": feel.DATE, "datetime": feel.DATE_TIME, "text": feel.STRING, "choice": feel.STRING}
        scope = feel.Scope({f["name"]: kinds.get(f["type"], feel.ANY) for f in self.fields}, open=True)
        results: dict[feel.FeelType, str] = {
            feel.NUMBER: "number",
            feel.BOOLEAN: "boolean",
            feel.DATE: "date",
            feel.DATE_TIME: "datetime",
        }
        for field in self.fields:
            if field["type"] == "formula":
                field["formula"] = field.get("formula") or "null"
                kind = feel.compile(field["formula"], scope, strict=False).type
                field["result"] = results.get(kind, "text")
                if kind not in results and kind not in (feel.STRING, feel.NULL):
                    field["formula"] = f"string({field['formula']})"

    def data(self) -> dict[str, Any]:
        """The definition as data of a ``*.form.json`` file."""
        found: dict[str, Any] = {"name": self.name, **self.extra, "fields": self.fields}
        if self.constraints:
            found["constraints"] = self.constraints
        layouts = [{"name": "edit", "purpose": "edit", "items": self.items}] if self.items else []
        if layouts or self.layouts:
            found["layouts"] = [*layouts, *self.layouts]
        if self.views:
            found["views"] = self.views
        if self.permissions:
            found["permissions"] = self.permissions
        whole: dict[str, Any] = plain(found)
        return whole

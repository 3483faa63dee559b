"""Questions with several answers at once: rankings, matrices, ranges of days, lists of records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from engines.feel import STRING, ContextType, FeelType, ListType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting
from engines.form.types.choices import MultiChoiceType, texts_of
from engines.form.types.dates import parse_day
from engines.form.types.people import ReferenceType, parse_id
from engines.form.types.places import PartsType

# Days as ISO texts: date(period.start) is the day.
DAYS = ContextType({"start": STRING, "end": STRING}, "date range")
_NAMED: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"name": {"$ref": "#/$defs/name"}, "label": {"$ref": "#/$defs/text"}},
        "required": ["name"],
        "additionalProperties": False,
    },
}


class RankingType(MultiChoiceType):
    """All (or the first few) of the options, in the order that somebody put them."""

    name = "ranking"
    group = "question"

    def coercer(self, field: FieldDefinition) -> Coerce:
        names = {option.name for option in field.options}
        fewest, most = setting(field, "min_items", 0), setting(field, "max_items", len(names) or 1)

        def coerce(value: Any) -> list[str] | None:
            found = texts_of(value)
            for text in found:
                if text not in names:
                    raise Refused("form.not_an_option", value=text)
            if len(found) > most:
                raise Refused("form.too_many", max=most, count=len(found))
            if found and len(found) < fewest:
                raise Refused("form.too_few", min=fewest, count=len(found))
            return found or None

        return coerce


class MatrixType(PartsType):
    """One answer for each row, chosen among the same columns."""

    name = "matrix"
    group = "question"
    config: ClassVar[Mapping[str, Any]] = {
        "matrix_rows": {**_NAMED, "description": "The rows: what is asked about."},
        "matrix_columns": {**_NAMED, "description": "The columns: the answers."},
        "several": {"type": "boolean", "description": "Whether a row may have several answers."},
        "all_rows": {"type": "boolean", "description": "Whether every row must be answered."},
    }
    needs = ("matrix_rows", "matrix_columns")

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        answer: FeelType = ListType(STRING) if setting(field, "several") else STRING
        return ContextType({row["name"]: answer for row in field.config["matrix_rows"]})

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        rows = [row["name"] for row in field.config["matrix_rows"]]
        columns = {column["name"] for column in field.config["matrix_columns"]}
        several = bool(setting(field, "several"))
        if any(key not in rows for key in value):
            raise Refused("form.matrix")
        kept: dict[str, Any] = {}
        for row in rows:
            answers = texts_of(value[row]) if value.get(row) else []
            if any(answer not in columns for answer in answers) or (len(answers) > 1 and not several):
                raise Refused("form.matrix")
            if answers:
                kept[row] = answers if several else answers[0]
        if kept and len(kept) < len(rows) and setting(field, "all_rows"):
            raise Refused("form.too_few", min=len(rows))
        return kept or None

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        answer: dict[str, Any] = {"enum": [column["name"] for column in field.config["matrix_columns"]]}
        if setting(field, "several"):
            answer = {"type": "array", "items": answer}
        rows = {row["name"]: answer for row in field.config["matrix_rows"]}
        return {"type": "object", "properties": rows, "additionalProperties": False}


class DateRangeType(PartsType):
    """A first and a last day; the last is part of it."""

    name = "date_range"
    group = "date"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return DAYS

    def parsed(self, text: str) -> Any:
        start, separator, end = text.partition("/")
        return {"start": start, "end": end} if separator else super().parsed(text)

    def coercer(self, field: FieldDefinition) -> Coerce:
        inner = super().coercer(field)

        def coerce(value: Any) -> Any:
            return inner(dict(zip(("start", "end"), value, strict=True)) if isinstance(value, list | tuple) else value)

        return coerce

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        start, end = (parse_day(value[key]) if value.get(key) else None for key in ("start", "end"))
        if start is None and end is None:
            return None
        if start is None or end is None or end < start:
            raise Refused("form.date_range")
        return {"start": start.isoformat(), "end": end.isoformat()}

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        day = {"type": "string", "format": "date"}
        return {"type": "object", "properties": {"start": day, "end": day}, "required": ["start", "end"]}


class ReferencesType(FieldType):
    """Several records of another form."""

    name = "references"
    group = "relation"
    config: ClassVar[Mapping[str, Any]] = {
        **ReferenceType.config,
        "min_items": {"type": "integer", "minimum": 0},
        "max_items": {"type": "integer", "minimum": 1},
    }
    needs = ("form",)
    sortable = False

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ListType(STRING)

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.JSON)

    def coercer(self, field: FieldDefinition) -> Coerce:
        most = setting(field, "max_items", 1000)

        def coerce(value: Any) -> list[str] | None:
            if isinstance(value, str) and value.lstrip().startswith("["):
                value = json.loads(value)
            items = value if isinstance(value, list | tuple | set) else str(value).replace(",", " ").split()
            ids = [key for key in map(parse_id, items) if isinstance(key, UUID)]
            found = list(dict.fromkeys(str(key) for key in ids))
            if len(found) > most:
                raise Refused("form.too_many", max=most, count=len(found))
            return found or None

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": True}


def as_days(value: Mapping[str, str]) -> tuple[date, date]:
    """First and last day of a stored date range."""
    return date.fromisoformat(value["start"]), date.fromisoformat(value["end"])


TYPES: tuple[FieldType, ...] = (RankingType(), MatrixType(), DateRangeType(), ReferencesType())

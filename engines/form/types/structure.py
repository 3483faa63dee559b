"""Types whose values have parts: sub-tables, files, free JSON; and numbers that the system gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from engines.feel import ANY, NUMBER, STRING, ContextType, FeelType, ListType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting
from engines.form.types.text import clean_text

FILE = ContextType({"id": STRING, "name": STRING, "size": NUMBER, "type": STRING}, "file")
_FILE_KEYS = frozenset(("id", "name", "size", "type"))


class SubtableType(FieldType):
    """Rows of their own below the record, in a table of their own."""

    name = "subtable"
    group = "structure"
    config: ClassVar[Mapping[str, Any]] = {
        "min_rows": {"type": "integer", "minimum": 0},
        "max_rows": {"type": "integer", "minimum": 1},
    }
    sortable = False

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ListType(around.row_type(field.fields))

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return None

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> list[Mapping[str, Any]]:
            if not isinstance(value, list | tuple):
                raise Refused("form.not_rows")
            for row in value:
                if type(row) is not dict and not isinstance(row, Mapping):
                    raise Refused("form.not_rows")
            return list(value)

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array", "maxItems": setting(field, "max_rows", 1000)}
        return {**schema, "minItems": setting(field, "min_rows", 0)}

    def empty(self) -> Any:
        return []


class AttachmentType(FieldType):
    """Files: what is kept in the record is their id, name, size and type; the content is the file store's."""

    name = "attachment"
    group = "file"
    config: ClassVar[Mapping[str, Any]] = {
        "max_files": {"type": "integer", "minimum": 1},
        "max_size": {"type": "integer", "minimum": 1},
        "types": {"type": "array", "items": {"type": "string"}},
    }
    sortable = False
    most: ClassVar[int] = 20
    only: ClassVar[str] = ""

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ListType(FILE)

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.JSON)

    def coercer(self, field: FieldDefinition) -> Coerce:
        most, largest, kinds = setting(field, "max_files", self.most), self.largest(field), self.kinds(field)

        def coerce(value: Any) -> list[dict[str, Any]] | None:
            files = [_file(item) for item in (value if isinstance(value, list | tuple) else [value])]
            if len(files) > most:
                raise Refused("form.too_many", max=most, count=len(files))
            for file in files:
                if file["size"] > largest:
                    raise Refused("form.file_too_large", max=largest, name=file["name"])
                if kinds and not any(is_kind(file, kind) for kind in kinds):
                    raise Refused("form.file_type", name=file["name"], types=", ".join(kinds))
            return files or None

        return coerce

    def largest(self, field: FieldDefinition) -> int:
        """Largest size of one file, in bytes."""
        return int(setting(field, "max_size", 50 * 1024 * 1024))

    def kinds(self, field: FieldDefinition) -> tuple[str, ...]:
        """Kinds of files that it takes, as ``is_kind`` reads them; empty: all."""
        return tuple(setting(field, "types", (self.only,) if self.only else ()))

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        parts = {"id": {"type": "string"}, "name": {"type": "string"}, "size": {"type": "integer"}}
        item = {"type": "object", "properties": {**parts, "type": {"type": "string"}}, "required": sorted(_FILE_KEYS)}
        return {"type": "array", "items": item, "maxItems": setting(field, "max_files", self.most)}


def _file(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not _FILE_KEYS <= value.keys():
        raise Refused("form.not_file")
    try:
        return {
            "id": str(UUID(str(value["id"]))),
            "name": clean_text(value["name"]) or "file",
            "size": int(value["size"]),
            "type": str(value["type"]),
        }
    except ValueError:
        raise Refused("form.not_file") from None


def is_kind(file: Mapping[str, Any], wanted: str) -> bool:
    """Whether a file is of a kind: a media type, all of a family ("image/*"), or the end of a name (".csv")."""
    if wanted.startswith("."):
        return str(file["name"]).lower().endswith(wanted.lower())
    return str(file["type"]).startswith(wanted[:-1]) if wanted.endswith("/*") else bool(file["type"] == wanted)


class ImageType(AttachmentType):
    """Pictures."""

    name = "image"
    only = "image/*"


class SignatureType(AttachmentType):
    """One drawn signature, kept as a picture."""

    name = "signature"
    most = 1
    only = "image/*"


class JsonType(FieldType):
    """Any JSON value, for data that only programs read."""

    name = "json"
    group = "structure"
    sortable = False

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ANY

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.JSON)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> Any:
            if isinstance(value, str):
                if not value.strip():
                    return None
                try:
                    return json.loads(value, parse_float=Decimal)
                except (ValueError, RecursionError):
                    raise Refused("form.not_json") from None
            return value

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {}


class AutonumberType(FieldType):
    """A number that the system gives when the record is created.

    ``pattern`` holds ``{year} {month} {day}`` (or ``{YYYY} {MM} {DD}``) and ``{number}``, ``{number:5}`` or ``{00000}``
    (with leading zeros). Counting starts again in each ``period``: the shortest that the pattern shows, unless stated.
    The counter moves in the record's own transaction, so a refused record leaves no gap; a
    deleted one does.
    """

    name = "autonumber"
    group = "system"
    config: ClassVar[Mapping[str, Any]] = {
        "pattern": {"type": "string", "pattern": r"\{(number(:[0-9]{1,2})?|0+)\}"},
        "period": {"enum": ["never", "year", "month", "day"]},
        "start": {"type": "integer", "minimum": 0},
    }
    enterable = False
    can_be_unique = True
    textual = True

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return STRING

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.TEXT)

    def coercer(self, field: FieldDefinition) -> Coerce:
        return clean_text

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}


TYPES: tuple[FieldType, ...] = (
    SubtableType(),
    AttachmentType(),
    ImageType(),
    SignatureType(),
    JsonType(),
    AutonumberType(),
)

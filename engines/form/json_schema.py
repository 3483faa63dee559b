"""The JSON Schema of a form's records, as the API takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.form.compiled import CompiledField
from engines.form.definition import FormDefinition


def record_schema(form: FormDefinition, fields: Mapping[str, CompiledField]) -> dict[str, Any]:
    """JSON Schema 2020-12 of what may be sent to create a record of ``form``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": form.label.get("en") or form.name,
        **_object(fields),
    }


def _object(fields: Mapping[str, CompiledField]) -> dict[str, Any]:
    required = [f.name for f in fields.values() if f.required and f.default is None and f.entered and not f.visible]
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in fields.items()},
        "required": required,
        "additionalProperties": False,
    }


def _property(field: CompiledField) -> dict[str, Any]:
    schema = field.kind.json_schema(field.definition)
    if field.rows is not None:
        row = _object(field.rows)
        schema["items"] = {**row, "properties": {"id": {"type": "string", "format": "uuid"}, **row["properties"]}}
    if not field.entered:
        schema["readOnly"] = True
    if not field.required and schema and field.rows is None:
        schema = _nullable(schema)
    return {"title": field.definition.label.get("en"), **schema}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return schema

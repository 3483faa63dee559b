"""What inputs with several parts are filled with: plain data per type, also from values as they were typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from builder.definitions.documents import write_json
from builder.files.media_types import RASTER
from builder.web.forms.display import Display, file_size, plain_text, point_text
from builder.web.forms.reading import DURATION_PARTS
from engines.form import AttachmentType, CompiledField, FieldDefinition, to_json
from engines.form.types.dates import parse_duration
from engines.form.types.places import ADDRESS_PARTS


def parts_of(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    """The parts of a field's input; empty where it is one plain input."""
    make = _PARTS.get(field.definition.type)
    return make(field, value, display) if make else {}


def _range(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    return {key: str(given.get(key) or "") for key in ("start", "end")}


def _duration(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {part: str(value.get(part, "")) for part in DURATION_PARTS}
    span = parse_duration(value) if isinstance(value, str) and value else value
    if not isinstance(span, timedelta):
        return dict.fromkeys(DURATION_PARTS, "")
    sign, span = (-1, -span) if span < timedelta(0) else (1, span)
    hours, rest = divmod(span.seconds, 3600)
    numbers = zip(DURATION_PARTS, (span.days, hours, *divmod(rest, 60)), strict=True)
    return {part: str(sign * number) if number else "" for part, number in numbers}


def _address(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    asked = field.definition.config.get("parts") or [part for part in ADDRESS_PARTS if part != "country"]
    given = value if isinstance(value, Mapping) else {"street": value or ""}
    # What is there is never hidden, asked for or not.
    return {part: str(given.get(part) or "") for part in ADDRESS_PARTS if part in asked or given.get(part)}


def _location(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {"name": value or ""}
    return {"name": str(given.get("name") or ""), "point": str(given.get("point") or point_text(given))}


def _point(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    return {"text": point_text(value) if isinstance(value, Mapping) else plain_text(value)}


def _json(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    return {"text": value if isinstance(value, str) or value is None else json_text(value)}


def json_text(value: Any) -> str:
    """A JSON value as people edit it; numbers keep their digits."""
    return write_json(to_json(value))


def _records(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    items = []
    for key in _texts(value):
        try:
            title = display.names.record(field.list_target, UUID(key))
        except ValueError:
            continue
        items.append({"id": key, "label": title or "•••"})
    return {"items": items}


def _options(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    chosen = set(_texts(value))
    labels = [(o.name, display.option(field.definition, o)) for o in field.definition.options if o.name in chosen]
    return {"items": [{"id": name, "label": label} for name, label in labels]}


def _tags(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    return {"items": _texts(value)}


def _ranking(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    order = _texts(value)
    labels = {o.name: display.option(field.definition, o) for o in field.definition.options if not o.retired}
    ranked = [{"name": name, "label": labels.get(name, name)} for name in order]
    rest = [{"name": name, "label": label} for name, label in labels.items() if name not in order]
    most = int(field.definition.config.get("max_items", len(labels) or 1))
    return {"ranked": ranked, "rest": rest, "most": most}


def _matrix(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    locale = display.formats.locale
    config, given = field.definition.config, value if isinstance(value, Mapping) else {}
    columns = _named(config.get("matrix_columns", ()), locale)
    answers = {row: set(_texts(answer)) for row, answer in given.items()}
    rows = [
        {**row, "answers": answers.get(row["name"], set())} for row in _named(config.get("matrix_rows", ()), locale)
    ]
    return {"rows": rows, "columns": columns, "several": bool(config.get("several"))}


def _named(items: Sequence[Mapping[str, Any]], locale: str) -> list[dict[str, Any]]:
    from engines.core import LocalizedText

    return [
        {"name": item["name"], "label": LocalizedText.of(item.get("label") or item["name"]).get(locale)}
        for item in items
    ]


def _files(field: CompiledField, value: Any, display: Display) -> dict[str, Any]:
    given = value if isinstance(value, list) else []
    files = [file_part(item, display) for item in given if isinstance(item, Mapping) and item.get("id")]
    kind = field.kind
    limits = _limits(kind, field.definition) if isinstance(kind, AttachmentType) else {}
    return {"files": files, **limits}


def _limits(kind: AttachmentType, field: FieldDefinition) -> dict[str, Any]:
    return {
        "most": int(field.config.get("max_files", kind.most)),
        "largest": kind.largest(field),
        "accept": ",".join(kind.kinds(field)),
        "pictures": bool(kind.only),
    }


def file_part(file: Mapping[str, Any], display: Display) -> dict[str, Any]:
    """A file as the list of a field shows and sends it."""
    kept = {key: file.get(key) for key in ("id", "name", "size", "type")}
    size = file.get("size")
    return {
        **kept,
        "json": json.dumps(kept, ensure_ascii=False, default=str),
        "size_text": file_size(int(size)) if isinstance(size, int | Decimal) else "",
        "picture": display.files_at(str(file["id"]), small=1) if file.get("type") in RASTER else "",
    }


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple | set):
        return [str(item) for item in value]
    return [str(value)] if value not in (None, "") else []


_PARTS: Mapping[str, Callable[[CompiledField, Any, Display], dict[str, Any]]] = {
    "date_range": _range,
    "duration": _duration,
    "address": _address,
    "location": _location,
    "geolocation": _point,
    "json": _json,
    "references": _records,
    "multi_choice": _options,
    "tags": _tags,
    "ranking": _ranking,
    "matrix": _matrix,
    "attachment": _files,
    "image": _files,
    "signature": _files,
}

# Types whose value no single text holds.
PARTED = frozenset(_PARTS) - {"multi_choice"}

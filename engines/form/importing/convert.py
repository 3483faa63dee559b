"""One door for all formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engines.core import ExternalError
from engines.form.importing.frappe import convert_frappe
from engines.form.importing.json_schema import convert_json_schema
from engines.form.importing.report import Conversion
from engines.form.importing.surveyjs import convert_surveyjs
from engines.form.importing.xlsform import convert_xlsform

_JSON: Mapping[str, Callable[[Mapping[str, Any], str], Conversion]] = {
    "json_schema": convert_json_schema,
    "frappe": convert_frappe,
    "surveyjs": convert_surveyjs,
}
KINDS = (*_JSON, "xlsform")


def detect(content: bytes) -> str:
    """Which of ``KINDS`` a file seems to be; empty where it is none of them."""
    if content.startswith(b"PK\x03\x04"):
        return "xlsform"
    data = _parsed(content)
    if not isinstance(data, Mapping):
        return ""
    if data.get("doctype") == "DocType" or ("fields" in data and "permissions" in data and "module" in data):
        return "frappe"
    if "pages" in data or "elements" in data or "questions" in data:
        return "surveyjs"
    return "json_schema" if "properties" in data or "$schema" in data or "$defs" in data else ""


def convert(content: bytes, name: str, kind: str = "") -> Conversion:
    """The form that a file of another format describes, with a report of every property.

    ``kind`` is one of ``KINDS``, found out unless given; ``ExternalError`` where the file is none of them.
    """
    found = kind or detect(content)
    if found == "xlsform":
        return convert_xlsform(content, name)
    data = _parsed(content)
    if found not in _JSON or not isinstance(data, Mapping):
        raise ExternalError(f"not a file that can be converted; known are: {', '.join(KINDS)}")
    return _JSON[found](data, name)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None

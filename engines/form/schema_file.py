"""Writing the published schemas: ``python -m engines.form.schema_file``. A test keeps the files in step."""

from __future__ import annotations

import json
from pathlib import Path

from engines.form.schema_builder import form_schema, options_schema
from engines.form.types import field_types

FOLDER = Path(__file__).parent / "schema"


def texts() -> dict[str, str]:
    """File name to the text that it must hold."""
    schemas = {"form.schema.json": form_schema(field_types()), "options.schema.json": options_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text, "utf-8")

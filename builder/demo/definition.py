"""What ``data/demo.json`` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from engines.core import DefinitionError, DefinitionSource, Diagnostic, LocalizedText, check_schema, load_json

SCHEMA: Mapping[str, Any] = json.loads(
    (resources.files("builder.demo") / "schema" / "demo.schema.json").read_text("utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFile:
    """One CSV file and the form its lines become records of."""

    form: str
    file: str
    # Field by which other files name these records; empty where none does.
    key: str
    # Sub-table to its own file and the column that holds the record's key.
    children: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDefinition:
    """A demo: who works there, and what they have recorded."""

    folder: Path
    # The day the data were written for: dates are moved by the days since then.
    as_of: date
    departments: tuple[Mapping[str, Any], ...]
    people: tuple[Mapping[str, Any], ...]
    files: tuple[DemoFile, ...]
    # Score models to run in full afterwards.
    scores: tuple[str, ...]


def load_demo(app_folder: Path) -> DemoDefinition | None:
    """The demo of an app, or None where it has none; ``DefinitionError`` with all problems of a broken one."""
    path = app_folder / "data" / "demo.json"
    if not path.is_file():
        return None
    source = DefinitionSource(file="data/demo.json", text=path.read_text("utf-8"))
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, SCHEMA, source)
    if not problems:
        problems += _missing_files(data, path.parent, source)
    if problems:
        raise DefinitionError(problems)
    return DemoDefinition(
        folder=path.parent,
        as_of=date.fromisoformat(data["as_of"]),
        departments=tuple(data.get("departments", ())),
        people=tuple(data.get("people", ())),
        files=tuple(_file(item) for item in data.get("files", ())),
        scores=tuple(data.get("then", {}).get("scores", ())),
    )


def text_in(value: Any, locale: str) -> str:
    """A localised text of the demo in one language."""
    return LocalizedText.of(value).get(locale)


def _file(data: Mapping[str, Any]) -> DemoFile:
    children = {name: (child["file"], child["parent"]) for name, child in data.get("children", {}).items()}
    return DemoFile(form=data["form"], file=data["file"], key=data.get("key", ""), children=children)


def _missing_files(data: Mapping[str, Any], folder: Path, source: DefinitionSource) -> list[Diagnostic]:
    wanted = [
        (f"/files/{index}{at}/file", name)
        for index, item in enumerate(data.get("files", ()))
        for at, name in (
            ("", item["file"]),
            *((f"/children/{child}", entry["file"]) for child, entry in item.get("children", {}).items()),
        )
    ]
    return [
        Diagnostic(code="demo.no_file", found=name, expected="a file beside demo.json").at(source.place(pointer))
        for pointer, name in wanted
        if not (folder / name).is_file()
    ]

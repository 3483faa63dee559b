"""Import mappings: what ``*.import.json`` says and what can be wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from engines import feel
from engines.core import DefinitionSource, Diagnostic, LocalizedText, check_schema, load_json
from engines.core.diagnostics import did_you_mean
from engines.core.kinds import Kind, Loaded
from engines.core.ports import Definitions
from engines.core.source import pointer_of

SCHEMA: Mapping[str, Any] = json.loads(
    (resources.files("builder.imports") / "schema" / "import.schema.json").read_text("utf-8")
)
_TYPES = {
    "text": feel.STRING,
    "number": feel.NUMBER,
    "date": feel.DATE,
    "datetime": feel.DATE_TIME,
    "boolean": feel.BOOLEAN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDefinition:
    """A column of the file."""

    name: str
    # Heading in the file.
    header: str
    # "text", "number", "date", "datetime" or "boolean"
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipDefinition:
    """A reason for which a line is not taken."""

    name: str
    # FEEL over the columns.
    when: str
    # Column that the report points at; empty for the line.
    column: str
    reason: LocalizedText


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMapping:
    """How lines become records of one form."""

    form: str
    # Field that tells records apart.
    key: str
    # FEEL by field, over the record's first line.
    values: Mapping[str, str]
    # "min" or "max" by field, over all its lines.
    fold: Mapping[str, str]
    # FEEL by sub-table and field, one row a line.
    rows: Mapping[str, Mapping[str, str]]
    # "keep" or "update"
    existing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDefinition:
    """One import mapping."""

    name: str
    label: LocalizedText
    columns: tuple[ColumnDefinition, ...]
    skip: tuple[SkipDefinition, ...]
    records: tuple[RecordMapping, ...]
    # Score models whose full run follows the import.
    scores: tuple[str, ...]
    source: DefinitionSource

    @property
    def scope(self) -> feel.Scope:
        """The names that expressions of the mapping may use."""
        return feel.Scope({column.name: _TYPES[column.type] for column in self.columns})


def load(source: DefinitionSource) -> Loaded[ImportDefinition]:
    """The mapping in ``source`` and what is wrong with the file."""
    data, problems = load_json(source)
    if data is None:
        return Loaded(definition=None, diagnostics=tuple(problems))
    problems += check_schema(data, SCHEMA, source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    return Loaded(definition=_definition(data, source))


def validate(definition: ImportDefinition, definitions: Definitions) -> list[Diagnostic]:
    """Unknown forms and fields, and expressions that do not fit the columns."""
    return [*_expression_problems(definition), *_reference_problems(definition, definitions)]


def _definition(data: Mapping[str, Any], source: DefinitionSource) -> ImportDefinition:
    return ImportDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        columns=tuple(
            ColumnDefinition(name=c["name"], header=c.get("header", c["name"]), type=c["type"]) for c in data["columns"]
        ),
        skip=tuple(
            SkipDefinition(
                name=s["name"],
                when=s["when"],
                column=s.get("column", ""),
                reason=LocalizedText.of(s.get("reason"), s["name"]),
            )
            for s in data.get("skip", ())
        ),
        records=tuple(
            RecordMapping(
                form=r["form"],
                key=r["key"],
                values=r["values"],
                fold=r.get("fold", {}),
                rows=r.get("rows", {}),
                existing=r.get("existing", "keep"),
            )
            for r in data["records"]
        ),
        scores=tuple(data.get("then", {}).get("scores", ())),
        source=source,
    )


def _expressions(definition: ImportDefinition) -> Iterator[tuple[str, str]]:
    """Pointer and text of every expression of the mapping."""
    for index, skip in enumerate(definition.skip):
        yield pointer_of("skip", index, "when"), skip.when
    for index, record in enumerate(definition.records):
        for field, text in record.values.items():
            yield pointer_of("records", index, "values", field), text
        for table, values in record.rows.items():
            for field, text in values.items():
                yield pointer_of("records", index, "rows", table, field), text


def _expression_problems(definition: ImportDefinition) -> Iterator[Diagnostic]:
    scope, source = definition.scope, definition.source
    for pointer, text in _expressions(definition):
        for found in feel.check(text, scope):
            yield found.at(source.place_in_string(pointer, max(0, found.column - 1), found.length or 1))


def _reference_problems(definition: ImportDefinition, definitions: Definitions) -> Iterator[Diagnostic]:
    for index, record in enumerate(definition.records):
        form = definitions.get("form", record.form)
        if form is None:
            known = definitions.names("form")
            yield Diagnostic(
                code="import.unknown_form",
                found=record.form,
                expected="one of: " + ", ".join(known),
                hint=did_you_mean(record.form, known),
            ).at(definition.source.place(pointer_of("records", index, "form")))
            continue
        fields = {field.name: field for field in form.fields}
        for field in record.values:
            if field not in fields and field != "owner":
                yield _unknown_field(definition, field, fields, ("records", index, "values", field))
        for table, values in record.rows.items():
            columns = {c.name: c for c in fields[table].fields} if table in fields else None
            if columns is None:
                yield _unknown_field(definition, table, fields, ("records", index, "rows", table))
                continue
            for field in values:
                if field not in columns:
                    yield _unknown_field(definition, field, columns, ("records", index, "rows", table, field))


def _unknown_field(
    definition: ImportDefinition, name: str, known: Mapping[str, Any], path: Sequence[str | int]
) -> Diagnostic:
    return Diagnostic(
        code="import.unknown_field",
        found=name,
        expected="one of: " + ", ".join(known),
        hint=did_you_mean(name, list(known)),
    ).at(definition.source.place(pointer_of(*path), key=True))


def _compile(definition: ImportDefinition, definitions: Definitions, **_: Any) -> ImportDefinition:
    """Import mappings run from the definition itself: ``builder.imports.plan`` compiles them for one file."""
    return definition


KIND = Kind(name="import", suffix=".import.json", schema=SCHEMA, load=load, validate=validate, compile=_compile)

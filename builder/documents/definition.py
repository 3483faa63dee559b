"""Document definitions and the Office files beside them: what they say and what can be wrong with them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from builder.documents.places import Place, Repeat, compiled_places, read_places
from builder.runtime.texts import TextTemplate, text_template
from engines import feel
from engines.core import (
    DefinitionError,
    DefinitionSource,
    Diagnostic,
    InputError,
    LocalizedText,
    check_schema,
    load_json,
)
from engines.core.diagnostics import did_you_mean
from engines.core.kinds import Kind, Loaded

SCHEMA: Mapping[str, Any] = json.loads(
    resources.files("builder.documents").joinpath("schema/document.schema.json").read_text("utf-8")
)
# Ending of an Office file to the kind that holds it.
OFFICE = {".docx": "word", ".xlsx": "excel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeFile:
    """A Word or Excel file of an app, kept as base64 text."""

    # File name without folders and ending.
    name: str
    # ".docx" or ".xlsx"
    ending: str
    content: bytes
    source: DefinitionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDefinition:
    """What a ``*.document.json`` says."""

    name: str
    label: LocalizedText
    form: str
    template: str
    file_name: str
    # Empty: everybody who may print the record.
    roles: tuple[str, ...]
    source: DefinitionSource


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document ready to be filled in."""

    definition: DocumentDefinition
    # Qualified.
    form: str
    ending: str
    content: bytes
    places: Sequence[Place | Repeat]
    file_name: TextTemplate | None

    @cached_property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths of the record that it reads."""
        found = {path for place in self.places for path in place.reads}
        parts = self.file_name.parts if self.file_name else ()
        return frozenset(found | {path for part in parts if not isinstance(part, str) for path in part.reads})


def load(source: DefinitionSource) -> Loaded[DocumentDefinition]:
    """The definition in ``source`` and what is wrong with the file."""
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, SCHEMA, source)
    if data is None or problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    definition = DocumentDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        form=data["form"],
        template=data["template"],
        file_name=data.get("file_name", ""),
        roles=tuple(data.get("roles", ())),
        source=source,
    )
    return Loaded(definition=definition)


def validate(definition: DocumentDefinition, definitions: Any) -> list[Diagnostic]:
    """An unknown form or file, and places of the template that cannot be read."""
    return list(_problems(definition, definitions))


def _problems(definition: DocumentDefinition, definitions: Any) -> Iterator[Diagnostic]:
    shape = definitions.shape(definition.form)
    if shape is None:
        known = definitions.names("form")
        yield Diagnostic(
            code="document.unknown_form", found=definition.form, hint=did_you_mean(definition.form, known)
        ).at(definition.source.place("/form"))
        return
    file = _file(definition, definitions)
    if file is None:
        known = [f"{name}{ending}" for ending, kind in OFFICE.items() for name in definitions.names(kind)]
        yield Diagnostic(
            code="document.no_template",
            found=definition.template,
            expected="one of: " + ", ".join(known),
            hint=did_you_mean(definition.template, known),
        ).at(definition.source.place("/template"))
        return
    try:
        compiled_places(read_places(file.content), shape.names)
        _name_of(definition, shape.names)
    except InputError as error:
        for problem in error.problems:
            params = {"found": file.source.file, **problem.params}
            yield Diagnostic(code=problem.code, file=file.source.file, found=str(params.pop("found")), params=params)
    except DefinitionError as error:
        yield from (found.at(definition.source.place("/file_name")) for found in error.diagnostics)


def compile(definition: DocumentDefinition, definitions: Any, app: str = "", registry: Any = None) -> Document:
    """The document ready to be filled in; ``DefinitionError``."""
    if problems := validate(definition, definitions):
        raise DefinitionError(problems)
    file, shape = _file(definition, definitions), definitions.shape(definition.form)
    assert file is not None  # noqa: S101 - validated above
    return Document(
        definition=definition,
        form=definition.form if "." in definition.form else f"{app}.{definition.form}",
        ending=file.ending,
        content=file.content,
        places=compiled_places(read_places(file.content), shape.names),
        file_name=_name_of(definition, shape.names),
    )


def _name_of(definition: DocumentDefinition, names: Mapping[str, feel.FeelType]) -> TextTemplate | None:
    return text_template(definition.file_name, feel.Scope(names)) if definition.file_name else None


def _file(definition: DocumentDefinition, definitions: Any) -> OfficeFile | None:
    stem, dot, ending = definition.template.rpartition(".")
    found = definitions.get(OFFICE[dot + ending], stem)
    return found if isinstance(found, OfficeFile) else None


def load_office(source: DefinitionSource) -> Loaded[OfficeFile]:
    """The Office file whose base64 text is ``source``."""
    stem, dot, ending = source.file.rpartition("/")[2].rpartition(".")
    try:
        content = base64.b64decode(source.text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(b"PK"):
        found = Diagnostic(
            code="document.bad_template", file=source.file, found=source.file, params={"reason": "no Office file"}
        )
        return Loaded(definition=None, diagnostics=(found,))
    return Loaded(definition=OfficeFile(name=stem, ending=dot + ending, content=content, source=source))


def _as_it_is(definition: OfficeFile, definitions: Any = None, **_: Any) -> OfficeFile:
    return definition


def _sound(definition: OfficeFile, definitions: Any = None) -> list[Diagnostic]:
    """Nothing: what a template says is checked with the documents that use it."""
    return []


KINDS: Mapping[str, Kind] = {
    "document": Kind(
        name="document", suffix=".document.json", schema=SCHEMA, load=load, validate=validate, compile=compile
    ),
    **{
        kind: Kind(name=kind, suffix=ending, schema={}, load=load_office, validate=_sound, compile=_as_it_is)
        for ending, kind in OFFICE.items()
    },
}

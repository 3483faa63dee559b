"""Texts that reach people: localised, with ``{{ FEEL }}`` replaced by values. Nothing else in them is ever run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from engines import feel
from engines.core import (
    DefinitionError,
    DefinitionSource,
    Diagnostic,
    Kind,
    Loaded,
    LocalizedText,
    check_schema,
    load_json,
)
from engines.feel import EvaluationContext

# A text by language; "" stands for all of them.
Texts = Mapping[str, str]
SCHEMA: Mapping[str, Any] = json.loads(
    resources.files("builder.runtime").joinpath("schema/template.schema.json").read_text("utf-8")
)
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# What a template may name depends on who uses it; names are taken as they come.
_SCOPE = feel.Scope({}, open=True)
MAX_LENGTH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDefinition:
    """What a ``*.template.json`` says."""

    name: str
    subject: LocalizedText
    body: LocalizedText
    severity: str
    source: DefinitionSource


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """One text with its expressions compiled: plain parts and expressions by turns."""

    parts: tuple[str | feel.Expression, ...]

    def render(self, values: Mapping[str, Any], context: EvaluationContext) -> str:
        """The text with the values filled in, at most 20,000 characters; an expression without a value leaves none."""
        found = [
            part if isinstance(part, str) else shown(feel.to_python(part.evaluate(values, context).value), context.zone)
            for part in self.parts
        ]
        return "".join(found)[:MAX_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template ready to be filled in."""

    name: str
    subject: Mapping[str, TextTemplate]
    body: Mapping[str, TextTemplate]
    severity: str

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths that its expressions read."""
        texts = [*self.subject.values(), *self.body.values()]
        return frozenset(path for t in texts for part in t.parts if not isinstance(part, str) for path in part.reads)

    def render(self, values: Mapping[str, Any], context: EvaluationContext) -> tuple[Texts, Texts]:
        """Subject and body by language; a subject is one line."""
        subject = {code: " ".join(t.render(values, context).split()) for code, t in self.subject.items()}
        return subject, {code: t.render(values, context) for code, t in self.body.items()}


def shown(value: Any, zone: ZoneInfo | None = None) -> str:
    """A value as a text shows it: no trailing zeros, local time, lists with commas, a record by its name."""
    match value:
        case None:
            return ""
        case bool():
            return "✓" if value else "✗"
        case Decimal():
            return f"{value.normalize():f}" if value == value.to_integral_value() else f"{value:f}"
        case datetime():
            return (value.astimezone(zone) if zone and value.tzinfo else value).strftime("%Y-%m-%d %H:%M")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case Mapping():
            return shown(value.get("name", value.get("id")), zone)
        case list() | tuple():
            return ", ".join(shown(item, zone) for item in value)
    return str(value)


def text_template(text: str, scope: feel.Scope = _SCOPE) -> TextTemplate:
    """A compiled text; ``DefinitionError`` where an expression in it is wrong."""
    parts: list[str | feel.Expression] = []
    end = 0
    for match in _PLACE.finditer(text):
        parts += [text[end : match.start()], feel.compile(match[1].strip(), scope)]
        end = match.end()
    return TextTemplate((*parts, text[end:]))


def load(source: DefinitionSource) -> Loaded[TemplateDefinition]:
    """The template of a file."""
    data, diagnostics = load_json(source)
    if data is not None:
        diagnostics += check_schema(data, SCHEMA, source)
    if data is None or diagnostics:
        return Loaded(definition=None, diagnostics=tuple(diagnostics))
    definition = TemplateDefinition(
        name=data["name"],
        subject=LocalizedText.of(data["subject"]),
        body=LocalizedText.of(data.get("body")),
        severity=data.get("severity", "info"),
        source=source,
    )
    return Loaded(definition=definition)


def validate(definition: TemplateDefinition, definitions: Any = None) -> Sequence[Diagnostic]:
    """Every expression that cannot be read, at its place."""
    return list(_problems(definition))


def _problems(definition: TemplateDefinition) -> Iterator[Diagnostic]:
    for key, text in (("subject", definition.subject), ("body", definition.body)):
        for code, written in text.texts.items():
            pointer = f"/{key}/{code}" if code else f"/{key}"
            for match in _PLACE.finditer(written):
                for problem in feel.check(match[1].strip(), _SCOPE):
                    place = definition.source.place_in_string(pointer, match.start(1), len(match[1]))
                    yield replace(problem, file="").at(place)


def compile(definition: TemplateDefinition, definitions: Any = None, registry: Any = None) -> Template:
    """The template ready to be filled in; ``DefinitionError``."""
    if problems := validate(definition):
        raise DefinitionError(problems)
    return Template(
        name=definition.name,
        subject={code: text_template(text) for code, text in definition.subject.texts.items()},
        body={code: text_template(text) for code, text in definition.body.texts.items()},
        severity=definition.severity,
    )


KIND = Kind(name="template", suffix=".template.json", schema=SCHEMA, load=load, validate=validate, compile=compile)

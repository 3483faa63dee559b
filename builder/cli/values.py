"""What commands read and write: FEEL values as they are typed, definitions in files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines import feel
from engines.core import DefinitionError, DefinitionSource
from engines.rules import CompiledDecisions, compile_decision, load_decision, read_xml
from engines.rules.decisions.graph import compile_model


def value_of(text: str, names: dict[str, Any] | None = None) -> Any:
    """The value of an expression over the names that are kept."""
    known = names or {}
    return (
        feel.compile(text.strip(), feel.Scope({name: feel.ANY for name in known})).evaluate(known, context_now()).value
    )


def shown(value: Any) -> str:
    """A value as FEEL writes it."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(feel.compile("string(v)", feel.Scope({"v": feel.ANY})).evaluate({"v": value}).value)


def context_now() -> feel.EvaluationContext:
    """A context whose instant is the present one."""
    return feel.EvaluationContext(now=datetime.now(UTC))


def source_of(file: Path) -> DefinitionSource:
    """A file as a definition."""
    return DefinitionSource(file=str(file), text=file.read_text("utf-8"))


def decisions_of(file: Path) -> CompiledDecisions:
    """The compiled decision of a file; ``DefinitionError`` with all that is wrong."""
    if file.suffix == ".dmn":
        return compile_model(read_xml(source_of(file)))
    loaded = load_decision(source_of(file))
    if loaded.definition is None or not loaded.ok:
        raise DefinitionError(loaded.diagnostics)
    return compile_decision(loaded.definition)

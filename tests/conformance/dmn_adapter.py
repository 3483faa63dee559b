"""Runs the DMN test kit against the engine: ``python -m tests.conformance.dmn_adapter``, JSON lines in and out."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engines import feel
from engines.core import DougongError
from engines.core.source import DefinitionSource
from engines.feel.runtime import Runtime
from engines.rules.decisions.graph import CompiledDecisions, compile_model
from engines.rules.decisions.xml_read import imports_of, namespace_of, read_xml
from tests.conformance.dmn_values import read, write

# The Java functions that models may call, by class and method: a whitelist, nothing is loaded by name.
JAVA: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("java.lang.Math", "max"): lambda a, b: Decimal(repr(max(float(a), float(b)))),
    ("java.lang.Math", "min"): lambda a, b: Decimal(repr(min(float(a), float(b)))),
    ("java.lang.Math", "cos"): lambda a: Decimal(repr(math.cos(float(a)))),
    ("java.lang.Math", "sin"): lambda a: Decimal(repr(math.sin(float(a)))),
    ("java.lang.Math", "abs"): lambda a: abs(a),
    ("java.lang.Math", "pow"): lambda a, b: Decimal(repr(float(a) ** float(b))),
    ("java.lang.Integer", "valueOf"): lambda a: Decimal(int(a)),
    ("java.lang.Double", "valueOf"): lambda a: Decimal(repr(float(a))),
    ("java.lang.Float", "valueOf"): lambda a: Decimal(repr(float(a))),
    ("java.lang.String", "valueOf"): lambda a: str(a),
}


def java(spec: Mapping[str, Any]) -> Callable[..., Any] | None:
    """The function that a description names, where it is on the list and its signature is well formed."""
    described = spec.get("java")
    if not isinstance(described, Mapping):
        return None
    name, _, rest = str(described.get("method signature", "")).partition("(")
    return JAVA.get((str(described.get("class")), name.strip())) if rest.endswith(")") else None


def source(path: Path) -> DefinitionSource:
    """A model file as text."""
    return DefinitionSource(file=path.name, text=path.read_text("utf-8"))


@cache
def model(path: str, others: tuple[str, ...]) -> CompiledDecisions:
    """The compiled model of a file, with the models it imports out of ``others``."""
    return _compile(Path(path), {namespace_of(source(Path(p))): Path(p) for p in others}, {})


def _compile(path: Path, by_namespace: Mapping[str, Path], done: dict[str, CompiledDecisions]) -> CompiledDecisions:
    text = source(path)
    namespace = namespace_of(text)
    if namespace in done:
        return done[namespace]
    imported = {n: _compile(by_namespace[n], by_namespace, done) for n in imports_of(text) if n in by_namespace}
    definition = read_xml(text, {n: one.model for n, one in imported.items()})
    done[namespace] = compile_model(definition, imported, strict=False)
    return done[namespace]


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The response to one request."""
    compiled = model(request["model_path"], tuple(request.get("models", ())))
    runtime = Runtime(feel.Budget(), datetime.now(UTC), ZoneInfo("UTC"), {"external": java})
    inputs = {name: read(value) for name, value in request["inputs"].items()}
    given = _qualified(inputs, request.get("input_namespaces") or {}, compiled)
    name = request["decision"]
    if request.get("kind") == "decisionService":
        value = compiled.serve(request["invocable"], runtime, given).get(name)
    else:
        value = compiled.evaluate(name, runtime, given)
    errors = [failure.code for failure in runtime.failures]
    return {"outputs": {name: {"value": write(value), "errors": errors}}}


def _qualified(inputs: Mapping[str, Any], namespaces: Mapping[str, str], compiled: CompiledDecisions) -> dict[str, Any]:
    """Inputs of imported models under "import.name"."""
    prefixes = {item.namespace: item.name for item in compiled.model.imports}
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        prefix = prefixes.get(namespaces.get(name, ""), "")
        found[f"{prefix}.{name}" if prefix else name] = value
    return found


def main(lines: Sequence[str]) -> None:
    """Answers every request line."""
    for line in lines:
        request = json.loads(line)
        try:
            response = answer(request)
        except DougongError as error:
            response = {"error": f"{error.code}: {error}"}
        sys.stdout.write(json.dumps({"id": request["id"], **response}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.stdin)  # type: ignore[arg-type]

"""Runs the DMN test kit against the engine: ``python -m tests.conformance.dmn_adapter``, JSON lines in and out.

With ``--through xml`` or ``--through json`` each model is written in that form and read back before it is used.
"""

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
from engines.rules.decisions.json_form import data_of, model_of
from engines.rules.decisions.model import DecisionModel
from engines.rules.decisions.xml_read import imports_of, namespace_of, read_xml
from engines.rules.decisions.xml_write import write_xml
from tests.conformance.dmn_values import read, write

# The Java methods that models may call, by class, name and parameter types: a whitelist, nothing is loaded by name.
JAVA: Mapping[str, Callable[..., Any]] = {
    "java.lang.Math.max(double,double)": lambda a, b: number(max(float(a), float(b))),
    "java.lang.Math.max(float,float)": lambda a, b: number(max(float(a), float(b))),
    "java.lang.Math.max(int,int)": lambda a, b: whole(max(a, b), 32),
    "java.lang.Math.max(long,long)": lambda a, b: whole(max(a, b), 64),
    "java.lang.Math.min(double,double)": lambda a, b: number(min(float(a), float(b))),
    "java.lang.Math.min(int,int)": lambda a, b: whole(min(a, b), 32),
    "java.lang.Math.pow(double,double)": lambda a, b: number(float(a) ** float(b)),
    "java.lang.Math.cos(double)": lambda a: number(math.cos(float(a))),
    "java.lang.Math.sin(double)": lambda a: number(math.sin(float(a))),
    "java.lang.Math.abs(double)": lambda a: number(abs(float(a))),
    "java.lang.Integer.valueOf(int)": lambda a: whole(a, 32),
    "java.lang.Integer.valueOf(java.lang.String)": lambda a: whole(parsed(a), 32),
    "java.lang.Long.valueOf(java.lang.String)": lambda a: whole(parsed(a), 64),
    "java.lang.Short.valueOf(short)": lambda a: whole(a, 16),
    "java.lang.Byte.valueOf(byte)": lambda a: whole(a, 8),
    "java.lang.Double.valueOf(java.lang.String)": lambda a: parsed(a),
    "java.lang.Float.valueOf(java.lang.String)": lambda a: parsed(a),
    "java.lang.String.valueOf(char)": lambda a: a if isinstance(a, str) and len(a) == 1 else None,
    "java.lang.String.valueOf(boolean)": lambda a: str(a).lower() if isinstance(a, bool) else None,
    "java.lang.String.format(java.lang.String,[Ljava.lang.Object;)": lambda text, *rest: text % rest,
}


def parsed(text: Any) -> Decimal | None:
    """The number that a text writes; null where it is none."""
    found = feel.compile("number(v)", feel.Scope({"v": feel.ANY})).evaluate({"v": text}).value
    return found if isinstance(found, Decimal) else None


def number(value: float) -> Decimal:
    """A Java double as a decimal."""
    return Decimal(repr(value))


def whole(value: Any, bits: int) -> Decimal | None:
    """A Java integer of so many bits; null where the value does not fit."""
    fits = isinstance(value, Decimal) and value == int(value) and -(1 << bits - 1) <= value < 1 << bits - 1
    return Decimal(int(value)) if fits else None


def java(spec: Mapping[str, Any]) -> Callable[..., Any] | None:
    """The method that a description names, where it is on the list."""
    described = spec.get("java")
    if not isinstance(described, Mapping):
        return None
    signature = str(described.get("method signature")).replace(" ", "")
    return JAVA.get(f"{described.get('class')}.{signature}")


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
    definition = written_and_read(read_xml(text, {n: one.model for n, one in imported.items()}), imported)
    done[namespace] = compile_model(definition, imported, strict=False)
    return done[namespace]


def written_and_read(definition: DecisionModel, imported: Mapping[str, CompiledDecisions]) -> DecisionModel:
    """The model after the way that the command line asks for."""
    match sys.argv[1:]:
        case ["--through", "xml"]:
            text = DefinitionSource(file="written.dmn", text=write_xml(definition))
            return read_xml(text, {n: one.model for n, one in imported.items()})
        case ["--through", "json"]:
            return model_of(json.loads(json.dumps(data_of(definition))), DefinitionSource(file="written", text=""))
    return definition


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

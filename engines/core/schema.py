"""Checks a definition against its kind's JSON Schema and says all that is wrong, with places and hints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
from jsonschema.validators import Draft202012Validator

from engines.core.diagnostics import Diagnostic, did_you_mean
from engines.core.source import DefinitionSource, pointer_of

_MAX_PROBLEMS = 200


def check_schema(data: Any, schema: Mapping[str, Any], source: DefinitionSource) -> list[Diagnostic]:
    """All places where ``data`` breaks ``schema`` (JSON Schema 2020-12), in document order.

    Codes: ``definition.unknown_property``, ``.missing_property``, ``.wrong_type``, ``.not_one_of``, ``.pattern``,
    ``.invalid`` for the rest. At most 200 are given. None in a source that was checked before.
    """
    if source.checked:
        return []
    validator = Draft202012Validator(schema)
    found: list[Diagnostic] = []
    for error in sorted(_leaves(validator.iter_errors(data)), key=lambda e: [str(p) for p in e.absolute_path]):
        found.extend(_diagnostics(error, source))
        if len(found) >= _MAX_PROBLEMS:
            break
    return [d for i, d in enumerate(found) if d not in found[:i]]


def _leaves(errors: Iterator[jsonschema.ValidationError]) -> Iterator[jsonschema.ValidationError]:
    """Resolves anyOf/oneOf to the branch that the author most likely meant."""
    for error in errors:
        if error.validator in ("anyOf", "oneOf") and error.context:
            branches: dict[int, list[jsonschema.ValidationError]] = {}
            for part in error.context:
                branches.setdefault(int(part.schema_path[0]), []).append(part)
            deepest = min(
                branches.values(), key=lambda b: (-max(len(e.absolute_path) for e in b), _mismatch(b), len(b))
            )
            yield from _leaves(iter(deepest))
        else:
            yield error


def _mismatch(branch: Sequence[jsonschema.ValidationError]) -> int:
    """Branches refused for their type or their constant are the least likely meant."""
    return sum(error.validator in ("type", "const") for error in branch)


def _diagnostics(error: jsonschema.ValidationError, source: DefinitionSource) -> Iterator[Diagnostic]:
    pointer = pointer_of(*error.absolute_path)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    known = sorted(dict(error.schema).get("properties", {})) if isinstance(error.schema, Mapping) else []
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties" if isinstance(error.instance, Mapping):
            for key in error.instance:
                if key not in known and repr(key) in str(error.message):
                    place = source.place(pointer + pointer_of(key), key=True)
                    yield Diagnostic(
                        code="definition.unknown_property",
                        found=key,
                        expected="one of: " + ", ".join(known),
                        hint=did_you_mean(key, known),
                    ).at(place)
        case "required":
            missing = [key for key in wanted if key not in instance and repr(key) in error.message]
            for key in missing:
                yield Diagnostic(code="definition.missing_property", expected=f'"{key}"', hint=f'add "{key}" here').at(
                    source.place(pointer)
                )
        case "type":
            yield _at(error, source, "definition.wrong_type", expected=_types(wanted))
        case "enum" | "const":
            allowed = [str(v) for v in (wanted if error.validator == "enum" else [wanted])]
            yield _at(
                error,
                source,
                "definition.not_one_of",
                expected="one of: " + ", ".join(allowed),
                hint=did_you_mean(str(error.instance), allowed),
            )
        case "pattern":
            yield _at(error, source, "definition.pattern", expected=f"text matching {error.validator_value}")
        case _:
            yield _at(
                error, source, "definition.invalid", expected=f"{error.validator} {_short(error.validator_value)}"
            )


def _at(
    error: jsonschema.ValidationError, source: DefinitionSource, code: str, *, expected: str, hint: str = ""
) -> Diagnostic:
    place = source.place(pointer_of(*error.absolute_path))
    return Diagnostic(code=code, found=_short(error.instance), expected=expected, hint=hint).at(place)


def _types(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else " or ".join(value)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."

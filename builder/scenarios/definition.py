"""What a ``tests/*.test.json`` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from engines.core import DefinitionError, DefinitionSource, Diagnostic, LocalizedText, check_schema, load_json

SCHEMA: Mapping[str, Any] = json.loads(
    (resources.files("builder.scenarios") / "schema" / "test.schema.json").read_text("utf-8")
)
# Each step does exactly one of these.
ACTIONS = ("create", "update", "delete", "complete", "advance", "expect")
DEFAULT_START = "2026-03-03T10:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario."""

    name: str
    label: LocalizedText
    # Local time at which it begins.
    at: str
    # Login to the app's own role names.
    people: Mapping[str, tuple[str, ...]]
    steps: tuple[Mapping[str, Any], ...]
    source: DefinitionSource


def load_scenario(source: DefinitionSource) -> Scenario:
    """The scenario of a file; ``DefinitionError`` with all that is wrong with it."""
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, SCHEMA, source)
    if data is not None and not problems:
        problems += _unclear_steps(data, source)
    if problems:
        raise DefinitionError(problems)
    return Scenario(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        at=data.get("at", DEFAULT_START),
        people={person["name"]: tuple(person.get("roles", ())) for person in data.get("people", ())},
        steps=tuple(data["steps"]),
        source=source,
    )


def action_of(step: Mapping[str, Any]) -> str:
    """What a step does."""
    return next(action for action in ACTIONS if action in step)


def _unclear_steps(data: Mapping[str, Any], source: DefinitionSource) -> list[Diagnostic]:
    expected = "exactly one of: " + ", ".join(ACTIONS)
    return [
        Diagnostic(code="scenario.unclear_step", found=", ".join(step), expected=expected).at(
            source.place(f"/steps/{index}")
        )
        for index, step in enumerate(data["steps"])
        if sum(action in step for action in ACTIONS) != 1
    ]

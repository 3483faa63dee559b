"""Trying a draft's decision: values are typed, the result is shown with the rows that gave it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from builder.web.context import _, reading, site
from builder.web.studio.decision_grid import row_key
from builder.web.studio.drafting import DraftView
from builder.web.wording import code_text
from engines import feel
from engines.core import DefinitionError, DougongError
from engines.rules import DecisionResult, compile_decision

PREFIX = "in."


def trial(found: DraftView, decision: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What the result part of the page shows: the value, the steps to it, the rows that matched, or what went wrong."""
    definitions = found.definitions()
    definition = definitions.get("decision", decision)
    if definition is None:
        return _failed(_("The decision has errors. Mend them first."))
    try:
        compiled = compile_decision(definition, definitions)
    except DefinitionError:
        return _failed(_("The decision has errors. Mend them first."))
    data = found.data(f"decision:{decision}")
    inputs: dict[str, Any] = {}
    for item in data.get("inputs") or []:
        try:
            inputs[item["name"]] = value_of(given.get(PREFIX + item["name"], ""), str(item.get("type", "")))
        except DefinitionError:
            label = site().text(item.get("label")) or item["name"]
            return _failed(_("“%(label)s” cannot be read.", label=label))
    with reading() as work:
        try:
            result = compiled.decide(inputs, work.context, trace=True)
        except DougongError as error:
            return _failed(code_text(error.code, site().locale))
    return {"problem": "", "steps": _steps(data, result), "matched": json.dumps(_matched(data, result))}


def value_of(text: str, kind: str) -> Any:
    """A typed value as plain Python: text as it is, all else as FEEL; ``DefinitionError`` where it is none."""
    text = text.strip()
    if not text:
        return None
    if kind == "text":
        return text
    if kind in ("date", "time", "datetime", "duration") and not text.startswith(("date", "time", "duration", "@")):
        text = f"@{json.dumps(text)}"
    if kind == "number":
        text = text.replace(",", "").replace("，", "")
    return feel.to_python(feel.compile(text, feel.Scope({})).evaluate({}).value)


def _failed(problem: str) -> dict[str, Any]:
    return {"problem": problem, "steps": [], "matched": "{}"}


def _steps(data: Mapping[str, Any], result: DecisionResult) -> list[dict[str, Any]]:
    """Each decision on the way with its value, in words."""
    labels = {item["name"]: site().text(item.get("label")) or item["name"] for item in data["decisions"]}
    return [
        {"label": labels.get(step.decision, step.decision), "value": _shown(step.value), "rows": _numbers(step.matched)}
        for step in result.trace
    ]


def _numbers(rows: tuple[int, ...]) -> str:
    return ", ".join(str(row + 1) for row in rows)


def _matched(data: Mapping[str, Any], result: DecisionResult) -> dict[str, list[str]]:
    """Keys of the rows that matched, by table."""
    tables = {item["name"]: item["table"] for item in data["decisions"] if "table" in item}
    return {
        step.decision: [row_key(tables[step.decision]["rules"][row], row) for row in step.matched]
        for step in result.trace
        if step.decision in tables
    }


def _shown(value: Any) -> str:
    match value:
        case None:
            return "—"
        case bool():
            return _("yes") if value else _("no")
        case dict():
            return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
        case list() | tuple():
            return "; ".join(_shown(item) for item in value)
    return site().formats.plain(value)

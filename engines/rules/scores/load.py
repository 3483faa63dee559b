"""Reading score models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from engines.core import DefinitionSource, LocalizedText, check_schema, load_json
from engines.core.kinds import Loaded
from engines.rules.scores.model import DecisionCall, Measure, Method, ParameterValue, ScoreModel, Write


@cache
def scores_schema() -> Mapping[str, Any]:
    """The JSON Schema of ``*.scores.json``."""
    text = (resources.files("engines.rules") / "schema" / "scores.schema.json").read_text("utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def load_scores(source: DefinitionSource) -> Loaded[ScoreModel]:
    """The score model of a file, and what is wrong with its JSON."""
    data, problems = load_json(source)
    if data is None:
        return Loaded(definition=None, diagnostics=tuple(problems))
    problems += check_schema(data, scores_schema(), source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    return Loaded(definition=_model(data, source))


def _model(data: Mapping[str, Any], source: DefinitionSource) -> ScoreModel:
    return ScoreModel(
        name=data["name"],
        label=LocalizedText.of(data.get("label")),
        form=data["form"],
        parameters=tuple(ParameterValue(name=p["name"], value=p["value"]) for p in data.get("parameters", ())),
        population=data.get("population", ""),
        measures=tuple(_measure(item) for item in data["measures"]),
        decisions=tuple(
            DecisionCall(name=d["name"], decision=d["decision"], inputs=d["inputs"]) for d in data.get("decisions", ())
        ),
        writes=tuple(Write(field=w["field"], value=w["value"]) for w in data.get("writes", ())),
        source=source,
    )


def _measure(data: Mapping[str, Any]) -> Measure:
    return Measure(
        name=data["name"],
        label=LocalizedText.of(data.get("label")),
        value=data["value"],
        higher_is_better=data.get("better", "higher") == "higher",
        method=Method(data.get("method", "none")),
        buckets=int(data.get("buckets", 5)),
        tie_break=data.get("tie_break", ""),
    )

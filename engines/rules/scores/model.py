"""What a score model says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engines.core import DefinitionSource, LocalizedText

_NO_LABEL = LocalizedText({})


class Method(StrEnum):
    """How a measure becomes a score."""

    NTILE = "ntile"
    RANK = "rank"
    PERCENT_RANK = "percent_rank"
    MEAN = "mean"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of a record."""

    name: str
    label: LocalizedText = _NO_LABEL
    # FEEL over the record.
    value: str
    higher_is_better: bool = True
    method: Method = Method.NONE
    # Number of groups, for ntile and rank.
    buckets: int = 5
    # Field that orders equal values, ascending; "" is the id.
    tie_break: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    """A value computed once a run."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCall:
    """A decision called for each record after scoring."""

    name: str
    decision: str
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A field of the record and the expression that gives it."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreModel:
    """A score model as written."""

    name: str
    label: LocalizedText = _NO_LABEL
    form: str
    parameters: tuple[ParameterValue, ...] = ()
    # FEEL condition; "" takes all records.
    population: str = ""
    measures: tuple[Measure, ...]
    decisions: tuple[DecisionCall, ...] = ()
    writes: tuple[Write, ...] = ()
    source: DefinitionSource = field(default=DefinitionSource(file="", text=""), compare=False)

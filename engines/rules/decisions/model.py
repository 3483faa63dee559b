"""What a decision definition says: inputs, decisions, knowledge models, services, boxed expressions (DMN 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engines.core import DefinitionSource, LocalizedText

_NO_LABEL = LocalizedText({})


class HitPolicy(StrEnum):
    """Which of the matching rules of a table give its result (DMN 1.5 §8.2.10)."""

    UNIQUE = "UNIQUE"
    FIRST = "FIRST"
    PRIORITY = "PRIORITY"
    ANY = "ANY"
    COLLECT = "COLLECT"
    RULE_ORDER = "RULE ORDER"
    OUTPUT_ORDER = "OUTPUT ORDER"


class Aggregator(StrEnum):
    """What COLLECT makes of the outputs (DMN 1.5 §8.2.10)."""

    NONE = ""
    SUM = "SUM"
    COUNT = "COUNT"
    MIN = "MIN"
    MAX = "MAX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A FEEL expression; empty text is null."""

    text: str
    # RFC 6901 pointer in our JSON, or the place in the XML.
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputClause:
    """A column that is tested."""

    name: str = ""
    label: LocalizedText = _NO_LABEL
    expression: Literal
    type: str = ""
    # Allowed values as FEEL unary tests; "" allows all.
    allowed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputClause:
    """A column that is given; ``name`` may be empty where there is one only."""

    name: str = ""
    label: LocalizedText = _NO_LABEL
    type: str = ""
    # Output values as FEEL unary tests, in order of priority, highest first.
    allowed: str = ""
    default: Literal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRule:
    """A row: one unary test per input clause, one expression per output clause."""

    name: str = ""
    label: LocalizedText = _NO_LABEL
    when: tuple[Literal, ...]
    then: tuple[Literal, ...]
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A decision table (DMN 1.5 §8)."""

    hit_policy: HitPolicy = HitPolicy.UNIQUE
    aggregator: Aggregator = Aggregator.NONE
    inputs: tuple[InputClause, ...] = ()
    outputs: tuple[OutputClause, ...]
    rules: tuple[TableRule, ...] = ()
    annotations: tuple[str, ...] = ()
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a context; ``name`` is empty for the result of the context."""

    name: str = ""
    type: str = ""
    value: Boxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A boxed context: entries see those before them; a last entry without a name is its result."""

    entries: tuple[Entry, ...]
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A boxed list."""

    items: tuple[Boxed, ...]
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A list of contexts written as rows."""

    columns: tuple[Parameter, ...]
    rows: tuple[tuple[Boxed, ...], ...]
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A formal parameter, or the column of a relation."""

    name: str
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A boxed function; ``kind`` is FEEL, or "java" or "pmml" for external ones."""

    parameters: tuple[Parameter, ...]
    body: Boxed | None
    kind: str = "FEEL"
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A call of a function with named arguments."""

    function: Boxed
    bindings: tuple[Entry, ...]
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """if, then, else."""

    condition: Boxed
    then: Boxed
    otherwise: Boxed
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A list and the condition (or position) of the items that stay."""

    items: Boxed
    match: Boxed
    at: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """for, some or every over a list."""

    # for, some or every.
    kind: str
    variable: str
    items: Boxed
    body: Boxed
    at: str = ""
    type: str = ""


Boxed = Literal | Table | Context | ListOf | Relation | Function | Invocation | Conditional | Filter | Iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefinition:
    """A named type (DMN 1.5 §7.3.2 ItemDefinition)."""

    name: str
    description: LocalizedText = _NO_LABEL
    # Base type; "" where it has fields.
    type: str = ""
    is_list: bool = False
    allowed: str = ""
    # Constraint on the list or context as a whole, where it differs from that on items.
    constraint: str = ""
    fields: tuple[TypeDefinition, ...] = ()
    # Function types: parameters and result.
    parameters: tuple[Parameter, ...] | None = None
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Input data."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision: how its value is made, and what it requires."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    # What the decision answers, and with what.
    question: LocalizedText = _NO_LABEL
    answers: LocalizedText = _NO_LABEL
    type: str = ""
    # Names of inputs, decisions, knowledge models and services; "import.name" for imported ones.
    requires: tuple[str, ...] = ()
    # Names of the knowledge sources behind it.
    authorities: tuple[str, ...] = ()
    value: Boxed | None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """A business knowledge model: a function that decisions may call."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    requires: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()
    function: Function
    id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeSource:
    """Where knowledge comes from: a law, a policy, somebody (DMN 1.5 §6.3.12). It has no part in any result."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    # What kind of source it is, who answers for it, where it is to be found.
    kind: str = ""
    owner: str = ""
    location: str = ""
    # Names of knowledge sources, inputs and decisions that it draws on.
    authorities: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A decision service: decisions offered as a function (DMN 1.5 §10.4)."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    outputs: tuple[str, ...]
    encapsulated: tuple[str, ...] = ()
    # Inputs and decisions whose values are given, in the order of the parameters.
    inputs: tuple[str, ...] = ()
    input_decisions: tuple[str, ...] = ()
    id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Another model whose elements are called "name.element"; an empty name brings them in directly."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionModel:
    """One decision definition: a decision requirements graph."""

    name: str
    label: LocalizedText = _NO_LABEL
    description: LocalizedText = _NO_LABEL
    namespace: str = ""
    imports: tuple[Import, ...] = ()
    types: tuple[TypeDefinition, ...] = ()
    inputs: tuple[Input, ...] = ()
    decisions: tuple[Decision, ...] = ()
    knowledge: tuple[Knowledge, ...] = ()
    services: tuple[Service, ...] = ()
    sources: tuple[KnowledgeSource, ...] = ()
    # Whether inputs and knowledge models are in scope without being listed in ``requires``; in DMN they never are.
    implied: bool = False
    # Examples: ``{"name": …, "inputs": {name: FEEL}, "expect": FEEL}``.
    tests: tuple[Mapping[str, Any], ...] = ()
    # Where it was read, for places in messages.
    source: DefinitionSource = field(default=DefinitionSource(file="", text=""), compare=False)
    # What the JSON held, for tools.
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def decision(self, name: str) -> Decision | None:
        """The decision called ``name``."""
        return next((d for d in self.decisions if d.name == name), None)

"""Which names the expressions of a process may use, and of what type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from engines import feel
from engines.feel.builtins import BUILTINS
from engines.process.definition import ProcessDefinition
from engines.process.kinds import NodeType

# Field types of forms whose FEEL type is certain; all others may hold anything.
_TYPES: dict[str, feel.FeelType] = {
    "text": feel.STRING,
    "long_text": feel.STRING,
    "choice": feel.STRING,
    "email": feel.STRING,
    "phone": feel.STRING,
    "number": feel.NUMBER,
    "integer": feel.NUMBER,
    "money": feel.NUMBER,
    "percent": feel.NUMBER,
    "percentage": feel.NUMBER,
    "boolean": feel.BOOLEAN,
    "date": feel.DATE,
    "datetime": feel.DATE_TIME,
    "time": feel.TIME,
    "duration": feel.DAYS_TIME,
    "list": feel.LIST,
    "context": feel.CONTEXT,
}
DECISION = feel.ContextType(
    {
        "outcome": feel.STRING,
        "comment": feel.STRING,
        "by": feel.ANY,
        "at": feel.DATE_TIME,
        "votes": feel.ListType(feel.CONTEXT),
    }
)
# What the shell gives to every process.
GIVEN: dict[str, feel.FeelType] = {
    "subject": feel.CONTEXT,
    "initiator": feel.ANY,
    "settings": feel.CONTEXT,
    "me": feel.ANY,
}
# Ids of other tools may hold what FEEL reads as an operator.
_WORD = re.compile(r"[^\W\d]\w*")
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
_CALLED = re.compile(r"([^\W\d]\w*)\s*\(")
_COUNTERS = ("loopCounter", "nrOfInstances", "nrOfCompletedInstances", "nrOfActiveInstances")


@runtime_checkable
class RecordShapes(Protocol):
    """Definitions that also know the FEEL types of forms."""

    def shape(self, form: str) -> RecordShape | None:
        """What expressions over a form's records may name."""


class RecordShape(Protocol):
    """The names of one form."""

    @property
    def names(self) -> Mapping[str, feel.FeelType]:
        """Names and types."""


def subject_type(definitions: RecordShapes, form: str) -> feel.FeelType:
    """The type of a form's records; an open context where the form is not known."""
    shape = definitions.shape(form)
    return feel.ContextType(lambda: shape.names, form) if shape is not None else feel.CONTEXT


def with_bare_names(scope: feel.Scope, text: str) -> feel.Scope:
    """``scope`` in which a built-in function's name that ``text`` never calls is a variable: models of other tools
    declare nothing, and have variables called ``count`` or ``duration``.
    """
    plain = _TEXTS.sub('""', text)
    called = set(_CALLED.findall(plain))
    bare = {word for word in _WORD.findall(plain) if word in BUILTINS and word not in called | scope.variables.keys()}
    return scope.extended(dict.fromkeys(bare, feel.ANY)) if bare else scope


def names(definition: ProcessDefinition) -> dict[str, feel.FeelType]:
    """Every name that an expression of the process may read, with its type."""
    found: dict[str, feel.FeelType] = dict(GIVEN)
    for node in definition.all_nodes():
        if node.type is NodeType.USER_TASK:
            found[node.name] = DECISION
        if node.multi_instance is not None or node.loop is not None:
            found |= dict.fromkeys(_COUNTERS, feel.NUMBER)
        if any(action.to for sla in node.sla for action in sla.actions):
            # Who has the task that an action of a time limit is about.
            found["assignee"] = feel.ANY
        multi = node.multi_instance
        written = [node.result, *(name for name, _ in node.script), *(node.output or {})]
        written += [multi.item, multi.collect_into] if multi else []
        written += ["result"] if node.output else []
        found |= {name: feel.ANY for name in written if name}
    found |= {v.name: _TYPES.get(v.type, feel.ANY) for v in definition.variables}
    return {name: kind for name, kind in found.items() if _WORD.fullmatch(name)}

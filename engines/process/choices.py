"""Whether the conditions at a choice are known to cover every case."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engines.process.definition import FlowDefinition, ProcessDefinition

_NOT = re.compile(r"not\s*\(\s*(?P<inner>.*?)\s*\)")
_OUTCOME = re.compile(r'(?P<task>[^\W\d]\w*)\.outcome\s*(?P<sign>!?=)\s*"(?P<outcome>[^"]*)"')


def complete(definition: ProcessDefinition, flows: Sequence[FlowDefinition]) -> bool:
    """Whether one of the conditions always holds: a pair of opposites, or every outcome of a user task that is done."""
    conditions = [flow.condition.strip() for flow in flows]
    return _opposites(conditions) or _every_outcome(definition, conditions)


def _opposites(conditions: Sequence[str]) -> bool:
    for condition in conditions:
        found = _NOT.fullmatch(condition)
        if found and found["inner"] in conditions:
            return True
    return False


def _every_outcome(definition: ProcessDefinition, conditions: Sequence[str]) -> bool:
    """Conditions such as ``review.outcome = "approve"`` for all outcomes of that task (or one with its opposite)."""
    found = [match for match in map(_OUTCOME.fullmatch, conditions) if match]
    tasks = {match["task"] for match in found}
    if len(tasks) != 1 or len(found) < len(conditions):
        return False
    told = {match["outcome"] for match in found if match["sign"] == "="}
    refused = {match["outcome"] for match in found if match["sign"] == "!="}
    node = next((n for n in definition.all_nodes() if n.name in tasks and n.user_task), None)
    if node is None or node.user_task is None:
        return False
    outcomes = {outcome.name for outcome in node.user_task.outcomes}
    return bool(told & refused or len(refused) > 1) or bool(outcomes and outcomes <= told)

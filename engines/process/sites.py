"""Where a process definition holds FEEL, for checking and compiling alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines import feel
from engines.core.source import pointer_of
from engines.process.definition import (
    AssignmentDefinition,
    NodeDefinition,
    ProcessDefinition,
    SlaDefinition,
    UserTaskDefinition,
)

_DURATION_OR_INSTANT = feel.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One expression."""

    # Node, flow or variable that holds it.
    element: str
    # Where a compiled node keeps it, for example "condition" or "script.0".
    slot: str
    pointer: str
    text: str
    # Type that the value must have.
    expect: feel.FeelType = feel.ANY


def sites(definition: ProcessDefinition) -> Iterator[Site]:
    """Every expression of the process, in file order."""
    for i, variable in enumerate(definition.variables):
        if variable.default:
            yield Site(
                element=variable.name,
                slot="default",
                pointer=pointer_of("variables", i, "default"),
                text=variable.default,
            )
    for node in definition.all_nodes():
        yield from node_sites(node)
    for flow in definition.all_flows():
        if flow.condition:
            yield Site(
                element=flow.name,
                slot="flow",
                pointer=flow.pointer + "/condition",
                text=flow.condition,
                expect=feel.BOOLEAN,
            )


def node_sites(node: NodeDefinition) -> Iterator[Site]:
    """The expressions of one node."""
    for slot, path, text, expect in _node_parts(node):
        if text:
            yield Site(element=node.name, slot=slot, pointer=node.pointer + pointer_of(*path), text=text, expect=expect)


_Part = tuple[str, Sequence[str | int], str, feel.FeelType]


def _node_parts(node: NodeDefinition) -> Iterator[_Part]:
    yield from _event_parts(node)
    yield from _repeat_parts(node)
    yield "complete_when", ("complete_when",), node.complete_when, feel.BOOLEAN
    for i, (_, text) in enumerate(node.script):
        yield f"script.{i}", ("script", i, "value"), text, feel.ANY
    if node.input is not None:
        yield from _tree_parts(node.input, ("input",))
    for name, text in (node.output or {}).items():
        yield f"output.{name}", ("output", name), text, feel.ANY
    if node.user_task is not None:
        yield from _people_parts(node.user_task)
    for i, sla in enumerate(node.sla):
        yield from _sla_parts(sla, ("sla", i))


def _event_parts(node: NodeDefinition) -> Iterator[_Part]:
    event = node.event
    if event is None:
        return
    if event.timer is not None:
        for kind in ("duration", "date", "cycle"):
            yield f"timer.{kind}", ("event", "timer", kind), getattr(event.timer, kind), feel.ANY
    yield "condition", ("event", "condition"), event.condition, feel.BOOLEAN
    yield "correlation", ("event", "correlation"), event.correlation, feel.ANY
    for name, text in event.payload.items():
        yield f"payload.{name}", ("event", "payload", name), text, feel.ANY


def _repeat_parts(node: NodeDefinition) -> Iterator[_Part]:
    multi, loop = node.multi_instance, node.loop
    if multi is not None:
        yield "each", ("multi_instance", "each"), multi.each, feel.LIST
        yield "count", ("multi_instance", "count"), multi.count, feel.NUMBER
        yield "multi_until", ("multi_instance", "complete_when"), multi.complete_when, feel.BOOLEAN
        yield "collect", ("multi_instance", "collect", "value"), multi.collect, feel.ANY
    if loop is not None:
        yield "loop_while", ("loop", "while"), loop.condition, feel.BOOLEAN


def _people_parts(task: UserTaskDefinition) -> Iterator[_Part]:
    yield "priority", ("priority",), task.priority, feel.STRING
    yield "due", ("due",), task.due, _DURATION_OR_INSTANT
    yield "requires", ("requires",), task.requires, feel.BOOLEAN
    yield "ratio", ("approval", "ratio"), task.approval.ratio, feel.NUMBER
    for part, assignment in (("assignment", task.assignment), ("copy", task.copy)):
        if assignment is not None:
            yield from _assignment_parts(part, (part,), assignment)


def _assignment_parts(part: str, path: Sequence[str | int], assignment: AssignmentDefinition) -> Iterator[_Part]:
    for key in ("person", "candidates", "department_head", "department", "manager_of"):
        yield f"people.{part}.{key}", (*path, key), getattr(assignment, key), feel.ANY
    yield f"people.{part}.field", (*path, "field"), field_path(assignment.field), feel.ANY


def _sla_parts(sla: SlaDefinition, path: Sequence[str | int]) -> Iterator[_Part]:
    yield f"sla.{sla.name}.target", (*path, "target"), sla.target, _DURATION_OR_INSTANT
    yield f"sla.{sla.name}.department", (*path, "department"), sla.department, feel.ANY
    yield f"sla.{sla.name}.pause_when", (*path, "pause_when"), sla.pause_when, feel.BOOLEAN
    for i, action in enumerate(sla.actions):
        place = (*path, "actions", i)
        for key in ("before", "after", "every"):
            yield f"sla.{sla.name}.{action.name}.{key}", (*place, key), getattr(action, key), feel.ANY
        if action.to is not None:
            yield from _assignment_parts(f"sla.{sla.name}.{action.name}", (*place, "to"), action.to)


def field_path(field: str) -> str:
    """The FEEL path of an assignment's ``field``: "owner" and "subject.owner" are the same field of the subject."""
    return field if not field or field.startswith("subject.") else f"subject.{field}"


def _tree_parts(tree: Mapping[str, Any], path: Sequence[str | int]) -> Iterator[_Part]:
    items: Iterator[tuple[Any, Any]] = iter(tree.items() if isinstance(tree, Mapping) else enumerate(tree))
    for key, part in items:
        if isinstance(part, str):
            yield "input." + pointer_of(*path[1:], key), (*path, key), part, feel.ANY
        else:
            yield from _tree_parts(part, (*path, key))

"""Reading process files."""

import json
from typing import Any

from engines.core import DefinitionSource
from engines.process import load
from engines.process.kinds import EventKind, NodeType


def source(data: Any) -> DefinitionSource:
    return DefinitionSource(file="p.process.json", text=json.dumps(data, indent=1))


def test_events_flows_and_people_are_read() -> None:
    found = load(
        source(
            {
                "name": "p",
                "nodes": [
                    {"name": "s", "type": "startEvent"},
                    {"name": "g", "type": "exclusiveGateway"},
                    {
                        "name": "t",
                        "type": "userTask",
                        "assignment": {"role": "chief"},
                        "outcomes": [{"name": "reject"}],
                    },
                    {
                        "name": "late",
                        "type": "boundaryEvent",
                        "attached_to": "t",
                        "event": {"timer": {"duration": 'duration("P1D")'}},
                    },
                ],
                "flows": [
                    {"name": "f", "from": "s", "to": "g"},
                    {"name": "d", "from": "g", "to": "t", "default": True},
                ],
            }
        )
    )
    assert found.ok
    start, gateway, task, late = found.definition.nodes
    assert (start.type, gateway.default) == (NodeType.START_EVENT, "d")
    assert task.user_task.assignment.roles == ("chief",)
    assert task.user_task.outcomes[0].meaning == "reject"
    assert late.event.kind is EventKind.TIMER


def test_an_unknown_property_is_named_with_its_place() -> None:
    found = load(source({"name": "p", "nodes": [{"name": "s", "type": "startEvent", "lable": "x"}]}))
    (problem,) = found.diagnostics
    assert (problem.code, problem.pointer, problem.hint) == (
        "definition.unknown_property",
        "/nodes/0/lable",
        'did you mean "label"?',
    )


def test_a_name_used_twice_is_found_across_sub_processes() -> None:
    inner = {"name": "sub", "type": "subProcess", "nodes": [{"name": "s", "type": "startEvent"}]}
    found = load(source({"name": "p", "nodes": [{"name": "s", "type": "startEvent"}, inner]}))
    (problem,) = found.diagnostics
    assert (problem.code, problem.pointer, problem.element) == ("process.repeated_name", "/nodes/1/nodes/0/name", "s")
    assert problem.related[0].pointer == "/nodes/0/name"

"""Constructs that other tools write, the odd ones too: reading never fails, and what is not kept or not run is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.core import DefinitionSource
from engines.process import Imported, import_bpmn, load, validate

BODIES: dict[str, str] = json.loads((Path(__file__).parent / "wild_bpmn.json").read_text("utf-8"))
NAMESPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" targetNamespace="x"'
)
# What must be told of each, beside what the checks of the process then say.
TOLD = {
    "collab": ["process.not_kept"] * 2,
    "data": ["process.not_kept"] * 7,
    "complex_gateway": ["process.unsupported_element"],
    "multiple_events": ["process.several_events"],
    "human_performer": ["process.not_kept"] * 3,
    "choreography": ["process.unsupported_element", "process.empty"],
    "conversation": ["process.not_kept", "process.not_kept", "process.empty"],
    "only_collaboration": ["process.not_kept", "process.empty"],
    "empty": ["process.empty"],
}


def imported(body: str) -> Imported:
    return import_bpmn(f'<?xml version="1.0"?><definitions {NAMESPACES}>{body}</definitions>')


@pytest.mark.parametrize("name", BODIES)
def test_every_construct_is_read_and_checked(name: str) -> None:
    found = imported(BODIES[name])
    if name in TOLD:
        assert [d.code for d in found.diagnostics] == TOLD[name]
    for process in found.processes:
        loaded = load(DefinitionSource(file="p.process.json", text=json.dumps(process)))
        assert [d.code for d in loaded.diagnostics if d.code.startswith("definition.")] == []
        assert loaded.definition is not None
        validate(loaded.definition)


def test_ids_of_other_tools_become_names_wherever_they_are_referred_to() -> None:
    (process,) = imported(BODIES["weird_ids"]).processes
    (flow,) = process["flows"]
    names = [node["name"] for node in process["nodes"]]
    assert names == ["_1234-5.6", "Aufgabe_A_1"]
    assert (flow["name"], flow["from"], flow["to"]) == ("F", *names)


def test_what_has_no_usable_place_is_left_to_be_laid_out() -> None:
    assert [process.get("diagram") for process in imported(BODIES["wrong_number"]).processes] == [None]

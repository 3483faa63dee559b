"""BPMN XML: out and in again without loss, unsafe files refused, what cannot be run named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from engines.process import SCHEMA, export_bpmn, import_bpmn
from tests.process.games import body, node
from tests.process.models import sound_model

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">'


def rich() -> dict[str, Any]:
    """A process with every kind of node and event that a file can hold."""
    undo = [
        node("b", "undo_pay", attached_to="pay", event={"compensation": ""}, handler="refund"),
        node("t", "refund", for_compensation=True),
    ]
    inner = body(
        "s:is",
        "is>it>ie",
        node("script", "it", script=[{"set": "a", "value": "1 + 1"}]),
        node("e", "ie", event={"error": "bad"}),
    )
    data = body(
        "s:start x:choose p:fork o:some v:race",
        "start>review>choose, choose>fork[review.outcome = \"approve\"], choose>some[], fork>pay, fork>sub",
        node("u", "review", label={"zh": "审核", "en": "Review"}, form="order", assignment={"role": "chief"},
             outcomes=[{"name": "approve", "label": {"en": "Yes"}}], due='duration("P3D")', lane="office",
             multi_instance={"mode": "sequential", "each": "people", "as": "one", "complete_when": "done",
                             "collect": {"into": "all", "value": "one"}}),
        node("service", "pay", service="bank", input={"sum": "amount", "to": {"name": "who"}}, result="receipt",
             retry={"times": 5, "wait_s": 10}),
        *undo,
        node("sub", "sub", **inner),
        node("b", "late", attached_to="sub", interrupting=False, event={"timer": {"cycle": '"R3/PT1H"'}}),
        node("b", "oops", attached_to="sub", event={"error": "bad"}),
        node("tx", "tx", **body("s:ts", "ts>te", node("e", "te", event={"cancel": True}))),
        node("b", "gone", attached_to="tx", event={"cancel": True}),
        node("adhoc", "free", complete_when="enough", sequential=True, cancel_remaining=False, **body("u:f1", "")),
        node("sub", "es", event_triggered=True,
             **body("t:et", "est>et", node("s", "est", interrupting=False, event={"signal": "alarm"}))),
        node("catch", "paid", event={"message": "paid", "correlation": "number"}),
        node("receiveTask", "wait", event={"message": "paid"}),
        node("sendTask", "ask", event={"message": "please"}),
        node("throw", "go", event={"link": "L"}),
        node("catch", "come", event={"link": "L"}),
        node("throw", "warn", event={"escalation": "E"}),
        node("call", "call", process="other", input={"a": "b"}, output={"c": "d"},
             loop={"while": "c < 3", "maximum": 4}),
        node("businessRuleTask", "rule", decision="price", result="price"),
        node("e", "end", event={"terminate": True}),
    )  # fmt: skip
    return {
        "name": "rich", "label": {"zh": "全", "en": "All"}, "subject": "order",
        "variables": [{"name": "amount", "type": "money"}], "lanes": [{"name": "office", "label": "Office"}], **data,
        "diagram": {"nodes": {"start": {"x": 1, "y": 2, "width": 36, "height": 36},
                              "sub": {"x": 5, "y": 6.5, "width": 200, "height": 100, "expanded": True}},
                    "flows": {"start__review": [[1, 2], [3.5, 4]]}},
    }  # fmt: skip


def normal(data: Any) -> Any:
    """A process file with every default flow stated on its node, names as keys, and no empty parts."""
    if isinstance(data, list):
        return (
            {p["name"]: normal(p) for p in data} if data and isinstance(data[0], dict) and "name" in data[0] else data
        )
    if not isinstance(data, dict):
        return str(data) if isinstance(data, int) and not isinstance(data, bool) else data
    whole = dict(data)
    if isinstance(data.get("flows"), list):
        defaults = {f["from"]: f["name"] for f in data["flows"] if f.get("default")}
        whole["flows"] = [{k: v for k, v in f.items() if k != "default"} for f in data["flows"]]
        whole["nodes"] = [
            n | ({"default": defaults[n["name"]]} if n["name"] in defaults else {}) for n in data["nodes"]
        ]
    return {k: normal(v) for k, v in whole.items() if v not in ([], {})}


def test_everything_comes_back() -> None:
    data = rich()
    jsonschema.validate(data, SCHEMA)
    imported = import_bpmn(export_bpmn(data))
    assert imported.diagnostics == ()
    (back,) = imported.processes
    jsonschema.validate(back, SCHEMA)
    assert normal(back) == normal(data)


def test_random_models_come_back() -> None:
    for seed in range(30):
        data = sound_model(seed).data()
        (back,) = import_bpmn(export_bpmn(data)).processes
        assert normal(back) == normal(data), seed


def test_the_templates_processes_come_back() -> None:
    import json

    for file in (Path(__file__).parents[2] / "apps").rglob("*.process.json"):
        data = json.loads(file.read_text("utf-8"))
        (back,) = import_bpmn(export_bpmn(data)).processes
        assert normal(back) == normal(data), file.name


def test_the_export_refers_only_to_what_it_holds() -> None:
    root = etree.fromstring(export_bpmn(rich()).encode())
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for name in (
            "sourceRef",
            "targetRef",
            "attachedToRef",
            "messageRef",
            "signalRef",
            "errorRef",
            "bpmnElement",
            "default",
        ):
            assert element.get(name) is None or element.get(name) in ids, (element.tag, name)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><definitions/>', "process.xml_doctype"),
        ("<definitions", "process.not_xml"),
        ("<html/>", "process.not_bpmn"),
        (f'{HEAD}<process id="p"><complexGateway id="c"/></process></definitions>', "process.unsupported_element"),
        (f'{HEAD}<process id="p"><scriptTask id="c" scriptFormat="python"/></process></definitions>',
         "process.unsupported_script"),
        (f'{HEAD}<process id="p"><endEvent id="c"><errorEventDefinition errorRef="e"/></endEvent>'
         "</process></definitions>",
         "process.unknown_reference"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_run_is_refused_with_its_code(text: str, code: str) -> None:
    found = import_bpmn(text, "x.bpmn")
    assert not found.ok
    assert found.diagnostics[0].code == code
    assert found.diagnostics[0].file == "x.bpmn"


def test_unsupported_elements_are_named_with_id_and_line() -> None:
    text = f'{HEAD}\n<process id="p">\n<complexGateway id="c"/></process></definitions>'
    (found,) = import_bpmn(text).diagnostics
    assert (found.element, found.line, found.found) == ("c", 3, "complexGateway")


def test_a_declared_encoding_is_followed() -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?>{HEAD}<process id="p" name="审核"/></definitions>'
    assert import_bpmn(text).processes[0]["label"] == "审核"
    assert import_bpmn(text.encode()).processes[0]["label"] == "审核"

"""Decisions as JSON and as DMN XML: nothing is lost on the way."""

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engines.core import DefinitionSource, check_schema
from engines.rules.decisions.graph import compile_model
from engines.rules.decisions.json_form import data_of, model_of
from engines.rules.decisions.xml_read import XmlModelError, read_xml
from engines.rules.decisions.xml_write import write_xml
from tests.missing import missing

KIT = Path(__file__).parents[3] / "shared" / "dmn-tck"
SCHEMA = json.loads((Path(__file__).parents[2] / "engines/rules/schema/decision.schema.json").read_text("utf-8"))


def without_places(value: Any) -> Any:
    """The model without ids, places and the text it was read from."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {
            f.name: without_places(getattr(value, f.name)) for f in fields(value) if f.name not in ("source", "raw")
        }
        return replace(value, **(kept | {name: "" for name in ("at", "id") if name in kept}))
    return tuple(map(without_places, value)) if isinstance(value, tuple) else value


DMN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" namespace="urn:a" name="boxes" id="d">
  <itemDefinition name="tSize"><typeRef>string</typeRef>
    <allowedValues><text>"small", "large"</text></allowedValues></itemDefinition>
  <inputData id="i1" name="Weight of box"><description>On our scales.</description>
    <variable name="Weight of box" typeRef="number"/></inputData>
  <decision id="d1" name="Size"><question>How large?</question><allowedAnswers>small or large</allowedAnswers>
    <variable name="Size" typeRef="tSize"/>
    <informationRequirement id="r1"><requiredInput href="#i1"/></informationRequirement>
    <knowledgeRequirement id="r2"><requiredKnowledge href="#b1"/></knowledgeRequirement>
    <authorityRequirement id="r3"><requiredAuthority href="#k1"/></authorityRequirement>
    <decisionTable hitPolicy="COLLECT" aggregation="MAX">
      <input id="c1" label="Weight">
        <inputExpression typeRef="number"><text>Weight of box</text></inputExpression></input>
      <output id="o1" name="size" typeRef="tSize"><outputValues><text>"large", "small"</text></outputValues>
        <defaultOutputEntry><text>"small"</text></defaultOutputEntry></output>
      <annotation name="Why"/>
      <rule id="row"><inputEntry><text>&gt; 5</text></inputEntry><outputEntry><text>"large"</text></outputEntry>
        <annotationEntry><text>heavy</text></annotationEntry></rule>
    </decisionTable></decision>
  <decision id="d2" name="All"><context>
    <contextEntry><variable name="a"/><list><literalExpression><text>1</text></literalExpression></list></contextEntry>
    <contextEntry><variable name="f"/><functionDefinition><formalParameter name="x" typeRef="number"/>
      <literalExpression><text>x + 1</text></literalExpression></functionDefinition></contextEntry>
    <contextEntry><variable name="r"/>
      <relation><column name="k" typeRef="number"/><row><literalExpression><text>1</text></literalExpression>
      </row></relation></contextEntry>
    <contextEntry><variable name="i"/>
      <invocation><literalExpression><text>Twice</text></literalExpression>
      <binding><parameter name="n"/><literalExpression><text>2</text></literalExpression></binding></invocation>
    </contextEntry>
    <contextEntry><variable name="c"/><conditional><if><literalExpression><text>true</text></literalExpression></if>
      <then><literalExpression><text>1</text></literalExpression></then>
      <else><literalExpression><text>2</text></literalExpression></else></conditional></contextEntry>
    <contextEntry><variable name="l"/><filter><in><literalExpression><text>a</text></literalExpression></in>
      <match><literalExpression><text>item = 1</text></literalExpression></match></filter></contextEntry>
    <contextEntry><variable name="o"/>
      <for iteratorVariable="x"><in><literalExpression><text>a</text></literalExpression></in>
      <return><literalExpression><text>x</text></literalExpression></return></for></contextEntry>
    <contextEntry><literalExpression><text>o</text></literalExpression></contextEntry>
  </context></decision>
  <businessKnowledgeModel id="b1" name="Twice"><variable name="Twice"/><encapsulatedLogic>
    <formalParameter name="n" typeRef="number"/>
    <literalExpression typeRef="number"><text>n * 2</text></literalExpression>
  </encapsulatedLogic></businessKnowledgeModel>
  <decisionService id="s1" name="Serve"><variable name="Serve"/><outputDecision href="#d1"/><inputData href="#i1"/>
  </decisionService>
  <knowledgeSource id="k1" name="Packing guide" locationURI="https://example.org/guide">
    <authorityRequirement id="r4"><requiredInput href="#i1"/></authorityRequirement><type>policy</type>
    <owner href="#warehouse"/></knowledgeSource>
</definitions>"""


def source(text: str) -> DefinitionSource:
    return DefinitionSource(file="boxes.dmn", text=text)


def test_json_form_of_a_dmn_model_is_valid_and_complete() -> None:
    model = read_xml(source(DMN))
    data = json.loads(json.dumps(data_of(model)))
    assert check_schema(data, SCHEMA, source(json.dumps(data))) == []
    assert without_places(model_of(data, source(""))) == without_places(model)
    assert data["decisions"][0]["requires"] == ["Weight of box", "Twice"]
    assert data["decisions"][0]["table"]["rules"][0]["annotations"] == ["heavy"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<definitions", "rules.dmn_not_xml"),
        ("<a/>", "rules.dmn_no_definitions"),
        ('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions name="&x;"/>', "rules.dmn_doctype"),
    ],
)
def test_what_is_no_model_is_refused(text: str, code: str) -> None:
    with pytest.raises(XmlModelError) as caught:
        read_xml(source(text))
    assert caught.value.diagnostic.code == code


def test_xml_written_is_read_back_as_the_same_model() -> None:
    model = read_xml(source(DMN))
    assert without_places(read_xml(source(write_xml(model)))) == without_places(model)


def test_our_json_written_as_xml_decides_alike() -> None:
    data = {
        "name": "size",
        "inputs": [{"name": "w", "type": "number"}],
        "knowledge": [{"name": "twice", "function": {"parameters": [{"name": "n"}], "expression": "n * 2"}}],
        "decisions": [
            {"name": "size", "type": "text", "expression": 'if twice(w) > 10 then "large" else "small"'},
        ],
    }
    ours = model_of(data, source(json.dumps(data)))
    theirs = read_xml(source(write_xml(ours)))
    for weight, expected in ((5, "small"), (6, "large")):
        for model in (ours, theirs):
            assert compile_model(model).decide({"w": weight}).value == expected


def kit() -> list[Path]:
    """The models of the DMN test kit."""
    if not KIT.exists():
        missing(f"the DMN test kit is missing, so its models were not read and written: {KIT}")
    return sorted(KIT.glob("*/*/*.dmn"))


FULL = {
    "name": "size",
    "label": {"zh": "尺寸", "en": "Size"},
    "description": {"zh": "箱子", "en": "Of boxes"},
    "types": [{"name": "tiers", "description": "as the guide has them", "type": "text", "list": True}],
    "inputs": [{"name": "w", "type": "number", "label": {"zh": "重量", "en": "Weight"}, "description": "kilograms"}],
    "sources": [{"name": "guide", "kind": "policy", "location": "https://example.org/", "authorities": ["w"]}],
    "knowledge": [
        {
            "name": "twice",
            "authorities": ["guide"],
            "function": {"parameters": [{"name": "n", "type": "number"}], "expression": "n * 2", "result": "number"},
        }
    ],
    "decisions": [
        {
            "name": "size",
            "type": "text",
            "question": {"zh": "多大?", "en": "How large?"},
            "answers": "small or large",
            "authorities": ["guide"],
            "table": {
                "hit_policy": "FIRST",
                "inputs": [
                    {"name": "weight", "expression": "twice(w)", "type": "number", "label": {"zh": "重", "en": "W"}}
                ],
                "outputs": [{"name": "size", "type": "text", "allowed": '"small", "large"', "default": '"small"'}],
                "rules": [{"name": "heavy one", "label": {"zh": "重的"}, "when": ["> 10"], "then": ['"large"']}],
            },
        },
        {
            "name": "table of sizes",
            "relation": {"columns": ["name", {"name": "limit", "type": "number"}], "rows": [['"large"', "10"]]},
        },
    ],
    "services": [{"name": "serve", "description": {"en": "For others"}, "outputs": ["size"], "inputs": ["w"]}],
    "tests": [{"name": "a heavy one", "inputs": {"w": "6"}, "expect": '"large"'}],
}


def test_our_json_comes_back_from_xml_with_all_its_texts_and_examples() -> None:
    assert check_schema(FULL, SCHEMA, source(json.dumps(FULL))) == []
    written = write_xml(model_of(FULL, source("")), locale="zh")
    back = data_of(read_xml(source(written)))
    expected = json.loads(json.dumps(FULL).replace('"text"', '"string"')) | {
        "scope": "listed",
        "namespace": "urn:dougong:size",
    }
    # What DMN cannot leave unsaid.
    for decision in expected["decisions"]:
        decision["requires"] = ["w", "twice"]
    for group in ("inputs", "sources", "knowledge", "decisions", "services"):
        for element, found in zip(expected[group], back[group], strict=True):
            element["id"] = found["id"]
    assert back == expected
    assert all(check.passed for check in compile_model(read_xml(source(written))).check_examples())


def test_xml_written_says_labels_in_the_language_asked_for() -> None:
    written = write_xml(model_of(FULL, source("")), locale="zh")
    assert 'label="重量"' in written
    assert "<question>多大?</question>" in written


def test_every_model_of_the_kit_survives_our_xml() -> None:
    for path in kit():
        model = read_xml(DefinitionSource(file=path.name, text=path.read_text("utf-8")))
        if not model.imports:
            assert without_places(read_xml(source(write_xml(model)))) == without_places(model), path.name


def test_every_model_of_the_kit_survives_our_json() -> None:
    for path in kit():
        model = read_xml(DefinitionSource(file=path.name, text=path.read_text("utf-8")))
        data = data_of(model)
        assert check_schema(data, SCHEMA, source(json.dumps(data))) == [], path.name
        assert without_places(model_of(data, source(""))) == without_places(model), path.name

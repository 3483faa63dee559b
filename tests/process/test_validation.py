"""Checks: each code with its place, and a sentence for each in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import engines.process
from engines.core import MessageCatalogue
from engines.process import validate
from engines.process.loading import read
from tests.process.games import body, node

PACKAGE = Path(engines.process.__file__).parent
CATALOGUE = MessageCatalogue(["engines.process"])
HOUR = {"timer": {"duration": 'duration("PT1H")'}}


def codes(nodes: str, flows: str, *more: dict[str, Any], **rest: Any) -> list[tuple[str, str]]:
    """Code and pointer of every problem of a small process, without the warning that nobody is assigned."""
    data = {"name": "p", **rest, **body(nodes, flows, *more)}
    return [(p.code, p.pointer) for p in validate(read(data)) if p.code != "process.nobody_assigned"]


def inside(kind: str = "sub", **more: Any) -> dict[str, Any]:
    """A sub-process that holds one task."""
    return node(kind, "sub", **body("s:is t:it", "is>it"), **more)


@pytest.mark.parametrize(
    ("nodes", "flows", "more", "code", "pointer"),
    [
        ("s:s t:a", "s>a, a>b", [], "process.unknown_node", "/flows/1/to"),
        ("s:s", "s>sub, s>it", [inside()], "process.flow_crosses_scope", "/flows/1/to"),
        ("s:s", "", [node("e", "s2", event={"condition": "true"})], "process.event_not_here", "/nodes/1/event"),
        ("s:s", "s>a", [node("t", "a", event=HOUR)], "process.event_on_activity", "/nodes/1/event"),
        ("s:s", "s>c", [node("catch", "c", event={"message": ""})], "process.no_event_name", "/nodes/1/event"),
        ("s:s", "s>c", [node("catch", "c", event={"condition": ""})], "process.no_condition", "/nodes/1/event"),
        ("s:s", "s>c", [node("catch", "c", event={"timer": {"duration": "d", "date": "d"}})], "process.timer_unclear",
         "/nodes/1/event"),
        ("s:s t:a", "s>a", [node("b", "b", attached_to="x", event=HOUR)], "process.no_host", "/nodes/2/attached_to"),
        ("s:s t:a", "s>a", [node("b", "b", attached_to="a", event={"cancel": True})], "process.cancel_outside",
         "/nodes/2/attached_to"),
        ("s:s", "s>e", [node("e", "e", event={"cancel": True})], "process.cancel_outside", "/nodes/1/event"),
        ("s:s t:a", "s>a", [node("b", "b", attached_to="a", event={"compensation": ""}, handler="s")],
         "process.no_handler", "/nodes/2/handler"),
        ("s:s t:a", "s>a", [node("b", "b", attached_to="a", event={"error": ""}, interrupting=False)],
         "process.always_interrupts", "/nodes/2/interrupting"),
        ("s:s t:a", "s>a", [node("b", x, attached_to="a", event={"error": "x"}) for x in ("b", "c")],
         "process.caught_twice", "/nodes/3/event"),
        ("s:s", "s>a", [node("service", "a")], "process.incomplete", "/nodes/1"),
        ("s:s", "s>a", [node("t", "a", loop={"while": "true"}, multi_instance={"count": 1})],
         "process.loop_and_multi_instance", "/nodes/1/loop"),
        ("s:s", "s>a", [node("t", "a", multi_instance={"as": "x"})], "process.no_instances", "/nodes/1/multi_instance"),
        ("s:s e:e", "s>e", [node("x", "x", loop={"while": "true"})], "process.cannot_repeat", "/nodes/2/loop"),
        ("s:s t:a", "s>a>s", [], "process.no_incoming_allowed", "/nodes/0"),
        ("s:s e:e t:a", "s>e>a", [], "process.no_outgoing_allowed", "/nodes/1"),
        ("s:s", "s>a", [node("t", "a", default="x")], "process.unknown_default", "/nodes/1/default"),
        ("s:s x:g t:a", "s>g, g>a[c]", [], "process.condition_on_single_flow", "/flows/1/condition"),
        ("s:s x:g", "s>g", [], "process.gateway_without_flows", "/nodes/1"),
        ("s:s v:g", "s>g>c", [node("catch", "c", event=HOUR)], "process.event_gateway_alone", "/nodes/1"),
        ("s:s v:g t:a", "s>g>c, g>a", [node("catch", "c", event=HOUR)], "process.event_gateway_target", "/nodes/1"),
        ("v:g", "g>c, g>d", [node("catch", x, event=HOUR) for x in "cd"], "process.instantiating_gateway", "/nodes/0"),
        ("s:s s:s2 t:a", "s>a, s2>a", [], "process.several_plain_starts", "/nodes/1"),
        ("s:s", "s>h", [node("adhoc", "h", **body("s:is t:a", "is>a"))], "process.event_in_ad_hoc",
         "/nodes/1/nodes/0/type"),
        ("s:s t:a", "s>a", [inside(event_triggered=True)], "process.event_not_here", "/nodes/2/nodes/0/event"),
        ("s:s t:a", "s>a", [node("sub", "es", event_triggered=True, **body("t:x", ""))],
         "process.event_sub_process_start", "/nodes/2"),
        ("s:s", "s>l", [node("throw", "l", event={"link": "L"})], "process.unknown_link", "/nodes/1/event"),
        ("s:s t:s", "", [], "process.repeated_name", "/nodes/1/name"),
        ("s:s x:g t:a t:b", "s>g, g>a[1 = 2], g>b[2 = 3]", [], "process.missing_default", "/nodes/1"),
        ("s:s", "s>a", [node("u", "a", fields=[{"name": "f", "access": "read", "required": True}])],
         "process.required_not_writable", "/nodes/1/fields/0"),
        ("s:s", "s>a", [node("u", "a", approval={"mode": "ratio"})], "process.incomplete", "/nodes/1/approval"),
        ("s:s", "s>a", [node("u", "a", assignment={"performer_of": "x"})], "process.unknown_node",
         "/nodes/1/assignment/performer_of"),
        ("s:s", "s>a", [node("u", "a", due="1 +")], "feel.syntax", "/nodes/1/due"),
        ("s:s", "s>a", [node("u", "a", requires="nothing > 1")], "feel.unknown_name", "/nodes/1/requires"),
    ],
)  # fmt: skip
def test_each_problem_has_its_code_and_place(
    nodes: str, flows: str, more: list[dict[str, Any]], code: str, pointer: str
) -> None:
    found = codes(nodes, flows, *more)
    assert (code, pointer) in found


def test_conditions_that_cover_every_case_need_no_default() -> None:
    outcomes = [{"name": "approve"}, {"name": "reject"}]
    review = node("u", "review", outcomes=outcomes)
    ways = 's>review>g, g>a[review.outcome = "approve"], g>b[review.outcome = "reject"]'
    assert codes("s:s x:g t:a t:b", ways, review) == []
    assert codes("s:s x:g t:a t:b", "s>g, g>a[ok], g>b[not(ok)]", variables=[{"name": "ok", "type": "boolean"}]) == []


class Known:
    """The other definitions of an app."""

    def __init__(self, **kinds: dict[str, Any]) -> None:
        self.kinds = kinds

    def get(self, kind: str, name: str) -> Any | None:
        return self.kinds.get(kind, {}).get(name)

    def names(self, kind: str) -> Sequence[str]:
        return list(self.kinds.get(kind, {}))

    def shape(self, form: str) -> Any:
        from engines import feel

        fields: Mapping[str, Any] = {"total": feel.NUMBER}
        return SimpleNamespace(names=fields) if form == "order" else None


def test_references_and_fields_of_the_subject_are_checked() -> None:
    form = SimpleNamespace(layouts=[SimpleNamespace(name="edit")], fields=[SimpleNamespace(name="total")])
    known = Known(form={"order": form}, role={"clerk": 1}, decision={"price": 1}, process={})
    task = node(
        "u", "a", form="ordr", layout="edit", assignment={"roles": ["clerk", "clrk"]}, requires="subject.totl > 1"
    )
    other = node("u", "b", layout="edti", fields=[{"name": "totla"}], assignment={"role": "clerk"})
    call, rule = node("call", "c", process="pay"), node("businessRuleTask", "d", decision="prize")
    data = {"name": "p", "subject": "order", **body("s:s", "s>a>b>c>d", task, other, call, rule)}
    found = {(p.code, p.pointer, p.hint) for p in validate(read(data), known)}
    assert found == {
        ("process.unknown_form", "/nodes/1/form", 'did you mean "order"?'),
        ("process.unknown_role", "/nodes/1/assignment", 'did you mean "clerk"?'),
        ("feel.unknown_entry", "/nodes/1/requires", 'did you mean "total"?'),
        ("process.unknown_layout", "/nodes/2/layout", 'did you mean "edit"?'),
        ("process.unknown_field", "/nodes/2/fields/0/name", 'did you mean "total"?'),
        ("process.unknown_process", "/nodes/3/process", ""),
        ("process.unknown_decision", "/nodes/4/decision", 'did you mean "price"?'),
    }


def test_a_field_that_may_be_empty_is_no_sure_assignee() -> None:
    fields = [SimpleNamespace(name="keeper", required=False), SimpleNamespace(name="chief", required=True)]
    known = Known(form={"order": SimpleNamespace(layouts=[], fields=fields)})

    def told(**assignment: Any) -> list[str]:
        data = {"name": "p", "subject": "order", **body("s:s", "s>a", node("u", "a", assignment=assignment))}
        return [p.code for p in validate(read(data), known) if p.code.startswith("process")]

    assert told(field="keeper") == ["process.assignee_may_be_empty"]
    assert told(field="keeper", nobody="skip") == told(field="chief") == []


def test_calls_in_a_circle_are_told_with_their_path() -> None:
    first = read({"name": "p", **body("s:s", "s>c", node("call", "c", process="q"))})
    second = read({"name": "q", **body("s:s", "s>c", node("call", "c", process="p"))})
    (found,) = validate(first, Known(process={"p": first, "q": second}))
    assert (found.code, found.pointer, found.params["path"]) == (
        "process.cyclic_call",
        "/nodes/1/process",
        ["p", "q", "p"],
    )


def test_every_code_has_a_sentence_in_both_languages() -> None:
    text = "".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.py"))
    used = set(re.findall(r'"(process\.(?:migration\.)?[a-z_]+)"', text)) | {
        f"process.unknown_{k}" for k in ("role", "decision")
    }
    for language in ("en", "zh"):
        assert used - CATALOGUE.codes(language) == set()
        assert CATALOGUE.codes(language) - used == set()


def test_every_property_of_the_schema_says_what_it_is() -> None:
    schema = json.loads((PACKAGE / "schema" / "process.schema.json").read_text("utf-8"))

    def undocumented(part: Any, at: str) -> list[str]:
        if isinstance(part, list):
            return [m for i, p in enumerate(part) for m in undocumented(p, f"{at}/{i}")]
        if not isinstance(part, dict):
            return []
        properties = part.get("properties", {})
        missing = [f"{at}/{k}" for k, v in properties.items() if isinstance(v, dict) and "description" not in v]
        return missing + [m for k, v in part.items() for m in undocumented(v, f"{at}/{k}")]

    assert [m for m in undocumented(schema, "") if not re.search(r"/(x|y)$", m)] == []

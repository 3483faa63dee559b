"""A step gets another name: everything that means it follows, everything else that is called alike stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines import feel
from engines.process import validate
from engines.process.loading import read
from engines.process.renaming import in_expression, renamed
from tests.process.games import body, node

QUARTER = 'duration("PT15M")'
TO = {"person": "claim.by"}
PLACE = {"x": 1, "y": 2, "width": 3, "height": 4}


def file() -> dict[str, Any]:
    """A process that says "claim" in many ways."""
    claim = node("u", "claim", outcomes=[{"name": "claim"}], fields=[{"name": "claim"}], assignment={"role": "r"})
    late = node("b", "late", attached_to="claim", event={"timer": {"duration": QUARTER}}, interrupting=False)
    tell = node("service", "tell", service="mail", input={"claim": "claim.by", "text": '"claim: " + claim.comment'})
    check = node(
        "u",
        "check",
        assignment={"performer_of": "claim"},
        copy={"person": "claim.by"},
        requires='claim.outcome = "claim"',
        sla=[
            {"name": "claim", "target": QUARTER, "actions": [{"name": "a", "do": "warn", "to": {"person": "claim.by"}}]}
        ],
    )
    inner = node("sub", "sub", **body("s:is u:deep", "is>deep"), multi_instance={"each": "[claim.by]", "as": "who"})
    flows = 's>claim>g, g>check[claim.outcome = "claim"], g>sub[], late>tell, check>e, sub>e'
    data = body("s:s x:g e:e", flows, claim, late, tell, check, inner)
    return {
        "name": "p",
        **data,
        "diagram": {"nodes": {"claim": {"x": 1, "y": 2, "width": 3, "height": 4}}, "flows": {}},
    }


def test_everything_that_means_the_step_follows() -> None:
    changed = renamed(file(), "claim", "take")
    assert [p for p in validate(read(changed)) if p.severity == "error"] == []
    nodes = {part["name"]: part for part in changed["nodes"]}
    assert nodes["late"]["attached_to"] == "take"
    assert nodes["tell"]["input"] == {"claim": "take.by", "text": '"claim: " + take.comment'}
    assert nodes["check"]["assignment"] == {"performer_of": "take"}
    assert nodes["check"]["copy"] == {"person": "take.by"}
    assert nodes["check"]["requires"] == 'take.outcome = "claim"'
    assert nodes["check"]["sla"][0]["actions"][0]["to"] == {"person": "take.by"}
    assert nodes["sub"]["multi_instance"]["each"] == "[take.by]"
    assert 'take.outcome = "claim"' in [flow.get("condition") for flow in changed["flows"]]
    assert {"take"} == set(changed["diagram"]["nodes"])


def test_what_is_only_called_alike_stays() -> None:
    (take,) = [part for part in renamed(file(), "claim", "take")["nodes"] if part["name"] == "take"]
    assert (take["outcomes"], take["fields"]) == ([{"name": "claim"}], [{"name": "claim"}])
    assert renamed(file(), "claim", "claim") == file()


def test_there_and_back_is_where_one_was() -> None:
    before = file()
    assert renamed(renamed(before, "claim", "take"), "take", "claim") == before
    assert before == json.loads(json.dumps(file()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("claim.by", "take.by"),
        ("x.claim", "x.claim"),
        ("{claim: 1}.claim", "{claim: 1}.claim"),
        ('"claim"', '"claim"'),
        ("claim.at - claim.at", "take.at - take.at"),
        ("for claim in [1] return claim", "for claim in [1] return claim"),
        ("claim.by +", "claim.by +"),
        ("claims.by", "claims.by"),
    ],
)
def test_only_the_name_itself_is_rewritten(text: str, expected: str) -> None:
    assert in_expression(text, feel.Scope({}, open=True), "claim", "take") == expected

"""What stands beside the code agrees with it: the tree's schema, the sentences of all codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from engines.core import DefinitionSource, MessageCatalogue
from engines.rules.language import parse, to_json
from engines.rules.language.schema import tree_schema
from tests.rules.test_language import ACTIONS, TRIGGERS, in_rule

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "engines" / "rules"
VALIDATOR = jsonschema.Draft202012Validator(tree_schema())


def test_published_schema_is_that_of_the_tree() -> None:
    published = json.loads((PACKAGE / "schema" / "rules.schema.json").read_text("utf-8"))
    assert published == tree_schema()


@pytest.mark.parametrize("text", [in_rule(x) for x in TRIGGERS] + [in_rule(action=x) for x in ACTIONS])
def test_every_tree_meets_the_schema(text: str) -> None:
    tree = parse(DefinitionSource(file="a.rules", text=text)).tree
    VALIDATOR.validate(json.loads(json.dumps(to_json(tree))))


def codes() -> set[str]:
    """All codes that the engine's files name."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        found |= set(re.findall(r'"(rules\.[a-z_]+)"', path.read_text("utf-8")))
    kinds = ("gap", "overlap", "conflict", "masked", "unreachable", "too_large")
    return (found - {"rules.lark"}) | {f"rules.table_{kind}" for kind in kinds}


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_code_has_its_sentence(locale: str) -> None:
    catalogue = MessageCatalogue(["engines.rules"])
    known = {code for code in catalogue.codes(locale) if not code.startswith("rules.unknown_")}
    wanted = {code for code in codes() if not code.startswith("rules.unknown_")}
    assert known == wanted
    kinds = "form field process decision scores template role calendar requirement channel answer setting"
    for kind in kinds.split():
        assert f"rules.unknown_{kind}" in catalogue.codes(locale)

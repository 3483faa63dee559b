"""What whole DMN models mean, beyond the test kit: imports of imports, types, services, boxed expressions, tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engines import feel
from engines.core import DefinitionSource
from engines.feel.runtime import Runtime
from engines.rules.decisions.graph import CompiledDecisions, compile_model
from engines.rules.decisions.xml_read import imports_of, namespace_of, read_xml

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="{0}" namespace="urn:{0}" id="_{0}">'
DMN = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def literal(text: str, kind: str = "") -> str:
    more = f' typeRef="{kind}"' if kind else ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f"<literalExpression{more}><text>{escaped}</text></literalExpression>"


def given(name: str, kind: str = "Any") -> str:
    return f'<inputData id="i_{name}" name="{name}"><variable name="{name}" typeRef="{kind}"/></inputData>'


def decision(name: str, logic: str, *needs: str, kind: str = "") -> str:
    """``needs``: ids of inputs and decisions; of knowledge models and services with a "!" before."""
    wanted = "".join(_need(need) for need in needs)
    typed = f' typeRef="{kind}"' if kind else ""
    return f'<decision id="d_{name}" name="{name}"><variable name="{name}"{typed}/>{wanted}{logic}</decision>'


def _need(need: str) -> str:
    if need.startswith("!"):
        return f'<knowledgeRequirement><requiredKnowledge href="#{need[1:]}"/></knowledgeRequirement>'
    tag = "requiredInput" if need.rpartition("#")[2].startswith("i_") else "requiredDecision"
    return f'<informationRequirement><{tag} href="{need if "#" in need else "#" + need}"/></informationRequirement>'


def imported(name: str, model: str) -> str:
    return f'<import name="{name}" namespace="urn:{model}" importType="{DMN}"/>'


def models(**texts: str) -> CompiledDecisions:
    """The last of the models, which may import those before it."""
    done: dict[str, CompiledDecisions] = {}
    for name, body in texts.items():
        source = DefinitionSource(file=name, text=HEAD.format(name) + body + "</definitions>")
        others = {n: done[n] for n in imports_of(source)}
        model = read_xml(source, {n: one.model for n, one in others.items()})
        done[namespace_of(source)] = compile_model(model, others, strict=False)
    return done[list(done)[-1]]


def value(compiled: CompiledDecisions, name: str, **inputs: Any) -> Any:
    runtime = Runtime(feel.Budget(), None, None, {})
    return feel.to_python(compiled.evaluate(name, runtime, inputs))


GREETER = given("who", "string") + decision("greeting", literal('"Hello " + who'), "i_who", kind="string")
SECTION = imported("greeter", "greeter") + decision(
    "said", literal('"one: " + greeter.greeting'), "urn:greeter#d_greeting"
)


def test_an_input_reached_by_two_ways_may_have_two_values() -> None:
    main = (
        imported("left", "one")
        + imported("right", "two")
        + decision("both", literal('left.said + "; " + right.said'), "urn:one#d_said", "urn:two#d_said")
    )
    compiled = models(greeter=GREETER, one=SECTION, two=SECTION.replace("one:", "two:"), main=main)
    inputs = {"left": {"greeter": {"who": "Ann"}}, "right": {"greeter": {"who": "Bob"}}}
    assert value(compiled, "both", **inputs) == "one: Hello Ann; two: Hello Bob"
    dotted = {"left.greeter.who": "Ann", "right.greeter.who": "Bob"}
    assert value(compiled, "both", **dotted) == "one: Hello Ann; two: Hello Bob"
    assert value(compiled, "both", who="Cy") == "one: Hello Cy; two: Hello Cy"


def test_an_import_without_a_name_brings_its_elements_in_directly() -> None:
    main = imported("", "greeter") + decision("loud", literal("upper case(greeting)"), "urn:greeter#d_greeting")
    assert value(models(greeter=GREETER, main=main), "loud", who="Ann") == "HELLO ANN"


def test_an_imported_input_is_used_directly() -> None:
    main = imported("g", "greeter") + decision("same", literal("g.who"), "urn:greeter#i_who")
    compiled = models(greeter=GREETER, main=main)
    assert value(compiled, "same", **{"g.who": "Ann"}) == "Ann"
    assert value(compiled, "same", g={"who": "Ann"}) == "Ann"


TYPES = """
<itemDefinition name="tColour"><typeRef>string</typeRef>
  <allowedValues><text>"red", "green"</text></allowedValues></itemDefinition>
<itemDefinition name="tColours" isCollection="true"><typeRef>tColour</typeRef></itemDefinition>
<itemDefinition name="tPair" isCollection="true"><typeRef>tColour</typeRef>
  <typeConstraint><text>count(?) = 2</text></typeConstraint></itemDefinition>
<itemDefinition name="tSmall"><typeRef>number</typeRef>
  <allowedValues><text>[0..10)</text></allowedValues></itemDefinition>
<itemDefinition name="tBox">
  <itemComponent name="colour"><typeRef>tColour</typeRef></itemComponent>
  <itemComponent name="sizes" isCollection="true"><typeRef>tSmall</typeRef></itemComponent></itemDefinition>
<itemDefinition name="tAdd"><functionItem outputTypeRef="number"><parameters name="a" typeRef="number"/>
  </functionItem></itemDefinition>
"""


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("tColour", '"red"', "red"),
        ("tColour", '"blue"', None),
        ("tColour", '["red"]', "red"),
        ("tColour", "null", None),
        ("tColours", '["red", "green"]', ["red", "green"]),
        ("tColours", '["red", "blue"]', None),
        ("tColours", '"red"', ["red"]),
        ("tColours", "[]", []),
        ("tPair", '["red", "green"]', ["red", "green"]),
        ("tPair", '["red"]', None),
        ("tSmall", "10", None),
        ("tSmall", "9.9", Decimal("9.9")),
        ("tSmall", '"9"', None),
        ("tBox", '{colour: "red", sizes: [1, 2]}', {"colour": "red", "sizes": [1, 2]}),
        ("tBox", '{colour: "blue", sizes: [1, 2]}', None),
        ("tBox", '{colour: "red", sizes: [1, 20]}', None),
        ("tBox", '{colour: "red"}', None),
        ("tBox", '{colour: "red", sizes: [1], more: 1}', {"colour": "red", "sizes": [1], "more": 1}),
        ("string", "1", None),
        ("number", "[1]", 1),
        ("date and time", 'date("2026-01-02")', "2026-01-02T00:00:00Z"),
    ],
)
def test_a_value_conforms_to_the_type_of_its_decision_or_is_null(kind: str, text: str, expected: Any) -> None:
    logic = f"string({text})" if kind == "unused" else text
    compiled = models(
        main=TYPES + decision("d", literal(logic), kind=kind) + decision("s", literal("string(d)"), "d_d")
    )
    found = value(compiled, "s" if kind == "date and time" else "d")
    assert found == expected


@pytest.mark.parametrize(("colour", "expected"), [("red", "red"), ("blue", None), (["green"], "green"), (5, None)])
def test_an_input_that_its_type_does_not_allow_is_null(colour: Any, expected: str | None) -> None:
    compiled = models(main=TYPES + given("c", "tColour") + decision("d", literal("c"), "i_c"))
    assert value(compiled, "d", c=colour) == expected


KNOWLEDGE = """<businessKnowledgeModel id="b" name="b"><variable name="b"/><encapsulatedLogic>
<formalParameter name="x" typeRef="string"/>{0}</encapsulatedLogic></businessKnowledgeModel>"""


@pytest.mark.parametrize(
    ("argument", "expected"), [('"a"', "a!"), ('["a"]', "a!"), ("1", None), ('["a", "b"]', None), ("null", None)]
)
def test_arguments_of_a_knowledge_model_conform_to_its_parameters(argument: str, expected: str | None) -> None:
    body = KNOWLEDGE.format(literal('x + "!"'))
    called = decision("called", literal(f"b({argument})"), "!b")
    binding = f'<binding><parameter name="x"/>{literal(argument)}</binding>'
    invoked = decision("invoked", f"<invocation>{literal('b')}{binding}</invocation>", "!b")
    compiled = models(main=body + called + invoked)
    assert value(compiled, "called") == expected
    assert value(compiled, "invoked") == expected


def test_what_a_knowledge_model_gives_conforms_to_the_type_of_its_expression() -> None:
    compiled = models(main=KNOWLEDGE.format(literal("x", "number")) + decision("d", literal('b("a")'), "!b"))
    assert value(compiled, "d") is None


def test_cells_of_a_relation_conform_to_their_columns() -> None:
    rows = "".join(f"<row>{literal(text)}</row>" for text in ("1", '"a"'))
    logic = f'<relation><column name="k" typeRef="number"/>{rows}</relation>'
    assert value(models(main=decision("d", logic)), "d") == [{"k": 1}, {"k": None}]


def test_a_decision_without_logic_is_null_and_may_be_given() -> None:
    compiled = models(main=decision("empty", "") + decision("d", literal("empty"), "d_empty"))
    assert value(compiled, "d") is None
    assert value(compiled, "d", empty=7) == 7


SERVICE = """<decisionService id="s" name="s"><variable name="s" typeRef="{0}"/>{1}<encapsulatedDecision href="#d_mid"/>
<inputDecision href="#d_low"/><inputData href="#i_n"/></decisionService>"""
PARTS = (
    given("n", "number")
    + decision("low", literal("100"), kind="number")
    + decision("mid", literal("n + low"), "i_n", "d_low", kind="number")
    + decision("top", literal("mid * 2"), "d_mid", kind="number")
    + decision("other", literal('"o" + string(mid)'), "d_mid")
)


def test_a_service_is_a_function_of_its_inputs_then_its_input_decisions() -> None:
    one = '<outputDecision href="#d_top"/>'
    two = one + '<outputDecision href="#d_other"/>'
    called = decision("called", literal("s(1, 2)"), "!s") + decision("named", literal("s(low: 2, n: 1)"), "!s")
    assert value(models(main=PARTS + SERVICE.format("number", one) + called), "called") == 6
    assert value(models(main=PARTS + SERVICE.format("number", one) + called), "named") == 6
    assert value(models(main=PARTS + SERVICE.format("Any", two) + called), "called") == {"top": 6, "other": "o3"}
    assert value(models(main=PARTS + SERVICE.format("string", one) + called), "called") is None


def boxed(tag: str, variable: str = "", **parts: str) -> str:
    """A boxed expression of named parts; "in_" and the like stand for words that Python keeps for itself."""
    more = f' iteratorVariable="{variable}"' if variable else ""
    inside = "".join(f"<{name.rstrip('_')}>{literal(text)}</{name.rstrip('_')}>" for name, text in parts.items())
    return f"<{tag}{more}>{inside}</{tag}>"


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        (boxed("conditional", if_="1 = 1", then="1", else_="2"), 1),
        (boxed("conditional", if_="null", then="1", else_="2"), 2),
        (boxed("conditional", if_='"a"', then="1", else_="2"), 2),
        (boxed("filter", in_="[1, 2, 3]", match="item > 1"), [2, 3]),
        (boxed("filter", in_="[1, 2, 3]", match="2"), 2),
        (boxed("filter", in_="[{a: 1}, {a: 2}]", match="a = 2"), [{"a": 2}]),
        (boxed("filter", in_="null", match="true"), []),
        (boxed("filter", in_="[1]", match='"a"'), None),
        (boxed("for", "i", in_="[1..3]", return_="i * 2"), [2, 4, 6]),
        (boxed("for", "i", in_="[1, 2, 3]", return_="i + count(partial)"), [1, 3, 5]),
        (boxed("for", "i", in_="5", return_="i"), [5]),
        (boxed("for", "i", in_="null", return_="i"), None),
        (boxed("some", "i", in_="[1, 2]", satisfies="i > 1"), True),
        (boxed("some", "i", in_="[]", satisfies="i > 1"), False),
        (boxed("some", "i", in_="[1, null]", satisfies="i > 1"), None),
        (boxed("some", "i", in_="[null, 2]", satisfies="i > 1"), True),
        (boxed("every", "i", in_="[]", satisfies="false"), True),
        (boxed("every", "i", in_="[1, 2]", satisfies="i > 1"), False),
        (boxed("every", "i", in_="null", satisfies="true"), None),
        (f"<list>{literal('1')}<list>{literal('2')}</list></list>", [1, [2]]),
        ("<list/>", []),
    ],
)
def test_boxed_expressions_mean_what_their_text_means(logic: str, expected: Any) -> None:
    assert value(models(main=decision("d", logic)), "d") == expected


TABLE = """<decisionTable hitPolicy="{policy}"{more}>
<input><inputExpression typeRef="number"><text>n</text></inputExpression></input>
<output name="a" typeRef="{kind}">{values}</output>
{rules}</decisionTable>"""


def table(policy: str, *rules: tuple[str, str], kind: str = "number", values: str = "", more: str = "") -> str:
    entry = "<rule><inputEntry><text>{0}</text></inputEntry><outputEntry><text>{1}</text></outputEntry></rule>"
    escaped = [(when.replace("<", "&lt;"), then) for when, then in rules]
    body = "".join(entry.format(*rule) for rule in escaped)
    logic = TABLE.format(policy=policy, more=more, kind=kind, values=values, rules=body)
    return given("n", "number") + decision("d", logic, "i_n")


VALUES = "<outputValues><text>3, 2, 1</text></outputValues>"
ROWS = (("< 10", "1"), ("< 20", "2"), ("< 30", "3"), ("< 40", "2"))


@pytest.mark.parametrize(
    ("logic", "number", "expected"),
    [
        (table("UNIQUE", ("< 10", "1"), (">= 10", "2")), 5, 1),
        (table("UNIQUE", *ROWS), 5, None),
        (table("UNIQUE", *ROWS), 50, None),
        (table("FIRST", *ROWS), 15, 2),
        (table("ANY", ("< 10", "1"), ("< 20", "1")), 5, 1),
        (table("ANY", ("< 10", "1"), ("< 20", "2")), 5, None),
        (table("PRIORITY", *ROWS, values=VALUES), 5, 3),
        (table("OUTPUT ORDER", *ROWS, values=VALUES), 5, [3, 2, 2, 1]),
        (table("RULE ORDER", *ROWS), 5, [1, 2, 3, 2]),
        (table("COLLECT", *ROWS), 25, [3, 2]),
        (table("COLLECT", *ROWS), 50, []),
        (table("COLLECT", *ROWS, more=' aggregation="SUM"'), 5, 8),
        (table("COLLECT", *ROWS, more=' aggregation="MIN"'), 15, 2),
        (table("COLLECT", *ROWS, more=' aggregation="MAX"'), 5, 3),
        (table("COLLECT", *ROWS, more=' aggregation="COUNT"'), 5, 3),
        (table("COLLECT", *ROWS, more=' aggregation="COUNT"'), 50, 0),
        (table("COLLECT", *ROWS, more=' aggregation="SUM"'), 50, None),
        (table("COLLECT", ("-", '"a"'), ("-", '"b"'), kind="string", more=' aggregation="MAX"'), 5, "b"),
        (table("UNIQUE", ("< 10", "[1]")), 5, 1),
        (table("UNIQUE", ("< 10", '"a"')), 5, None),
        (table("UNIQUE", values="<defaultOutputEntry><text>7</text></defaultOutputEntry>"), 5, 7),
        (table("UNIQUE", ("null", "1"), ("not(null)", "2")), None, 1),
        (table("UNIQUE", ("not(< 10)", "1")), 15, 1),
        (table("UNIQUE", ("? > 10 and ? < 20", "1")), 15, 1),
        (table("UNIQUE", ("[1, 15]", "1")), 15, 1),
        (table("UNIQUE", ("1, 15, [20..30]", "1")), 25, 1),
        (table("UNIQUE", ("n", "1")), 25, 1),
        (table("UNIQUE", ("odd(?)", "1")), 25, 1),
        (table("UNIQUE", ("", "1")), 25, 1),
    ],
)
def test_hit_policies(logic: str, number: int | None, expected: Any) -> None:
    assert value(models(main=logic), "d", n=number) == expected

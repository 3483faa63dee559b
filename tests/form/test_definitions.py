"""Reading and checking form files."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from engines import form
from engines.core import DefinitionError, DefinitionSource
from tests.form.shop import CUSTOMER, ORDER, PRODUCT, Names, definitions, read


def check(change: dict[str, Any], *, base: dict[str, Any] = ORDER) -> list[tuple[str, str]]:
    data = {**deepcopy(base), **change}
    names = definitions(CUSTOMER, PRODUCT, ORDER)
    names.found["form"][data["name"]] = read(data)
    return [(d.code, d.pointer) for d in form.validate(names.found["form"][data["name"]], names)]


def with_field(**more: Any) -> dict[str, Any]:
    return {"fields": [*ORDER["fields"], {"name": "extra", "type": "text", **more}]}


AT = f"/fields/{len(ORDER['fields'])}"


def test_the_forms_of_the_tests_are_fine() -> None:
    for base in (CUSTOMER, PRODUCT, ORDER):
        assert check({}, base=base) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (with_field(name="total"), ("form.repeated_name", f"{AT}/name")),
        (with_field(name="owner"), ("form.reserved_name", f"{AT}/name")),
        (with_field(formerly=["net"]), ("form.retired_name", "/fields/8/name")),
        (with_field(type="reference", form="custmer"), ("form.unknown_form", f"{AT}/form")),
        (with_field(type="choice"), ("form.no_options", f"{AT}/type")),
        (with_field(type="choice", option_list="levels"), ("form.unknown_option_list", f"{AT}/option_list")),
        (with_field(type="boolean", unique=True), ("form.cannot_be_unique", f"{AT}/unique")),
        (with_field(type="number", search=True), ("form.cannot_be_searched", f"{AT}/search")),
        (with_field(type="number", min=5, max=1), ("form.empty_range", f"{AT}/min")),
        (with_field(type="lookup", reference="customer", field="nam"), ("form.unknown_field", f"{AT}/field")),
        (with_field(default="totl + 1"), ("feel.unknown_name", f"{AT}/default")),
        (with_field(visible="net + 1"), ("feel.unexpected_type", f"{AT}/visible")),
        (with_field(type="formula", formula="customer.nme", result="text"), ("feel.unknown_entry", f"{AT}/formula")),
        ({"title": "nmber"}, ("form.unknown_field", "/title")),
        (
            {"views": [{"name": "v", "filter": 'upper case(reason) = "A"'}]},
            ("feel.sql_unsupported", "/views/0/filter"),
        ),
        (
            {"permissions": [{"role": "clerk", "operations": ["see"], "rows": 'upper case(reason) = "A"'}]},
            ("feel.sql_unsupported", "/permissions/0/rows"),
        ),
        (with_field(type="formula", formula="upper case(customer.name)", result="text"),
         ("feel.sql_unsupported", f"{AT}/formula")),
        (
            {"relations": [{"name": "r", "form": "product", "field": "name"}]},
            ("form.unknown_reference", "/relations/0/field"),
        ),
        ({"views": [{"name": "v", "columns": ["customer.nam"]}]}, ("form.unknown_field", "/views/0/columns/0")),
        ({"layouts": [{"name": "l", "items": [{"field": "x"}]}]}, ("form.unknown_field", "/layouts/0/items/0/field")),
        ({"views": [{"name": "v", "kind": "kanban"}]}, ("definition.missing_property", "/views/0")),
        ({"views": [{"name": "v", "kind": "kanban", "group": "nmber"}]}, ("form.unknown_field", "/views/0/group")),
        ({"views": [{"name": "v", "kind": "kanban", "group": "number"}]}, ("form.view_field", "/views/0/group")),
        ({"views": [{"name": "v", "kind": "tree", "parent": "customer"}]}, ("form.view_field", "/views/0/parent")),
        ({"views": [{"name": "v", "group": "customer", "sums": ["number"]}]}, ("form.view_field", "/views/0/sums/0")),
        ({"views": [{"name": "v", "start": "created_at"}]}, ("form.view_key", "/views/0/start")),
        (
            {"views": [{"name": "v", "start": "created_at", "done": "total + 1"}]},
            ("feel.unexpected_type", "/views/0/done"),
        ),
        ({"permissions": []}, ("form.no_rights", "/name")),
        ({"permissions": [{"role": "boss", "operations": ["see"]}]}, ("form.unknown_role", "/permissions/0/role")),
        (
            {"permissions": [{"role": "clerk", "operations": ["edit"]}, {"role": "manager", "operations": ["see"]}]},
            ("form.blind_operation", "/permissions/0/operations"),
        ),
        ({"public": {"layout": "edit"}}, ("form.unknown_layout", "/public/layout")),
    ],
)  # fmt: skip
def test_a_broken_form_is_told_with_its_place(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in check(change)


def test_all_problems_are_told_at_once() -> None:
    change = {"title": "nmber", **with_field(type="boolean", unique=True, default='"x"')}
    assert {code for code, _ in check(change)} >= {
        "form.unknown_field",
        "form.cannot_be_unique",
        "feel.unexpected_type",
    }


def test_a_formula_cycle_names_its_chain() -> None:
    fields = [*CUSTOMER["fields"]]
    for name, formula in (("first", "second + 1"), ("second", "third * 2"), ("third", "first")):
        fields.append({"name": name, "type": "formula", "formula": formula, "result": "number"})
    names = definitions({**CUSTOMER, "fields": fields}, PRODUCT, ORDER)
    found = [d for d in form.validate(names.found["form"]["customer"], names) if d.code == "form.formula_cycle"]
    assert [d.found for d in found] == ["first → second → third → first"]
    with pytest.raises(DefinitionError):
        form.compile(names.found["form"]["customer"], names, app="shop")


def test_a_problem_within_an_expression_is_placed_at_the_token() -> None:
    data = {
        "name": "a",
        "fields": [{"name": "x", "type": "number"}, {"name": "y", "type": "text", "visible": "x >\n zz"}],
    }
    definition = read(data)
    problems = form.validate(definition, Names({"form": {"a": definition}}))
    (found,) = [d for d in problems if d.code == "feel.unknown_name"]
    line = definition.source.text.split("\n")[found.line - 1]
    assert line[found.column - 1 :].startswith("zz")


def test_a_wrong_key_of_a_type_is_found_by_the_schema() -> None:
    text = json.dumps({"name": "a", "fields": [{"name": "x", "type": "number", "curency": "CNY"}]})
    loaded = form.load(DefinitionSource(file="a.form.json", text=text))
    assert [(d.code, d.pointer) for d in loaded.diagnostics] == [("definition.unknown_property", "/fields/0/curency")]


def test_every_message_stands_in_both_languages() -> None:
    from engines.core import MessageCatalogue

    catalogue = MessageCatalogue([form.MESSAGES])
    assert catalogue.codes("en") == catalogue.codes("zh")


def test_the_published_schemas_are_those_of_the_registry() -> None:
    from engines.form.schema_file import FOLDER, texts

    for name, text in texts().items():
        assert (FOLDER / name).read_text("utf-8") == text

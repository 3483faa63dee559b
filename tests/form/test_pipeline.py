"""The one way in: coercion, defaults, formulas, visibility, constraints."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engines import form
from tests.form.shop import CUSTOMER, ORDER, PRODUCT, compiled, context

FORMS = compiled(CUSTOMER, PRODUCT, ORDER)
RICH = {"id": UUID(int=1), "limit": Decimal(1000), "level": "s"}


def run(values: dict[str, Any], current: dict[str, Any] | None = None, **more: Any) -> form.FormResult:
    given = form.FormInput(values=values, current=current, context=context(), references={"customer": RICH}, **more)
    return form.run(FORMS["shop.order"], given)


def codes(result: form.FormResult) -> list[tuple[str, str]]:
    return [(p.pointer, p.code) for p in result.problems if p.severity == "error"]


def order(**values: Any) -> dict[str, Any]:
    return {"customer": str(RICH["id"]), "lines": [{"quantity": "2", "price": "12.50"}], **values}


def test_values_are_coerced_defaults_filled_and_formulas_computed() -> None:
    result = run(order(discount="0.1"))
    assert codes(result) == []
    assert result.values["customer"] == RICH["id"]
    assert result.values["lines"][0]["amount"] == Decimal("25.00")
    assert (result.values["net"], result.values["total"]) == (Decimal("25.00"), Decimal("22.50"))
    assert (result.values["status"], result.values["ordered"]) == ("draft", date(2026, 3, 31))


def test_every_problem_is_told_at_once_with_its_pointer() -> None:
    result = run(
        {"lines": [{"quantity": "1", "price": "x"}, {"quantity": 0, "price": 1, "colour": 1}], "sum": 1, "discount": 2}
    )
    assert sorted(codes(result)) == [
        ("/customer", "form.required"),
        ("/discount", "form.above_max"),
        ("/lines/0/price", "form.not_number"),
        ("/lines/1/colour", "form.unknown_field"),
        ("/lines/1/quantity", "form.field_constraint"),
        ("/sum", "form.unknown_field"),
    ]


def test_a_hidden_field_is_cleared_and_not_required() -> None:
    assert run(order(reason="late")).values["reason"] is None
    lost = run(order(status="lost"))
    assert codes(lost) == [("/reason", "form.required")]
    assert run(order(status="lost", reason="late")).values["reason"] == "late"


def test_a_constraint_may_read_the_record_a_reference_points_to() -> None:
    result = run(order(lines=[{"quantity": 1, "price": 2000}]))
    (problem,) = (p for p in result.problems if p.severity == "error")
    assert (problem.pointer, problem.code, problem.text["en"]) == ("/lines", "form.constraint", "above the limit")


def test_a_warning_does_not_refuse() -> None:
    result = run(order(lines=[{"quantity": 1, "price": 1}]))
    assert result.ok
    assert [(p.code, p.severity) for p in result.problems] == [("form.constraint", "warning")]


def test_an_update_keeps_what_was_not_sent() -> None:
    current = {**run(order(discount="0.5")).values, "id": UUID(int=9)}
    result = run({"status": "paid"}, current)
    assert result.values["discount"] == Decimal("0.5")
    assert result.values["total"] == Decimal("12.50")


def test_rows_keep_their_ids_and_unsent_cells() -> None:
    key = UUID(int=5)
    current = {**run(order()).values}
    current["lines"][0]["id"] = key
    result = run({"lines": [{"id": str(key), "quantity": 3}, {"price": 1}]}, current)
    assert codes(result) == []
    assert [row["amount"] for row in result.values["lines"]] == [Decimal("37.50"), Decimal("1.00")]


def test_a_row_that_does_not_exist_is_refused() -> None:
    assert ("/lines/0", "form.unknown_row") in codes(
        run({"lines": [{"id": str(UUID(int=7))}]}, dict(run(order()).values))
    )


@pytest.mark.parametrize("value", ["1.005", Decimal("0.001")])
def test_a_number_with_too_many_decimals_is_refused_not_rounded(value: Any) -> None:
    assert ("/lines/0/price", "form.too_precise") in codes(run(order(lines=[{"quantity": 1, "price": value}])))


def test_fields_that_may_not_be_written_are_refused() -> None:
    lines = [name for name in FORMS["shop.order"].rights_names() if name.partition(".")[0] == "lines"]
    result = run(order(status="paid"), writable=frozenset({"customer", *lines}))
    assert codes(result) == [("/status", "form.not_writable")]


def test_the_compiled_schema_accepts_what_the_pipeline_accepts() -> None:
    import jsonschema

    schema = FORMS["shop.order"].json_schema
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {"customer": str(RICH["id"]), "lines": [{"quantity": 2, "price": 12.5}]}
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(good)) == []
    bad = jsonschema.Draft202012Validator(schema).iter_errors({"lines": [{"quantity": 2, "colour": 1}]})
    assert {e.validator for e in bad} == {"required", "additionalProperties"}

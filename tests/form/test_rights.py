"""Who may see and do what: decided in the query, denied unless allowed."""

from __future__ import annotations

from typing import Any

import pytest

from engines import form
from engines.core import AccessDenied, InputError, Principal, PrincipalKind
from engines.form import ListQuery, SortDefinition
from tests.form.shop import ANNA, BEN, MANAGER, NORTH, SOUTH, Shop, person

SELLER = person("seller", ANNA)
CLERK = person("clerk", BEN, NORTH)
NOBODY = Principal(kind=PrincipalKind.PERSON, id=BEN)
PUBLIC = Principal(kind=PrincipalKind.PUBLIC, roles=frozenset({"shop.public"}))


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.customer("A1", owner=ANNA, department=NORTH, limit=100, secret="x")
    shop.customer("B1", owner=BEN, department=NORTH, limit=200, secret="y")
    shop.customer("B2", owner=BEN, department=SOUTH, limit=300)
    return shop


def codes(shop: Shop, who: Principal, **query: Any) -> list[str]:
    page = shop.records(who).page("shop.customer", ListQuery(sort=(SortDefinition(field="code"),), **query))
    return [record["code"] for record in page.records]


def test_each_role_sees_its_rows(filled: Shop) -> None:
    assert codes(filled, MANAGER) == ["A1", "B1", "B2"]
    assert codes(filled, SELLER) == ["A1"]
    assert codes(filled, CLERK) == ["A1", "B1"]


@pytest.mark.parametrize("who", [NOBODY, PUBLIC, Principal(kind=PrincipalKind.APP, roles=frozenset({"other.app"}))])
def test_who_has_no_role_may_do_nothing(filled: Shop, who: Principal) -> None:
    records = filled.records(who)
    key = filled.records().page("shop.customer", ListQuery()).records[0].id
    for call in (
        lambda: records.page("shop.customer", ListQuery()),
        lambda: records.count("shop.customer", ListQuery()),
        lambda: records.create("shop.customer", {"code": "Z", "name": "Z"}),
        lambda: records.create_many("shop.customer", [{"code": "Z", "name": "Z"}]),
        lambda: records.update("shop.customer", key, {"name": "Z"}),
        lambda: records.delete("shop.customer", key),
        lambda: records.restore("shop.customer", key),
    ):
        with pytest.raises(AccessDenied):
            call()
    assert records.get("shop.customer", key) is None
    assert records.get_many("shop.customer", [key]) == []
    assert records.history("shop.customer", key) == []
    assert records.search("Customer") == []
    assert not records.may("shop.customer", "see")


def test_hidden_masked_and_read_only_fields(filled: Shop) -> None:
    (mine,) = filled.records(SELLER).page("shop.customer", ListQuery()).records
    assert ("secret" in mine.values, mine["limit"]) == (False, 100)
    seen = filled.records(CLERK).page("shop.customer", ListQuery()).records[0]
    assert (seen["limit"], seen.masked, "secret" in seen.values) == (form.MASK, {"limit"}, False)
    with pytest.raises(InputError) as caught:
        filled.records(SELLER).update("shop.customer", mine.id, {"limit": 5, "secret": "z"})
    assert sorted((p.pointer, p.code) for p in caught.value.problems) == [
        ("/limit", "form.not_writable"),
        ("/secret", "form.not_writable"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "limit > 150"},
        {"filter": {"field": "limit", "op": ">", "value": 150}},
        {"sort": (SortDefinition(field="limit"),)},
        {"filter": 'secret = "x"'},
    ],
)
def test_what_may_not_be_read_can_be_neither_filtered_nor_sorted_by(filled: Shop, query: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        filled.records(CLERK).page("shop.customer", ListQuery(**query))


def test_a_record_of_somebody_else_can_be_neither_changed_nor_deleted(filled: Shop) -> None:
    others = filled.records(MANAGER).page("shop.customer", ListQuery(filter='code = "B1"')).records[0]
    for call in (
        lambda: filled.records(SELLER).update("shop.customer", others.id, {"name": "mine"}),
        lambda: filled.records(SELLER).delete("shop.customer", others.id),
        lambda: filled.records(CLERK).update("shop.customer", others.id, {"name": "mine"}),
    ):
        with pytest.raises(AccessDenied):
            call()


def test_a_new_record_must_meet_the_rows_of_a_right_to_create(filled: Shop) -> None:
    assert filled.records(SELLER).create("shop.customer", {"code": "N1", "name": "N"}).record["code"] == "N1"
    with pytest.raises(AccessDenied):
        filled.records(SELLER).create("shop.customer", {"code": "N2", "name": "N", "owner": BEN})


def test_a_reference_to_a_record_one_may_not_see_is_as_if_it_were_not_there(filled: Shop) -> None:
    others = filled.records(MANAGER).page("shop.customer", ListQuery(filter='code = "B1"')).records[0]
    with pytest.raises(InputError) as caught:
        filled.records(SELLER).create("shop.order", {"customer": others.id, "lines": []})
    assert ("/customer", "form.unknown_record") in [(p.pointer, p.code) for p in caught.value.problems]
    made = filled.records(MANAGER).create("shop.order", {"customer": others.id, "owner": ANNA, "lines": []})
    seen = filled.records(SELLER).get("shop.order", made.record.id)
    assert seen is not None
    assert "customer" not in seen.titles


def test_a_row_condition_may_look_through_a_reference(filled: Shop) -> None:
    customers = filled.records(MANAGER).page("shop.customer", ListQuery()).records
    filled.records().update("shop.customer", customers[0].id, {"level": "s"})
    for customer in customers:
        filled.records(MANAGER).create("shop.order", {"customer": customer.id, "lines": []})
    assert len(filled.records(CLERK).page("shop.order", ListQuery()).records) == 2


def test_search_finds_neither_hidden_rows_nor_hidden_fields(filled: Shop) -> None:
    assert [hit.title for hit in filled.records(SELLER).search("customer")] == ["Customer A1"]
    assert len(filled.records(MANAGER).search("customer")) == 3


def test_two_roles_together_give_the_better_access_row_by_row(filled: Shop) -> None:
    both = Principal(
        kind=PrincipalKind.PERSON,
        id=ANNA,
        roles=frozenset({"shop.seller", "shop.clerk"}),
        departments=frozenset({NORTH}),
    )
    found = {r["code"]: r for r in filled.records(both).page("shop.customer", ListQuery()).records}
    assert set(found) == {"A1", "B1"}
    assert (found["A1"]["limit"], found["B1"]["limit"]) == (100, form.MASK)


def test_the_past_is_seen_under_the_same_rights(filled: Shop) -> None:
    others = filled.records(MANAGER).page("shop.customer", ListQuery(filter='code = "B2"')).records[0]
    from tests.form.shop import NOW

    assert filled.records(MANAGER).as_of("shop.customer", others.id, NOW) is not None
    assert filled.records(CLERK).as_of("shop.customer", others.id, NOW) is None

"""Records that mean the same, and keys of other systems."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from engines.core import AccessDenied
from tests.form.shop import ANNA, CUSTOMER, MANAGER, ORDER, PRODUCT, Shop, person

RULES = [{"name": "same_code", "fields": ["code"]}, {"name": "like_name", "fields": ["name"], "match": "fuzzy"}]


@pytest.fixture
def shop(connection: Connection) -> Shop:
    return Shop(connection, {**CUSTOMER, "duplicates": RULES}, PRODUCT, ORDER)


def found(shop: Shop, **values: Any) -> list[tuple[str, str]]:
    return [(hit.rule, hit.title) for hit in shop.records(MANAGER).duplicates("shop.customer", values)]


def test_equal_and_similar_records_are_found(shop: Shop) -> None:
    shop.customer("C1", name="杭州西湖贸易有限公司")
    shop.customer("C2", name="Baker & Sons Ltd")
    assert found(shop, name="杭州西湖贸易公司") == [("like_name", "杭州西湖贸易有限公司")]
    assert found(shop, name="baker and sons ltd") == [("like_name", "Baker & Sons Ltd")]
    assert found(shop, code="c2") == [("same_code", "Baker & Sons Ltd")]
    assert found(shop, name="Something else") == []


def test_duplicates_that_may_not_be_seen_are_not_told(shop: Shop) -> None:
    shop.customer("C1", name="Baker & Sons")
    hits = shop.records(person("seller", ANNA)).duplicates("shop.customer", {"name": "Baker & Sons"})
    assert hits == []


def test_merging_moves_everything_and_keeps_the_rest_in_the_bin(shop: Shop) -> None:
    keep, gone = shop.customer("C1", limit=10_000), shop.customer("C2", limit=10_000)
    records = shop.records(MANAGER)
    records.keys.add("shop.customer", "erp", {"77": gone})
    orders = [
        records.create("shop.order", {"customer": who, "status": "paid", "lines": [{"price": 100}]}).record.id
        for who in (keep, gone)
    ]
    change = records.merge("shop.customer", keep, [gone, keep], {"name": "Both"})
    assert [records.get("shop.order", key)["customer"] for key in orders] == [keep, keep]
    merged = records.get("shop.customer", keep)
    assert merged is not None
    assert (merged["name"], merged["spent"], merged["orders_count"]) == ("Both", 200, 2)
    assert records.get("shop.customer", gone) is None
    assert records.keys.find("shop.customer", "erp", ["77"]) == {"77": keep}
    assert {event.type for event in change.events} >= {"record.updated", "record.deleted"}
    assert records.history("shop.order", orders[1])[0].changes[0].field == "customer"


def test_merging_needs_the_right_to_delete_the_others(shop: Shop) -> None:
    keep, gone = shop.customer("C1", owner=ANNA), shop.customer("C2", owner=ANNA)
    with pytest.raises(AccessDenied):
        shop.records(person("seller", ANNA)).merge("shop.customer", keep, [gone])
    assert shop.records(MANAGER).get("shop.customer", gone) is not None


def test_an_external_key_finds_its_record_again(shop: Shop) -> None:
    records = shop.records(MANAGER)
    first = records.upsert("shop.customer", "erp", "4711", {"code": "X", "name": "Old"})
    second = records.upsert("shop.customer", "erp", "4711", {"name": "New"})
    assert (first.record.id, second.record["name"]) == (second.record.id, "New")
    assert records.upsert("shop.customer", "web", "4711", {"code": "Y", "name": "Other"}).record.id != first.record.id
    assert records.keys.of(first.record.id) == [("erp", "4711")]

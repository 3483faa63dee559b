"""Columns of sub-tables have rights of their own, everywhere that their rows can be met."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from engines import form
from engines.core import InputError
from engines.form import ListQuery
from tests.form.shop import ANNA, BEN, CUSTOMER, MANAGER, ORDER, PRODUCT, Shop, definitions, person, read

SELLER, CLERK, BOTH = person("seller", ANNA), person("clerk", BEN), person("buyer", ANNA)


def app() -> list[dict[str, Any]]:
    """Sellers read prices and cannot write them; clerks see them masked; buyers read those of their own orders."""
    order = deepcopy(ORDER)
    columns = [{"name": "lines.price", "access": "read"}, {"name": "lines.amount", "access": "hidden"}]
    order["permissions"] = [
        {"role": "manager", "operations": ["see", "create", "edit", "delete"]},
        {"role": "seller", "operations": ["see", "create", "edit"], "fields": columns},
        {"role": "clerk", "operations": ["see"], "fields": [{"name": "lines.price", "access": "masked"}]},
        {"role": "buyer", "operations": ["see"], "rows": "owner = me"},
        {"role": "buyer", "operations": ["see"], "fields": [{"name": "lines.price", "access": "hidden"}]},
    ]
    customer = deepcopy(CUSTOMER)
    customer["permissions"] += [{"role": "buyer", "operations": ["see"]}]
    return [customer, PRODUCT, order]


@pytest.fixture
def shop(connection: Connection) -> Shop:
    return Shop(connection, *app())


@pytest.fixture
def orders(shop: Shop) -> list[UUID]:
    """One of Anna's and one of Ben's, each with a line at 30."""
    records, customer = shop.records(), shop.customer(limit=1000)
    line = {"quantity": 2, "price": 30}
    made = [records.create("shop.order", {"customer": customer, "owner": o, "lines": [line]}) for o in (ANNA, BEN)]
    return [change.record.id for change in made]


def rows(shop: Shop, who: Any, id: UUID) -> list[dict[str, Any]]:
    record = shop.records(who).get("shop.order", id)
    assert record is not None
    return [{name: row[name] for name in row if name in ("price", "amount")} for row in record["lines"]]


def test_each_role_reads_the_columns_it_may(shop: Shop, orders: list[UUID]) -> None:
    assert rows(shop, MANAGER, orders[0]) == [{"price": 30, "amount": 60}]
    assert rows(shop, SELLER, orders[0]) == [{"price": 30}]
    assert rows(shop, CLERK, orders[0]) == [{"price": form.MASK, "amount": 60}]


def test_a_column_may_be_open_in_some_records_and_closed_in_others(shop: Shop, orders: list[UUID]) -> None:
    assert [rows(shop, BOTH, id) for id in orders] == [[{"price": 30, "amount": 60}], [{"amount": 60}]]
    page = shop.records(BOTH).page("shop.order", ListQuery(filter="max(lines.price) = 30"))
    assert [record.id for record in page.records] == orders[:1]


def test_nothing_is_filtered_computed_or_told_by_a_closed_column(shop: Shop, orders: list[UUID]) -> None:
    with pytest.raises(InputError):
        shop.records(CLERK).page("shop.order", ListQuery(filter="max(lines.price) = 30"))
    assert shop.records(CLERK).rows("shop.order", orders, "lines", ["price", "quantity"])[orders[0]] == [
        {"quantity": 2}
    ]
    (record,) = shop.records(SELLER).get_many("shop.order", orders[:1])
    assert record["total"] == 60


def test_history_leaves_closed_columns_out(shop: Shop, orders: list[UUID]) -> None:
    line = shop.records().get("shop.order", orders[0])["lines"][0]  # type: ignore[index]
    shop.records().update("shop.order", orders[0], {"lines": [{"id": line["id"], "price": 40, "quantity": 3}]})

    def told(who: Any) -> list[dict[str, Any]]:
        changes = shop.records(who).history("shop.order", orders[0])[0].changes
        return [{n: c.after[n] for n in ("price", "quantity") if n in c.after} for c in changes if "/" in c.field]

    assert told(MANAGER) == [{"price": 40, "quantity": 3}]
    assert told(CLERK) == [{"quantity": 3}]
    assert told(SELLER) == [{"price": 40, "quantity": 3}]


def test_a_closed_column_is_neither_written_nor_lost(shop: Shop, orders: list[UUID]) -> None:
    line = shop.records().get("shop.order", orders[0])["lines"][0]  # type: ignore[index]
    seller = shop.records(SELLER)
    with pytest.raises(InputError) as caught:
        seller.update("shop.order", orders[0], {"lines": [{"id": line["id"], "price": 1, "quantity": 2}]})
    assert [(p.pointer, p.code) for p in caught.value.problems] == [("/lines/0/price", "form.not_writable")]
    change = seller.update("shop.order", orders[0], {"lines": [{"id": line["id"], "quantity": 5}]})
    assert "amount" not in change.record["lines"][0]
    assert rows(shop, MANAGER, orders[0]) == [{"price": 30, "amount": 150}]


def test_a_column_has_at_most_the_access_of_its_table() -> None:
    given = {"role": "seller", "operations": ["see", "edit"]}
    access = [{"name": "lines", "access": "masked"}, {"name": "lines.price", "access": "write"}]
    entry = read({**ORDER, "permissions": [{**given, "fields": access}]}).permissions[0]
    assert (entry.access_to("lines.price"), entry.access_to("lines.quantity")) == ("masked", "masked")


def test_a_column_that_is_not_there_is_found_when_the_form_is_checked() -> None:
    fields = [{"name": "lines.prise", "access": "hidden"}]
    order = {**ORDER, "permissions": [{"role": "seller", "operations": ["see"], "fields": fields}]}
    found = form.validate(read(order), definitions(CUSTOMER, PRODUCT, order, roles=["seller"]))
    assert [(d.code, d.pointer) for d in found if d.code == "form.unknown_field"] == [
        ("form.unknown_field", "/permissions/0/fields/0/name")
    ]

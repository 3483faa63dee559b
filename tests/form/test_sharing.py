"""Single records that somebody shared: open wherever records are met, to nobody else, and not for longer."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from engines.core import AccessDenied, InputError, Principal, PrincipalKind
from engines.form import ListQuery
from tests.form.shop import (
    ANNA,
    BEN,
    CARA,
    CUSTOMER,
    NOW,
    ORDER,
    PRODUCT,
    SHARES,
    Shop,
    person,
    share,
)

SELLER = person("seller", ANNA)
STRANGER = Principal(kind=PrincipalKind.PERSON, id=CARA)


@pytest.fixture
def ids(shop: Shop) -> list[UUID]:
    """Two customers of Ben's."""
    return [shop.customer(code, owner=BEN, limit=500, secret="x") for code in ("B1", "B2")]


@pytest.mark.parametrize("who", [SELLER, STRANGER])
def test_a_shared_record_is_seen_everywhere_and_no_other(shop: Shop, ids: list[UUID], who: Principal) -> None:
    given = share(shop.connection, "shop.customer", ids[0], who, "see")
    records = shop.records(given)
    assert [r.id for r in records.page("shop.customer", ListQuery()).records] == ids[:1]
    assert records.count("shop.customer", ListQuery()).value == 1
    assert records.get("shop.customer", ids[0]) is not None
    assert records.get("shop.customer", ids[1]) is None
    assert [hit.id for hit in records.search("Customer")] == ids[:1]
    assert records.history("shop.customer", ids[0])
    assert records.history("shop.customer", ids[1]) == []
    assert set(records.values("shop.customer", ids, ["code"])) == {ids[0]}
    source = records.source("shop.customer")
    found = shop.connection.execute(source.selectable.select().where(source.visible_rows())).all()
    assert len(found) == 1


def test_what_a_share_opens_is_what_everybody_may_read(shop: Shop, ids: list[UUID]) -> None:
    given = share(shop.connection, "shop.customer", ids[0], STRANGER, "see")
    record = shop.records(given).get("shop.customer", ids[0])
    assert record is not None
    assert record.masked == {"limit"}
    assert "secret" not in record.values
    assert record["code"] == "B1"


def test_a_share_for_seeing_changes_nothing(shop: Shop, ids: list[UUID]) -> None:
    records = shop.records(share(shop.connection, "shop.customer", ids[0], STRANGER, "see"))
    for call in (
        lambda: records.update("shop.customer", ids[0], {"name": "mine"}),
        lambda: records.delete("shop.customer", ids[0]),
        lambda: records.create("shop.customer", {"code": "Z", "name": "Z"}),
        lambda: records.create_many("shop.customer", [{"code": "Z", "name": "Z"}]),
    ):
        with pytest.raises(AccessDenied):
            call()
    allowed = {op for op in ("see", "edit", "delete", "comment", "print", "export", "share", "import", "create")
               if records.may("shop.customer", op, ids[0])}  # fmt: skip
    assert allowed == {"see", "comment", "print"}


def test_a_share_for_editing_writes_what_everybody_who_edits_may_write(shop: Shop, ids: list[UUID]) -> None:
    records = shop.records(share(shop.connection, "shop.customer", ids[0], STRANGER, "edit"))
    assert records.update("shop.customer", ids[0], {"name": "Better"}).record["name"] == "Better"
    with pytest.raises(InputError) as caught:
        records.update("shop.customer", ids[0], {"limit": 1, "secret": "y", "owner": CARA})
    assert {p.pointer for p in caught.value.problems} == {"/limit", "/secret", "/owner"}
    for call in (
        lambda: records.update("shop.customer", ids[1], {"name": "mine"}),
        lambda: records.delete("shop.customer", ids[0]),
    ):
        with pytest.raises(AccessDenied):
            call()


def test_a_share_ends_on_its_day_and_when_it_is_taken_back(shop: Shop, ids: list[UUID]) -> None:
    given = share(shop.connection, "shop.customer", ids[0], STRANGER, "see", NOW + timedelta(days=1))
    assert shop.records(given).get("shop.customer", ids[0]) is not None
    assert shop.records(given, now=NOW + timedelta(days=2)).get("shop.customer", ids[0]) is None
    shop.connection.execute(SHARES.update().values(revoked_at=NOW))
    assert shop.records(given).get("shop.customer", ids[0]) is None
    assert shop.records(given).page("shop.customer", ListQuery()).records == ()


def test_a_share_with_one_opens_nothing_to_another(shop: Shop, ids: list[UUID]) -> None:
    share(shop.connection, "shop.customer", ids[0], STRANGER, "see")
    other = share(shop.connection, "shop.customer", ids[1], SELLER, "see")
    assert [r.id for r in shop.records(other).page("shop.customer", ListQuery()).records] == ids[1:]


def test_the_name_of_a_shared_record_is_told_where_something_points_to_it(shop: Shop, ids: list[UUID]) -> None:
    orders = [shop.records().create("shop.order", {"customer": id, "owner": ANNA, "lines": []}) for id in ids]
    given = share(shop.connection, "shop.customer", ids[0], SELLER, "see")
    records = shop.records(given).page("shop.order", ListQuery()).records
    assert {r["customer"]: r.titles.get("customer") for r in records} == {ids[0]: "Customer B1", ids[1]: None}
    assert len(orders) == 2


def test_search_still_looks_at_all_that_one_may_read(shop: Shop, ids: list[UUID]) -> None:
    """A share that shows less of one record takes nothing away from a search in one's own."""
    own = deepcopy(CUSTOMER)
    own["fields"][5]["search"] = True
    own["permissions"][1]["fields"] = []
    second = Shop(shop.connection, {**own, "name": "client"}, PRODUCT, {**ORDER, "fields": [
        {**f, "form": "client"} if f["name"] == "customer" else f for f in ORDER["fields"]]})  # fmt: skip
    records = second.records()
    mine = records.create("shop.client", {"code": "M", "name": "Mine", "secret": "pearl", "owner": ANNA}).record.id
    shared = records.create("shop.client", {"code": "S", "name": "Theirs", "secret": "pearl", "owner": BEN}).record.id
    given = share(shop.connection, "shop.client", shared, SELLER, "see")
    assert {hit.id for hit in second.records(given).search("pearl", ["shop.client"])} == {mine}
    assert {hit.id for hit in second.records(given).search("Theirs", ["shop.client"])} == {shared}


def test_a_form_may_say_what_sharing_opens(connection: Connection) -> None:
    stated: dict[str, Any] = {"role": "shared", "operations": ["see", "edit", "delete"],
                              "fields": [{"name": "code", "access": "read"}]}  # fmt: skip
    shop = Shop(connection, {**CUSTOMER, "permissions": [*CUSTOMER["permissions"], stated]}, PRODUCT, ORDER)
    id = shop.customer("B1", owner=BEN, secret="x")
    records = shop.records(share(connection, "shop.customer", id, STRANGER, "edit"))
    assert records.get("shop.customer", id)["secret"] == "x"  # type: ignore[index]
    assert records.update("shop.customer", id, {"secret": "y"}).record["secret"] == "y"
    with pytest.raises(InputError):
        records.update("shop.customer", id, {"code": "Z"})
    with pytest.raises(AccessDenied):
        records.delete("shop.customer", id)

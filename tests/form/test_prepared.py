"""Statements are made once for all who hold the same roles; each is served under their own rights and at their time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from engines.core import Principal
from engines.feel import Budget, EvaluationContext
from engines.form import ListQuery, Records, SortDefinition
from engines.form.records.loading import load_stored
from tests.form.shop import ANNA, BEN, MANAGER, NORTH, NOW, SOUTH, Shop, person

ORDER = "shop.order"
BY_CODE = (SortDefinition(field="code"),)
SELLERS = [person("seller", ANNA), person("seller", BEN)]


@pytest.fixture
def shop(connection: Connection) -> Shop:
    """Each seller has a customer with an order."""
    shop = Shop(connection)
    for code, who in (("A", ANNA), ("B", BEN)):
        customer = shop.customer(code, owner=who, level="b", department=NORTH if code == "A" else SOUTH)
        lines = [{"price": 20, "quantity": 1}]
        values = {"customer": customer, "owner": who, "lines": lines, "ordered": date(2026, 3, 30)}
        shop.records().create("shop.order", values)
    return shop


def one(shop: Shop, name: str, who: Principal) -> UUID:
    """The only record that somebody sees."""
    (found,) = shop.records(who).page(name, ListQuery()).records
    return found.id


def listed(records: Records, **query: Any) -> list[Any]:
    return [record.id for record in records.page("shop.order", ListQuery(**query)).records]


# What somebody asks who sees the order ``mine`` and not ``other``, and what the answer must be.
OPERATIONS: dict[str, tuple[Callable[[Records, UUID, UUID], Any], Callable[[UUID], Any]]] = {
    "get": (
        lambda records, mine, other: [found and found.id for id in (mine, other) if [found := records.get(ORDER, id)]],
        lambda mine: [mine, None],
    ),
    "get_many": (
        lambda records, mine, other: [record.id for record in records.get_many(ORDER, [other, mine])],
        lambda mine: [mine],
    ),
    "page": (lambda records, mine, other: listed(records, view="all"), lambda mine: [mine]),
    "filtered": (lambda records, mine, other: listed(records, filter="customer.owner = me"), lambda mine: [mine]),
    "count": (lambda records, mine, other: records.count(ORDER, ListQuery()).value, lambda mine: 1),
    "may": (lambda records, mine, other: [records.may(ORDER, "edit", id) for id in (mine, other)], lambda _: [1, 0]),
    "titles": (lambda records, mine, other: list(records.get(ORDER, mine).titles), lambda mine: ["customer"]),
    "update": (lambda records, mine, other: records.update(ORDER, mine, {}).record.id, lambda mine: mine),
}


@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_a_statement_made_for_one_serves_the_other_under_their_own_rights(shop: Shop, operation: str) -> None:
    run, wanted = OPERATIONS[operation]
    orders = [one(shop, ORDER, who) for who in SELLERS]
    counts = []
    for turn in (0, 1, 0):
        mine, other = orders[turn], orders[1 - turn]
        assert run(shop.records(SELLERS[turn]), mine, other) == wanted(mine)
        counts.append(len(shop.forms.statements))
    assert counts[0] == counts[1] == counts[2], "the second and third time nothing is made"


def test_departments_of_any_number_are_served(shop: Shop) -> None:
    north, south, both, none = (person("clerk", ANNA, *d) for d in ((NORTH,), (SOUTH,), (NORTH, SOUTH), ()))
    names = [[r["code"] for r in shop.records(who).page("shop.customer", ListQuery(sort=BY_CODE)).records]
             for who in (north, south, both, none, south)]  # fmt: skip
    assert names == [["A"], ["B"], ["A", "B"], [], ["B"]]


def test_a_live_value_is_that_of_the_day_on_which_it_is_read(shop: Shop) -> None:
    id = one(shop, ORDER, SELLERS[0])
    ages = []
    for days in (0, 10, 0):
        records = shop.records(SELLERS[0], now=NOW + timedelta(days=days))
        page = records.page("shop.order", ListQuery(filter="ordered < today()", sort=(SortDefinition(field="age"),)))
        ages.append((records.get("shop.order", id)["age"], page.records[0]["age"]))
    assert ages == [(1, 1), (11, 11), (1, 1)]


def test_rights_that_come_with_another_role_are_not_served_by_the_first_ones_statement(shop: Shop) -> None:
    id = one(shop, "shop.customer", SELLERS[0])
    assert "secret" not in shop.records(SELLERS[0]).get("shop.customer", id).values
    assert "secret" in shop.records(MANAGER).get("shop.customer", id).values
    assert "secret" not in shop.records(SELLERS[0]).get("shop.customer", id).values


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_behind_a_cursor_are_made_once(shop: Shop, direction: str) -> None:
    for number in range(12):
        shop.customer(f"N{number:02}", limit=None if number % 4 == 0 else number)
    query = ListQuery(sort=(SortDefinition(field="limit", direction=direction),), limit=3)
    whole = shop.records(MANAGER).page("shop.customer", replace(query, limit=100)).records
    counts = []
    for _ in range(2):
        page = shop.records(MANAGER).page("shop.customer", query)
        found = [*page.records]
        while page.next:
            page = shop.records(MANAGER).page("shop.customer", replace(query, after=page.next))
            found += page.records
        assert [record.id for record in found] == [record.id for record in whole]
        counts.append(len(shop.forms.statements))
    assert counts[0] == counts[1]


def test_queries_without_end_do_not_use_up_what_a_command_may_spend_on_expressions(shop: Shop) -> None:
    many = person("clerk", ANNA, *(UUID(int=key) for key in range(1000, 1200)))
    short = EvaluationContext(now=NOW, zone=ZoneInfo("Asia/Shanghai"), budget=Budget(steps=2_000, seconds=0.02))
    records = Records(shop.connection, shop.forms, many, short)
    for _ in range(100):
        assert records.page("shop.customer", ListQuery()).records == ()
    assert short.budget.steps > 0


def test_no_more_statements_are_kept_than_fit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.form.records.prepared._MOST", 5)
    for number in range(20):
        shop.records(SELLERS[0]).page("shop.customer", ListQuery(filter=f"limit = {number}"))
    assert len(shop.forms.statements) == 5


def test_what_a_write_tells_is_what_the_database_would_give(shop: Shop) -> None:
    """A rule sees a record that was just written without asking for it; the values are those of its row."""
    fields = frozenset("code name level limit birthday tags secret owner updated_at orders nothing".split())
    written = shop.records(MANAGER).create(
        "shop.customer",
        {"code": "C", "name": "Chan", "limit": 7, "birthday": date(2020, 2, 29), "tags": ["x", "y"], "owner": ANNA},
    )
    stored = written.events[0].payload["after"]
    found = shop.records(MANAGER).values("shop.customer", [written.record.id], fields)[written.record.id]
    known = shop.records(MANAGER).known("shop.customer", stored, fields)
    assert known is not None
    assert known == found
    assert {n: str(v) for n, v in known.items()} == {n: str(v) for n, v in found.items()}, (
        "decimals with all their places"
    )


@pytest.mark.parametrize(
    ("who", "form", "field", "more"),
    [
        pytest.param(person("seller", ANNA), "shop.customer", "code", {}, id="rights by row"),
        pytest.param(MANAGER, "shop.order", "age", {}, id="worked out in the query"),
        pytest.param(MANAGER, "shop.customer", "code", {"deleted_at": NOW}, id="in the bin"),
        pytest.param(person("nobody"), "shop.customer", "code", {}, id="no rights"),
    ],
)
def test_where_only_the_database_can_tell_it_is_asked(
    shop: Shop, who: Principal, form: str, field: str, more: dict[str, Any]
) -> None:
    id = one(shop, form, SELLERS[0])
    stored = load_stored(shop.records().world, shop.forms[form], [id])[id]
    assert shop.records(who).known(form, {**stored, **more}, frozenset([field])) is None


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_ids_of_any_number_are_found(shop: Shop, count: int) -> None:
    made = [shop.customer(f"X{n}", owner=ANNA) for n in range(count)]
    records = shop.records(MANAGER)
    assert [r.id for r in records.get_many("shop.customer", made)] == made
    assert records.values("shop.customer", made, ["code"]).keys() == set(made)
    assert records.names(made[:1], made) == {}

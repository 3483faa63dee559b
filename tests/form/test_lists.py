"""Lists: filters, order, pages, counts, search."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engines import form
from engines.core import InputError
from engines.form import ListQuery, SortDefinition
from tests.form.shop import ANNA, MANAGER, NOW, Shop, person

LEVELS = ["s", "a", "b"]


@pytest.fixture
def filled(shop: Shop) -> Shop:
    rows = [
        {
            "code": f"C{n:02}",
            "name": ["张三", "李四", "Zeta", "alpha", "王五贸易公司"][n % 5],
            "level": LEVELS[n % 3],
            "limit": None if n % 4 == 3 else (n * 7) % 5 * 100,
            "birthday": date(2026, 3, 1) + timedelta(days=n * 3) if n % 2 else None,
            "tags": ["new", "big"] if n % 3 == 0 else None,
        }
        for n in range(20)
    ]
    assert not shop.records(MANAGER).create_many("shop.customer", rows).problems
    return shop


def pages(shop: Shop, size: int = 3, **query: Any) -> list[form.Record]:
    found: list[form.Record] = []
    after = None
    for _ in range(100):
        page = shop.records(MANAGER).page("shop.customer", ListQuery(limit=size, after=after, **query))
        found += page.records
        after = page.next
        if after is None:
            return found
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    "field", ["limit", "birthday", "level", "name", "code", "created_at", "big", "spent", "updated_at"]
)
def test_pages_hold_every_record_once_and_in_order(filled: Shop, field: str, direction: str) -> None:
    sort = (SortDefinition(field=field, direction=direction),)
    everything = filled.records(MANAGER).page("shop.customer", ListQuery(sort=sort, limit=100)).records
    turned = pages(filled, sort=sort)
    assert [r.id for r in turned] == [r.id for r in everything]
    assert len({r.id for r in turned}) == 20
    nulls = [r.get(field) is None for r in everything]
    assert nulls == sorted(nulls, reverse=direction == "asc"), "nulls are lowest"


def test_several_keys_sort_one_after_the_other(filled: Shop) -> None:
    sort = (SortDefinition(field="level"), SortDefinition(field="limit", direction="desc"))
    found = [(r["level"], -1 if r["limit"] is None else r["limit"]) for r in pages(filled, sort=sort)]
    assert found == sorted(found, key=lambda item: (item[0], -item[1]))


def test_chinese_and_latin_names_sort_together_by_pinyin(filled: Shop) -> None:
    names = [r["name"] for r in pages(filled, size=7, sort=(SortDefinition(field="name"),))]
    assert list(dict.fromkeys(names)) == ["alpha", "李四", "王五贸易公司", "Zeta", "张三"]


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ('level = "s"', 7),
        ("limit = null", 5),
        ("limit != 100", 17),
        ({"field": "level", "op": "in", "value": ["s", "a"]}, 14),
        ({"field": "level", "op": "not_in", "value": ["s", "a"]}, 6),
        ({"field": "limit", "op": "is_empty"}, 5),
        ({"field": "limit", "op": "between", "value": [100, 200]}, 6),
        ({"field": "name", "op": "contains", "value": "贸易"}, 4),
        ({"field": "name", "op": "contains", "value": "lph"}, 4),
        ({"field": "name", "op": "starts_with", "value": "张"}, 4),
        ({"and": [{"field": "level", "op": "=", "value": "s"}, {"not": {"field": "limit", "op": "is_empty"}}]}, 5),
        ({"or": [{"field": "code", "op": "=", "value": "C00"}, {"field": "code", "op": "=", "value": "C01"}]}, 2),
        ({"field": "birthday", "op": "within", "value": "this_month"}, 5),
        ({"field": "birthday", "op": "within", "value": "last_7_days"}, 1),
        ({"field": "created_at", "op": "within", "value": "today"}, 20),
        ({"field": "owner", "op": "=", "value": "$me"}, 20),
        ({"field": "tags", "op": "contains", "value": "big"}, 7),
        ("count(orders) = 0", 20),
    ],
)
def test_filters(filled: Shop, filter: Any, count: int) -> None:
    assert filled.records(MANAGER).count("shop.customer", ListQuery(filter=filter)).value == count


@pytest.mark.parametrize(
    "filter",
    [
        "nonsense +",
        "nothing = 1",
        {"field": "limit", "op": "~", "value": 1},
        {"field": "x"},
        {"field": "limit", "op": "=", "value": "a"},
    ],
)
def test_a_filter_that_makes_no_sense_is_told(filled: Shop, filter: Any) -> None:
    with pytest.raises(InputError) as caught:
        filled.records(MANAGER).page("shop.customer", ListQuery(filter=filter))
    assert caught.value.problems[0].code == "list.bad_filter"


def test_a_quoted_value_never_becomes_an_expression(filled: Shop) -> None:
    evil = {"field": "name", "op": "=", "value": '" or true or "'}
    assert filled.records(MANAGER).count("shop.customer", ListQuery(filter=evil)).value == 0


def test_counts_stop_at_their_cap(filled: Shop) -> None:
    records = filled.records(MANAGER)
    assert records.count("shop.customer", ListQuery(), cap=15) == form.Count(value=15, capped=True)
    assert records.page("shop.customer", ListQuery(count=True)).count == form.Count(value=20)


def test_a_view_gives_columns_filter_and_order(filled: Shop) -> None:
    page = filled.records(MANAGER).page("shop.customer", ListQuery(view="big_ones", limit=100))
    assert set(page.records[0].values) == {"code", "name"}
    assert len(page.records) == 7


def test_a_column_may_lie_behind_a_reference(filled: Shop) -> None:
    customer = filled.records(MANAGER).page("shop.customer", ListQuery(filter='code = "C04"')).records[0]
    filled.records(MANAGER).create("shop.order", {"customer": customer.id, "lines": []})
    (found,) = filled.records(MANAGER).page("shop.order", ListQuery(view="all")).records
    assert (found.values["customer.name"], found.titles["customer"]) == ("王五贸易公司", "王五贸易公司")
    by_name = ListQuery(sort=(SortDefinition(field="customer.name"),))
    assert len(filled.records(MANAGER).page("shop.order", by_name).records) == 1


@pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U", "W10"])
def test_a_broken_cursor_is_told(filled: Shop, cursor: str) -> None:
    if cursor:
        with pytest.raises(InputError) as caught:
            filled.records(MANAGER).page("shop.customer", ListQuery(after=cursor))
        assert caught.value.problems[0].code == "list.bad_cursor"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("贸易", 4),
        ("五贸易公", 4),
        ("王", 4),
        ("司", 4),
        ("公贸", 0),
        ("C1", 10),
        ("alp", 4),
        ("zs", 4),
        ("王五 C04", 1),
        ("%", 0),
    ],
)
def test_search_finds_chinese_within_sentences_words_by_their_beginning_and_names_by_initials(
    filled: Shop, words: str, count: int
) -> None:
    found = filled.records(MANAGER).page("shop.customer", ListQuery(search=words, limit=100))
    assert len(found.records) == count


def test_search_follows_changes(filled: Shop) -> None:
    records = filled.records(MANAGER)
    (found,) = records.page("shop.customer", ListQuery(search="C04")).records
    records.update("shop.customer", found.id, {"name": "新名字"})
    assert [hit.id for hit in records.search("新名")] == [found.id]
    assert len(records.search("贸易")) == 3
    records.delete("shop.customer", found.id)
    assert records.search("新名") == []


def test_values_come_back_as_plain_python(filled: Shop) -> None:
    found = filled.records(MANAGER).page("shop.customer", ListQuery(filter='code = "C01"')).records[0]
    assert (found["limit"], found["birthday"], found.created_at) == (Decimal("200.00"), date(2026, 3, 4), NOW)
    assert found.owner == ANNA
    assert person("manager").id == ANNA


def test_values_that_depend_on_the_day_or_on_other_records_filter_and_sort(shop: Shop) -> None:
    records = shop.records(MANAGER)
    customer = shop.customer(limit=10_000)
    for day in ("2026-03-01", "2026-03-20"):
        records.create("shop.order", {"customer": customer, "ordered": day, "lines": []})

    def ages(**query: Any) -> list[Any]:
        return [r["age"] for r in records.page("shop.order", ListQuery(**query)).records]

    by_age = (SortDefinition(field="age"),)
    assert ages(sort=by_age) == [11, 30]
    assert ages(filter="age > 15") == [30]
    assert ages(filter="age + 1 = 31") == [30]
    assert len(ages(filter='customer_level = "b" and customer.spent = 0')) == 2
    first = records.page("shop.order", ListQuery(sort=by_age, limit=1))
    assert ages(sort=by_age, after=first.next) == [30]
    assert len(records.page("shop.customer", ListQuery(filter="max(orders.age) = 30")).records) == 1

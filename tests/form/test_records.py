"""Writing and reading records: versions, conflicts, history, figures over other records."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from engines import form
from engines.core import AccessDenied, InputError, StateConflict
from tests.form.shop import ANNA, BEN, MANAGER, NOW, PRODUCT, Shop, person

DAY = timedelta(days=1)


def an_order(shop: Shop, customer: UUID, **values: object) -> form.RecordChange:
    data = {"customer": customer, "lines": [{"quantity": 2, "price": "10"}, {"price": "5.50"}], **values}
    return shop.records(MANAGER).create("shop.order", data)


def test_a_record_is_numbered_stored_and_read_with_its_rows(shop: Shop) -> None:
    customer = shop.customer(limit=1000)
    made = an_order(shop, customer)
    assert made.events[0].type == "record.created"
    found = shop.records(MANAGER).get("shop.order", made.record.id)
    assert found is not None
    assert found["number"] == "O-2026-0001"
    assert (found["total"], found["customer"], found.version) == (Decimal("25.50"), customer, 1)
    assert [(row["quantity"], row["amount"]) for row in found["lines"]] == [(2, Decimal("20.00")), (1, Decimal("5.50"))]
    assert found.titles["customer"] == "Customer C1"
    assert found["customer_level"] == "b"
    assert (found.owner, found.created_by) == (ANNA, ANNA)
    assert an_order(shop, customer).record["number"] == "O-2026-0002"


def test_figures_over_other_records_follow_every_write(shop: Shop) -> None:
    customer = shop.customer(limit=10_000)
    records = shop.records(MANAGER)

    def seen() -> tuple[Decimal, Decimal, bool, int]:
        found = records.get("shop.customer", customer)
        assert found is not None
        return found["spent"], found["orders_count"], found["big"], found.version

    assert seen() == (0, 0, False, 1)
    first = an_order(shop, customer, status="paid", lines=[{"price": 800}])
    assert seen() == (800, 1, False, 1)
    second = an_order(shop, customer, status="paid", lines=[{"price": 300}])
    assert seen() == (1100, 2, True, 1)
    records.update("shop.order", second.record.id, {"status": "draft"})
    assert seen() == (800, 2, False, 1)
    records.delete("shop.order", first.record.id)
    assert seen() == (0, 1, False, 1)
    records.restore("shop.order", first.record.id)
    assert seen() == (800, 2, False, 1)


def test_a_figure_that_moves_raises_a_computed_event(shop: Shop) -> None:
    customer = shop.customer(limit=1000)
    events = an_order(shop, customer, status="paid").events
    assert [(e.type, e.subject and e.subject[0], e.payload["computed"]) for e in events] == [
        ("record.created", "shop.order", False),
        ("record.updated", "shop.customer", True),
    ]
    assert set(events[1].payload["changed"]) == {"spent", "orders_count"}
    assert events[1].payload["before"]["spent"] == 0


def test_a_value_that_depends_on_the_day_is_right_every_day(shop: Shop) -> None:
    made = an_order(shop, shop.customer(limit=1000), ordered=date(2026, 3, 1))
    for days in (0, 10):
        found = shop.records(MANAGER, NOW + days * DAY).get("shop.order", made.record.id)
        assert found is not None
        assert found["age"] == 30 + days


def test_a_taken_value_is_told_at_its_field(shop: Shop) -> None:
    shop.customer("C1")
    with pytest.raises(InputError) as caught:
        shop.customer("C1")
    assert [(p.pointer, p.code) for p in caught.value.problems] == [("/code", "form.not_unique")]


def test_a_value_is_free_again_once_its_record_is_deleted(shop: Shop) -> None:
    records = shop.records(MANAGER)
    records.delete("shop.customer", shop.customer("C1"))
    assert shop.customer("C1") is not None


def test_a_reference_to_nothing_is_refused(shop: Shop) -> None:
    with pytest.raises(InputError) as caught:
        an_order(shop, UUID(int=99))
    assert ("/customer", "form.unknown_record") in [(p.pointer, p.code) for p in caught.value.problems]


def test_a_choice_filter_limits_rows_too(shop: Shop) -> None:
    records = shop.records(MANAGER)
    good = records.create("shop.product", {"name": "Bolt"}).record.id
    gone = records.create("shop.product", {"name": "Nut", "active": False}).record.id
    customer = shop.customer(limit=1000)
    with pytest.raises(InputError) as caught:
        an_order(shop, customer, lines=[{"product": good, "price": 1}, {"product": gone, "price": 1}])
    assert [p.pointer for p in caught.value.problems if p.severity == "error"] == ["/lines/1/product"]


class TestConflicts:
    def test_edits_of_different_fields_both_stand(self, shop: Shop) -> None:
        key = shop.customer()
        anna, ben = shop.records(MANAGER), shop.records(person("manager", BEN))
        ben.update("shop.customer", key, {"name": "By Ben", "level": "b"}, base_version=1)
        change = anna.update("shop.customer", key, {"name": "Customer C1", "level": "a"}, base_version=1)
        assert (change.record["name"], change.record["level"], change.record.version) == ("By Ben", "a", 3)

    def test_edits_of_one_field_conflict_and_tell_who_and_what(self, shop: Shop) -> None:
        key = shop.customer()
        shop.records(person("manager", BEN)).update("shop.customer", key, {"name": "By Ben"}, base_version=1)
        with pytest.raises(StateConflict) as caught:
            shop.records(MANAGER).update("shop.customer", key, {"name": "By Anna"}, base_version=1)
        assert (caught.value.code, caught.value.params["by"], caught.value.params["fields"]) == (
            "record.changed",
            BEN,
            ["name"],
        )
        assert caught.value.params["version"] == 2

    def test_the_same_change_twice_is_no_conflict(self, shop: Shop) -> None:
        key = shop.customer()
        for _ in range(2):
            change = shop.records(MANAGER).update("shop.customer", key, {"level": "s"}, base_version=1)
        assert change.record.version == 2

    def test_what_the_system_computes_is_nobodys_conflict(self, shop: Shop) -> None:
        key = shop.customer(limit=1000)
        an_order(shop, key, status="paid")
        assert shop.records(MANAGER).update("shop.customer", key, {"name": "X"}, base_version=1).record.version == 2

    def test_rows_conflict_as_one_field(self, shop: Shop) -> None:
        made = an_order(shop, shop.customer(limit=1000))
        (first, second) = made.record["lines"]
        records = shop.records(MANAGER)
        records.update("shop.order", made.record.id, {"lines": [{**first, "quantity": 3}, second]}, base_version=1)
        with pytest.raises(StateConflict):
            records.update("shop.order", made.record.id, {"lines": [first]}, base_version=1)
        kept = records.update("shop.order", made.record.id, {"discount": "0.1"}, base_version=1).record
        assert [row["quantity"] for row in kept["lines"]] == [3, 1]


class TestHistory:
    def test_it_tells_who_changed_which_field(self, shop: Shop) -> None:
        key = shop.customer()
        shop.records(person("manager", BEN), NOW + DAY).update("shop.customer", key, {"name": "New"})
        newest, oldest = shop.records(MANAGER).history("shop.customer", key)
        assert (newest.kind, newest.by, newest.at, newest.version) == ("updated", BEN, NOW + DAY, 2)
        assert [(c.field, c.before, c.after) for c in newest.changes] == [("name", "Customer C1", "New")]
        assert oldest.kind == "created"

    def test_it_tells_what_happened_to_rows(self, shop: Shop) -> None:
        made = an_order(shop, shop.customer(limit=1000))
        first, second = made.record["lines"]
        records = shop.records(MANAGER, NOW + DAY)
        records.update("shop.order", made.record.id, {"lines": [{**first, "quantity": 5}, {"price": 7}]})
        newest = records.history("shop.order", made.record.id)[0]
        rows = {c.field.split("/")[1]: (c.before, c.after) for c in newest.changes if c.field.startswith("lines/")}
        assert len(rows) == 3
        assert rows[str(first["id"])][1]["quantity"] == 5
        assert rows[str(second["id"])][1] is None

    def test_a_record_can_be_read_as_of_any_day(self, shop: Shop) -> None:
        made = an_order(shop, shop.customer(limit=1000))
        later = shop.records(MANAGER, NOW + DAY)
        later.update("shop.order", made.record.id, {"lines": [{"price": 7}], "status": "paid"})
        shop.records(MANAGER, NOW + 2 * DAY).delete("shop.order", made.record.id)

        def at(days: float) -> form.Record | None:
            return later.as_of("shop.order", made.record.id, NOW + days * DAY)

        assert at(-1) is None
        first, second = at(0.5), at(1.5)
        assert first is not None
        assert second is not None
        assert (first["total"], len(first["lines"]), first["status"]) == (Decimal("25.50"), 2, "draft")
        assert (second["total"], len(second["lines"]), second["status"]) == (Decimal("7.00"), 1, "paid")
        assert at(3) is None

    def test_fields_that_may_not_be_read_are_left_out(self, shop: Shop) -> None:
        key = shop.customer(owner=ANNA, secret="old")
        shop.records().update("shop.customer", key, {"secret": "new", "name": "N"})
        newest = shop.records(person("seller")).history("shop.customer", key)[0]
        assert [c.field for c in newest.changes] == ["name"]
        assert shop.records(person("seller", BEN)).history("shop.customer", key) == []


def test_deleted_records_lie_in_the_bin_until_restored(shop: Shop) -> None:
    key = shop.customer()
    records = shop.records(MANAGER)
    records.delete("shop.customer", key)
    assert records.get("shop.customer", key) is None
    bin_ = records.page("shop.customer", form.ListQuery(deleted=True))
    assert [r.id for r in bin_.records] == [key]
    assert records.restore("shop.customer", key).record.version == 3
    assert records.get("shop.customer", key) is not None
    with pytest.raises(AccessDenied):
        shop.records(person("seller")).delete("shop.customer", key)


class TestBatch:
    def test_many_records_are_made_with_the_checks_of_one(self, shop: Shop) -> None:
        records = shop.records(MANAGER)
        rows = [{"code": f"B{n}", "name": f"Batch {n}"} for n in range(5)]
        rows[1]["code"] = "B0"
        rows[3] = {"name": "no code", "colour": "red"}
        result = records.create_many("shop.customer", rows)
        assert result.created == 3
        told = {row: [(p.pointer, p.code) for p in found] for row, found in result.problems.items()}
        assert told[1] == [("/code", "form.not_unique")]
        assert sorted(told[3]) == [("/code", "form.required"), ("/colour", "form.unknown_field")]
        (event,) = result.events
        assert (event.type, len(event.payload["ids"])) == ("records.batch_created", 3)

    def test_rows_and_figures_are_written_in_one_go(self, shop: Shop) -> None:
        customers = [shop.customer(f"C{n}", limit=10**6) for n in range(3)]
        rows = [
            {"customer": customers[n % 3], "status": "paid", "lines": [{"price": n, "quantity": 2}, {"price": 1}]}
            for n in range(30)
        ]
        result = shop.records(MANAGER).create_many("shop.order", rows)
        assert result.problems == {}
        found = shop.records(MANAGER).get("shop.order", result.ids[7])
        assert found is not None
        assert (found["number"], found["total"]) == ("O-2026-0008", Decimal("15.00"))
        spent = [shop.records(MANAGER).get("shop.customer", key)["spent"] for key in customers]
        assert spent == [sum(2 * n + 1 for n in range(k, 30, 3)) for k in range(3)]

    def test_all_or_nothing_makes_nothing(self, shop: Shop) -> None:
        result = shop.records(MANAGER).create_many(
            "shop.customer", [{"code": "A", "name": "A"}, {}], all_or_nothing=True
        )
        assert (result.created, list(result.problems)) == (0, [1])
        assert shop.records(MANAGER).page("shop.customer", form.ListQuery()).records == ()


def test_a_row_may_read_what_its_reference_points_to(connection: Connection) -> None:
    bill: dict[str, Any] = {
        "name": "bill",
        "fields": [
            {
                "name": "lines",
                "type": "subtable",
                "fields": [
                    {"name": "product", "type": "reference", "form": "product", "required": True},
                    {"name": "price", "type": "money", "default": "product.price"},
                    {"name": "label", "type": "lookup", "reference": "product", "field": "name"},
                    {"name": "long", "type": "boolean", "formula": "string length(label) > 4"},
                ],
            },
            {"name": "total", "type": "money", "formula": "sum(lines.price)"},
            {"name": "worth", "type": "money", "formula": "sum(for l in lines return l.product.price)"},
        ],
        "constraints": [{"name": "c", "condition": "every l in lines satisfies l.product.active", "fields": ["lines"]}],
        "permissions": [{"role": "manager", "operations": ["see", "create", "edit", "import"]}],
    }
    shop = Shop(connection, PRODUCT, bill)
    records = shop.records(MANAGER)
    bolt = records.create("shop.product", {"name": "Bolt", "price": "2.50"}).record.id
    hammer = records.create("shop.product", {"name": "Hammer", "price": 20}).record.id
    old = records.create("shop.product", {"name": "Nut", "price": 1, "active": False}).record.id
    made = records.create("shop.bill", {"lines": [{"product": str(bolt)}, {"product": hammer, "price": 15}]}).record
    found = records.get("shop.bill", made.id)
    assert found is not None
    assert [(row["price"], row["label"]) for row in found["lines"]] == [(Decimal("2.50"), "Bolt"), (15, "Hammer")]
    assert (found["total"], found["worth"]) == (Decimal("17.50"), Decimal("22.50"))
    with pytest.raises(InputError) as caught:
        records.update("shop.bill", made.id, {"lines": [*found["lines"], {"product": old}]})
    assert [p.pointer for p in caught.value.problems] == ["/lines"]
    batch = records.create_many("shop.bill", [{"lines": [{"product": hammer}]}, {"lines": [{"product": old}]}])
    assert (list(batch.problems), records.get("shop.bill", batch.ids[0])["total"]) == ([1], 20)

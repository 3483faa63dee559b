"""Every field type: what it takes, what it refuses, what it keeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from sqlalchemy import Connection

from engines import form
from engines.core import InputError, MessageCatalogue
from engines.form.types import Refused, field_types
from tests.form.shop import MANAGER, Shop, read

OPTIONS = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
MATRIX = {"matrix_rows": [{"name": "price"}, {"name": "speed"}], "matrix_columns": [{"name": "good"}, {"name": "bad"}]}
FILE = {"id": str(UUID(int=1)), "name": "a.png", "size": 10, "type": "image/png"}
KEY = UUID(int=7)
WEST_LAKE = {"name": "西湖", "latitude": "30.250000", "longitude": "120.150000"}
# Type, its keys, what is sent, what is kept.
GOOD: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("text", {}, "  a\u0301b ", "áb"),
    ("text", {}, "   ", None),
    ("text", {"max_length": 3}, "abc", "abc"),
    ("long_text", {}, "a\r\nb\x00", "a\nb"),
    ("rich_text", {}, "<p onclick='x()'>a<script>b</script></p>", "<p>a</p>"),
    ("email", {}, "A@B.CN", "A@b.cn"),
    ("phone", {}, "+86  138-0013-8000", "+86 138-0013-8000"),
    ("url", {}, "example.com/a", "https://example.com/a"),
    ("resident_id", {}, "11010519491231002x", "11010519491231002X"),
    ("credit_code", {}, "91350100M000100Y43", "91350100M000100Y43"),
    ("color", {}, "#AABBCC", "#aabbcc"),
    ("barcode", {}, "6901234567892", "6901234567892"),
    ("number", {}, "1,234.5", Decimal("1234.5")),
    ("number", {"rounding": "half_up", "scale": 1}, "1.25", Decimal("1.3")),
    ("number", {"rounding": "half_even", "scale": 1}, "1.25", Decimal("1.2")),
    ("money", {}, 12.1, Decimal("12.10")),
    ("percent", {}, "0.125", Decimal("0.125")),
    ("rating", {"max": 10}, "7", Decimal(7)),
    ("boolean", {}, "是", True),
    ("boolean", {}, "", None),
    ("choice", {"options": OPTIONS}, "b", "b"),
    ("multi_choice", {"options": OPTIONS}, ["c", "a", "c"], ["a", "c"]),
    ("ranking", {"options": OPTIONS}, ["c", "a"], ["c", "a"]),
    ("tags", {}, "x, y，x", ["x", "y"]),
    ("date", {}, "2026年3月5日", date(2026, 3, 5)),
    ("date", {}, "2026-03-05", date(2026, 3, 5)),
    ("time", {}, "14:30", time(14, 30)),
    ("datetime", {}, "2026-03-05T08:00:00+08:00", datetime(2026, 3, 5, tzinfo=UTC)),
    ("datetime", {}, "2026-03-05T08:00", datetime(2026, 3, 5, tzinfo=UTC)),
    ("duration", {}, "P1DT2H", timedelta(days=1, hours=2)),
    ("date_range", {}, "2026-03-01/2026-03-05", {"start": "2026-03-01", "end": "2026-03-05"}),
    ("address", {}, {"city": " 杭州 ", "street": ""}, {"city": "杭州"}),
    ("geolocation", {}, "39.9, 116.4", {"latitude": "39.900000", "longitude": "116.400000"}),
    ("location", {}, {"name": " 西湖 ", "point": "30.25，120.15"}, WEST_LAKE),
    ("location", {}, "西湖", {"name": "西湖"}),
    ("location", {}, {"latitude": "30.25", "longitude": 120.15}, {k: WEST_LAKE[k] for k in ("latitude", "longitude")}),
    ("tags", {"appearance": "list", "max_length": 200}, ["x" * 150], ["x" * 150]),
    ("attachment", {"types": [".csv"]}, [{**FILE, "name": "A.CSV"}], [{**FILE, "name": "A.CSV"}]),
    ("json", {}, '{"a": 1.5, "b": -20}', {"a": Decimal("1.5"), "b": -20}),
    ("matrix", MATRIX, {"price": "good"}, {"price": "good"}),
    ("person", {}, str(KEY), KEY),
    ("department", {}, {"id": KEY, "name": "x"}, KEY),
    ("role", {}, "shop.clerk", "shop.clerk"),
    ("attachment", {}, [FILE], [FILE]),
    ("image", {}, FILE, [FILE]),
    ("signature", {}, [FILE], [FILE]),
    ("json", {}, '{"a": [1, 2]}', {"a": [1, 2]}),
]  # fmt: skip
BAD: list[tuple[str, dict[str, Any], Any, str]] = [
    ("text", {"max_length": 3}, "abcd", "form.too_long"),
    ("text", {"min_length": 3}, "ab", "form.too_short"),
    ("text", {"pattern": "[a-z]+"}, "AB", "form.pattern"),
    ("text", {}, ["a"], "form.not_text"),
    ("email", {}, "a@b", "form.email"),
    ("phone", {}, "call me", "form.phone"),
    ("url", {}, "javascript:alert(1)", "form.url"),
    ("resident_id", {}, "110105194912310021", "form.resident_id"),
    ("credit_code", {}, "91350100M000100Y44", "form.credit_code"),
    ("color", {}, "red", "form.color"),
    ("number", {}, "1_000", "form.not_number"),
    ("number", {}, "NaN", "form.not_number"),
    ("number", {}, True, "form.not_number"),
    ("number", {"precision": 4, "scale": 2}, "100", "form.too_large"),
    ("money", {}, "1.001", "form.too_precise"),
    ("rating", {}, 6, "form.above_max"),
    ("rating", {}, "1.5", "form.too_precise"),
    ("boolean", {}, "maybe", "form.not_boolean"),
    ("choice", {"options": OPTIONS}, "z", "form.not_an_option"),
    ("multi_choice", {"options": OPTIONS, "max_items": 1}, ["a", "b"], "form.too_many"),
    ("ranking", {"options": OPTIONS, "min_items": 2}, ["a"], "form.too_few"),
    ("date", {"min": "2026-01-01"}, "2025-12-31", "form.below_min"),
    ("date", {}, "2026-02-30", "form.not_date"),
    ("time", {}, "25:00", "form.not_time"),
    ("datetime", {}, "today", "form.not_datetime"),
    ("duration", {}, "2 hours", "form.not_duration"),
    ("date_range", {}, "2026-03-05/2026-03-01", "form.date_range"),
    ("address", {}, {"planet": "Mars"}, "form.address"),
    ("geolocation", {}, "91 0", "form.geolocation"),
    ("location", {}, {"latitude": "30"}, "form.geolocation"),
    ("location", {}, {"name": "x", "point": "north"}, "form.geolocation"),
    ("location", {}, {"planet": "Mars"}, "form.location"),
    ("tags", {"max_length": 3}, ["abcd"], "form.too_long"),
    ("attachment", {"types": [".csv"]}, [FILE], "form.file_type"),
    ("matrix", MATRIX, {"price": "fine"}, "form.matrix"),
    ("matrix", {**MATRIX, "all_rows": True}, {"price": "good"}, "form.too_few"),
    ("person", {}, "nobody", "form.not_an_id"),
    ("attachment", {"max_size": 5}, [FILE], "form.file_too_large"),
    ("image", {}, [{**FILE, "type": "text/html"}], "form.file_type"),
    ("signature", {}, [FILE, FILE], "form.too_many"),
    ("json", {}, "{", "form.not_json"),
]  # fmt: skip


def a_form(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    field = {"name": "x", "type": kind, **config}
    return {
        "name": "thing",
        "fields": [field],
        "permissions": [{"role": "manager", "operations": ["see", "create", "edit"]}],
    }


@pytest.mark.parametrize(("kind", "config", "sent", "kept"), GOOD)
def test_a_value_is_taken_stored_and_read_back(
    connection: Connection, kind: str, config: dict[str, Any], sent: Any, kept: Any
) -> None:
    shop = Shop(connection, a_form(kind, config))
    made = shop.records(MANAGER).create("shop.thing", {"x": sent}).record
    assert made["x"] == kept
    found = shop.records(MANAGER).get("shop.thing", made.id)
    assert found is not None
    assert found["x"] == kept
    again = shop.records(MANAGER).update("shop.thing", made.id, {"x": form.to_json(found["x"])})
    assert again.changed == (), "what was read can be sent back unchanged"


@pytest.mark.parametrize(("kind", "config", "sent", "code"), BAD)
def test_a_wrong_value_is_refused_with_its_code(kind: str, config: dict[str, Any], sent: Any, code: str) -> None:
    field = read(a_form(kind, config)).fields[0]
    with pytest.raises(Refused) as caught:
        field_types()[kind].coercer(field)(sent)
    assert caught.value.code == code
    assert code in MessageCatalogue([form.MESSAGES]).codes("zh")


def test_every_type_is_covered_here_or_by_the_records_tests() -> None:
    elsewhere = {"reference", "references", "row_reference", "subtable", "autonumber", "formula", "lookup", "rollup"}
    assert {kind for kind, *_ in GOOD} | elsewhere == set(field_types())


@pytest.mark.parametrize("kind", list(field_types()))
def test_every_type_states_a_valid_schema_and_its_names(kind: str) -> None:
    entry = field_types()[kind]
    jsonschema.Draft202012Validator.check_schema({"properties": dict(entry.config)})
    catalogue = MessageCatalogue([form.MESSAGES])
    for locale in ("zh", "en"):
        assert {entry.label_key, entry.help_key, f"form.group.{entry.group}"} <= catalogue.codes(locale)


def test_a_reference_to_a_row_holds_only_rows_of_the_right_record(connection: Connection) -> None:
    order = {
        "name": "order",
        "fields": [
            {"name": "lines", "type": "subtable", "fields": [{"name": "product", "type": "text"}]},
            {"name": "main", "type": "row_reference", "rows": "lines"},
        ],
        "permissions": [{"role": "manager", "operations": ["see", "create", "edit"]}],
    }
    claim = {
        "name": "claim",
        "fields": [
            {"name": "order", "type": "reference", "form": "order"},
            {"name": "line", "type": "row_reference", "reference": "order", "rows": "lines"},
            {"name": "any_line", "type": "row_reference", "form": "order", "rows": "lines"},
        ],
        "permissions": [{"role": "manager", "operations": ["see", "create", "edit"]}],
    }
    shop = Shop(connection, order, claim)
    records = shop.records(MANAGER)
    first, second = (records.create("shop.order", {"lines": [{"product": name}]}).record for name in ("a", "b"))
    mine, other = (records.get("shop.order", made.id)["lines"][0]["id"] for made in (first, second))  # type: ignore[index]
    records.update("shop.order", first.id, {"main": mine})
    made = records.create("shop.claim", {"order": first.id, "line": mine, "any_line": other}).record
    assert (made["line"], made["any_line"]) == (mine, other)
    for form_name, values in (("shop.order", {"main": other}), ("shop.claim", {"line": other})):
        with pytest.raises(InputError) as caught:
            records.update(form_name, first.id if form_name == "shop.order" else made.id, values)
        assert [p.code for p in caught.value.problems] == ["form.unknown_record"]


def test_a_list_of_references_holds_only_records_one_may_choose(connection: Connection) -> None:
    thing = {
        "name": "thing",
        "fields": [{"name": "others", "type": "references", "form": "thing"}],
        "permissions": [{"role": "manager", "operations": ["see", "create", "edit"]}],
    }
    shop = Shop(connection, thing)
    records = shop.records(MANAGER)
    first = records.create("shop.thing", {}).record.id
    second = records.create("shop.thing", {"others": [first]}).record
    assert second["others"] == [str(first)]
    from engines.core import InputError

    with pytest.raises(InputError):
        records.create("shop.thing", {"others": [first, UUID(int=5)]})

"""Personal data: told in full, and taken away in full."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from engines.core import AccessDenied
from tests.form.shop import ANNA, MANAGER, Shop, person

GUEST: dict[str, Any] = {
    "name": "guest",
    "title": "name",
    "fields": [
        {"name": "name", "type": "text", "personal": True, "search": True},
        {"name": "room", "type": "text"},
        {"name": "trips", "type": "subtable", "fields": [{"name": "passport", "type": "text", "personal": True}]},
    ],
    "permissions": [
        {"role": "manager", "operations": ["see", "create", "edit", "delete", "export"]},
        {"role": "clerk", "operations": ["see", "edit"]},
    ],
}


@pytest.fixture
def shop(connection: Connection) -> Shop:
    return Shop(connection, GUEST)


def test_what_a_record_holds_and_held_of_a_person_is_told(shop: Shop) -> None:
    records = shop.records(MANAGER)
    key = records.create("shop.guest", {"name": "Old", "room": "1", "trips": [{"passport": "P1"}]}).record.id
    records.update("shop.guest", key, {"name": "New", "trips": []})
    found = {(v.field, v.value, v.current) for v in records.personal("shop.guest", key)}
    assert found == {("name", "New", True), ("name", "Old", False), ("trips.passport", "P1", False)}


def test_erasing_empties_every_version_and_the_search_index(shop: Shop) -> None:
    records = shop.records(MANAGER)
    key = records.create("shop.guest", {"name": "Old", "room": "1", "trips": [{"passport": "P1"}]}).record.id
    records.update("shop.guest", key, {"name": "New"})
    change = records.erase("shop.guest", key)
    assert change.changed == ("name", "trips")
    assert "New" not in repr(change)
    assert "P1" not in repr(change)
    assert records.personal("shop.guest", key) == []
    found = records.get("shop.guest", key)
    assert found is not None
    assert (found["name"], found["room"]) == (None, "1")
    assert records.search("New") == []
    assert records.erase("shop.guest", key).events == ()


def test_only_who_may_export_and_delete_can_do_so(shop: Shop) -> None:
    key = shop.records(MANAGER).create("shop.guest", {"name": "X"}).record.id
    clerk = shop.records(person("clerk", ANNA))
    with pytest.raises(AccessDenied):
        clerk.personal("shop.guest", key)
    with pytest.raises(AccessDenied):
        clerk.erase("shop.guest", key)

"""Values of records, rules and processes survive being stored as JSON, on both databases."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.storage.runtime_tables import job, metadata
from builder.storage.values import decode, encode
from engines.core import new_id

VALUES = {
    "text": "客户 $",
    "yes": True,
    "missing": None,
    "whole": Decimal(7),
    "digits": Decimal("1234567890123456789012345678.90"),
    "day": date(2026, 2, 28),
    "clock": time(9, 30),
    "instant": datetime(2026, 2, 28, 9, 30, 0, 123456, tzinfo=UTC),
    "back": timedelta(days=-1, microseconds=3),
    "id": UUID("019356a0-0000-7000-8000-000000000001"),
    "rows": [{"n": Decimal("0.10")}, {"n": None}],
    "tagged by a user": {"$": "number", "v": "x"},
}


@pytest.mark.parametrize("name", VALUES)
def test_a_stored_value_comes_back_equal_and_of_its_type(name: str) -> None:
    value = VALUES[name]
    back = decode(encode(value))
    assert back == value
    assert str(back) == str(value)
    assert type(back) is type(value)


def test_what_is_no_value_of_an_app_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        encode(1.5)


def test_values_pass_through_a_json_column(database: sa.Engine) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"id": new_id(), "kind": "k", "due_at": now, "state": "waiting", "app": "a", "fence": 0, "attempts": 0}
    with database.begin() as connection:
        metadata.create_all(connection)
        connection.execute(job.insert(), {**row, "created_at": now, "payload": encode(VALUES)})
        stored = connection.execute(sa.select(job.c.payload, job.c.due_at, job.c.id)).one()
    assert decode(stored.payload) == VALUES
    assert stored.due_at == now
    assert stored.id == row["id"]

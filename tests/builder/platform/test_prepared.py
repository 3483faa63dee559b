"""Statements that are compiled once and run on the driver's own cursor."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from builder.storage import Database, migrate
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import notification
from builder.storage.upsert import upsert_of
from engines.core import new_id

NOW = datetime(2030, 1, 1, tzinfo=UTC)
COLUMNS = ("id", "person", "at", "app", "kind", "severity", "title")
ADD = Prepared(notification.insert(), COLUMNS)
WRITE = Prepared(upsert_of(notification, COLUMNS), COLUMNS)
READ = Prepared(
    sa.select(notification.c.id, notification.c.at, notification.c.title, notification.c.body)
    .where(notification.c.app == sa.bindparam("p_app"), notification.c.kind == "task")
    .order_by(notification.c.id)
)
SEE = Prepared(
    notification.update()
    .where(notification.c.id == sa.bindparam("p_id"))
    .values(read_at=sa.bindparam("read_at"), severity="alert")
)


@pytest.fixture
def filled(empty_database: Database) -> Database:
    migrate.upgrade(empty_database)
    return empty_database


def row(title: str) -> dict[str, object]:
    return {
        "id": new_id(), "person": new_id(), "at": NOW, "app": "a", "kind": "task", "severity": "info",
        "title": {"zh": title, "b": 1},
    }  # fmt: skip


def test_values_come_back_as_they_went_in(filled: Database) -> None:
    rows = [row("一"), row("二"), row("三")]
    with filled.write() as connection:
        ADD.many(connection, rows)
        found = READ.all(connection, {"p_app": "a"})
    assert [(r.id, r.at, r.title, r.body) for r in found] == [(r["id"], NOW, r["title"], None) for r in rows]


def test_a_statement_may_state_values_itself_and_tells_how_many_rows_it_wrote(filled: Database) -> None:
    one = row("一")
    with filled.write() as connection:
        ADD.run(connection, one)
        assert SEE.run(connection, {"p_id": one["id"], "read_at": NOW}) == 1
        assert SEE.run(connection, {"p_id": new_id(), "read_at": NOW}) == 0
        stored = connection.execute(sa.select(notification)).one()
    assert (stored.read_at, stored.severity) == (NOW, "alert")


def test_an_upsert_replaces_the_columns_beside_the_key(filled: Database) -> None:
    one = row("一")
    with filled.write() as connection:
        WRITE.run(connection, one)
        WRITE.many(connection, [{**one, "title": {"zh": "二"}}])
        (found,) = READ.all(connection, {"p_app": "a"})
    assert found.title == {"zh": "二"}


def test_it_belongs_to_the_transaction_around_it(filled: Database) -> None:
    def fail() -> None:
        with filled.write() as connection:
            ADD.run(connection, row("一"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with filled.read() as connection:
        assert READ.first(connection, {"p_app": "a"}) is None


def test_the_drivers_errors_come_as_those_of_every_other_statement(filled: Database) -> None:
    one = row("一")
    with filled.write() as connection:
        ADD.run(connection, one)
    with filled.write() as connection, pytest.raises(sa.exc.IntegrityError):
        ADD.run(connection, one)


def test_a_connection_kept_from_a_block_that_is_over_writes_nothing(filled: Database) -> None:
    with filled.write() as connection:
        pass
    with pytest.raises((RuntimeError, sa.exc.ResourceClosedError)):
        ADD.run(connection, row("一"))
    with pytest.raises((RuntimeError, sa.exc.ResourceClosedError)):
        connection.execute(notification.insert(), row("一"))
    with filled.read() as reading:
        assert READ.first(reading, {"p_app": "a"}) is None


def test_whole_numbers_of_any_size_survive_as_json(filled: Database) -> None:
    big = {"n": 2**80, "text": "1" * 30, "x": 0.5, "small": 7}
    with filled.write() as connection:
        ADD.run(connection, {**row(""), "title": big})
        (found,) = READ.all(connection, {"p_app": "a"})
        again = connection.execute(sa.select(notification.c.title)).scalar_one()
    assert found.title == again == big

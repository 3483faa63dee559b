"""Migrations: up and down on both databases, and equal to the tables that the code uses."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import builder.storage.tables  # noqa: F401
from builder.storage import Database, metadata, migrate
from builder.storage.identity_tables import department, department_closure, membership, person
from builder.storage.workspace_tables import command
from engines.core import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_migrated_database_has_exactly_the_declared_tables(empty_database: Database) -> None:
    migrate.upgrade(empty_database)
    with empty_database.write() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert migrate.current(connection) == migrate.newest()


def test_migrations_go_down_and_up_again_with_data_in_them(empty_database: Database) -> None:
    migrate.upgrade(empty_database)
    with empty_database.write() as connection:
        _fill(connection)
    for revision, _ in reversed(migrate.history()[:-1]):
        migrate.downgrade(empty_database, revision)
    migrate.downgrade(empty_database, "base")
    with empty_database.read() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {migrate.VERSION_TABLE}
    migrate.upgrade(empty_database)
    with empty_database.write() as connection:
        _fill(connection)


def test_stored_values_come_back_as_they_were(empty_database: Database) -> None:
    migrate.upgrade(empty_database)
    with empty_database.write() as connection:
        expected = _fill(connection)
        row = connection.execute(sa.select(command)).one()
    assert (row.id, row.at, row.result) == (expected, NOW, {"b": 1, "a": ["中"]})
    assert list(row.result) == ["b", "a"]


def _fill(connection: sa.Connection) -> object:
    unit, someone, done = new_id(), new_id(), new_id()
    connection.execute(sa.insert(department).values(id=unit, code="x", name="销售", labels={"zh": "销售"}))
    connection.execute(sa.insert(department_closure).values(ancestor=unit, descendant=unit))
    connection.execute(sa.insert(person).values(id=someone, login="a", name="A", created_at=NOW))
    connection.execute(sa.insert(membership).values(person=someone, department=unit, main=True))
    values = {"name": "x", "actor_kind": "person", "actor": someone, "at": NOW, "result": {"b": 1, "a": ["中"]}}
    connection.execute(sa.insert(command).values(id=done, **values))
    return done


def test_the_newest_revision_by_name_is_the_last_of_the_chain() -> None:
    assert migrate.history()[-1][0] == migrate.newest()

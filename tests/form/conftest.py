"""Fixtures of the form engine's tests."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from tests.databases import DATABASES, database, database_engine
from tests.form.shop import Shop

__all__ = ["database"]


@pytest.fixture(scope="session", params=DATABASES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One database for all tests that roll back what they did, tables included."""
    with database_engine(request.param) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back at the end."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def shop(connection: Connection) -> Shop:
    """The shop's forms in an empty database."""
    return Shop(connection)

"""Fixtures of the form engine's tests."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from tests.databases import database
from tests.form.shop import Shop

__all__ = ["database"]


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back at the end."""
    with database.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def shop(connection: Connection) -> Shop:
    """The shop's forms in an empty database."""
    return Shop(connection)

"""The shared database fixture."""

from sqlalchemy import Engine, text


def test_each_database_starts_empty_and_rolls_ddl_back(database: Engine) -> None:
    with database.connect() as connection:
        with connection.begin() as transaction:
            connection.execute(text("CREATE TABLE a (id INTEGER)"))
            transaction.rollback()
        with connection.begin():
            connection.execute(text("CREATE TABLE a (id INTEGER)"))

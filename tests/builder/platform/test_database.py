"""Connections: transactions that hold DDL too, snapshots that cannot write, writers in the order of asking."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from builder.storage import Database, DatabaseBusy, DatabaseUnreachable, open_database
from builder.storage.writer_queue import WriterQueue


def test_an_error_rolls_back_tables_too(empty_database: Database) -> None:
    def fail_after_ddl(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE made (id INTEGER)"))
        connection.execute(sa.text("INSERT INTO made VALUES (1)"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), empty_database.write() as connection:
        fail_after_ddl(connection)
    with empty_database.read() as connection:
        assert not sa.inspect(connection).has_table("made")


def test_a_read_refuses_to_write_and_sees_one_snapshot(empty_database: Database) -> None:
    with empty_database.write() as connection:
        connection.execute(sa.text("CREATE TABLE t (id INTEGER)"))
    with empty_database.read() as reader:
        count = sa.text("SELECT count(*) FROM t")
        assert reader.execute(count).scalar_one() == 0
        with empty_database.write() as writer:
            writer.execute(sa.text("INSERT INTO t VALUES (1)"))
        assert reader.execute(count).scalar_one() == 0
    with pytest.raises(DBAPIError), empty_database.read() as reader:
        reader.execute(sa.text("INSERT INTO t VALUES (2)"))


def test_sqlite_keeps_its_promises(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    for connect in (database.write, database.read):
        with connect() as connection:
            assert {k: connection.exec_driver_sql(f"PRAGMA {k}").scalar() for k in wanted} == wanted
    database.close()


def test_a_second_write_in_one_thread_is_an_error_and_no_deadlock(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write(), pytest.raises(RuntimeError, match="open already"), database.write():
        pass
    database.close()


def test_writers_get_their_turn_in_the_order_of_asking(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "lock", 10)
    order: list[int] = []
    threads: list[threading.Thread] = []

    def write(number: int) -> None:
        with queue.turn():
            order.append(number)

    with queue.turn():
        for number in range(8):
            threads.append(threading.Thread(target=write, args=(number,)))
            threads[-1].start()
            while queue.waiting <= number:
                pass
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_a_writer_gives_up_after_its_time_and_leaves_the_line_intact(tmp_path: Path) -> None:
    patient, hasty = WriterQueue(tmp_path / "lock", 10), WriterQueue(tmp_path / "lock", 0.05)
    with patient.turn(), pytest.raises(DatabaseBusy), hasty.turn():
        pass
    with hasty.turn():
        pass
    with patient.turn():
        pass


def test_a_database_that_does_not_answer_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match="dougong init"):
        open_database(f"sqlite:///{tmp_path}/none/a.db").check()
    with pytest.raises(DatabaseUnreachable, match="DOUGONG_DATABASE"):
        open_database("postgresql+psycopg://nobody@127.0.0.1:1/none").check()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgresql+psycopg://x/y?schema=a-b"]
)
def test_urls_that_cannot_work_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"file|support|schema"):
        open_database(url)


def test_postgresql_compiles_no_statement_to_machine_code(empty_database: Database) -> None:
    if empty_database.dialect != "postgresql":
        return
    with empty_database.read() as connection:
        assert connection.execute(sa.text("SHOW jit")).scalar_one() == "off"

"""Views declare the indexes that make a page of them one short range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from engines.feel.sql import DriverStatement
from engines.form import ListQuery
from engines.form.storage.advice import view_indexes
from tests.form.shop import MANAGER, Shop, person


def test_a_view_has_an_index_by_its_filter_and_order_when_the_form_is_applied(connection: Connection) -> None:
    shop = Shop(connection)
    wanted = {index.name: index.columns for index in view_indexes(shop.forms["shop.customer"])}
    assert wanted == {"v_r_shop_customer_f_level_f_limit": ("f_level", "f_limit", "id")}
    catalogue = "sqlite_master WHERE type = 'index' AND" if connection.dialect.name == "sqlite" else "pg_indexes WHERE"
    column = "name" if connection.dialect.name == "sqlite" else "indexname"
    query = f"SELECT {column} FROM {catalogue} {column} LIKE 'v_%%'"
    assert set(wanted) <= set(connection.exec_driver_sql(query).scalars())


def test_a_page_of_a_view_is_read_in_the_order_of_its_index(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.dialect.name != "sqlite":
        # With few rows PostgreSQL rightly prefers to read them all.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
    shop = Shop(connection)
    ran: list[tuple[str, Any]] = []

    read = DriverStatement.rows

    def note(self: DriverStatement, connection: Connection, values: Mapping[str, Any]) -> Any:
        ran.append((self.text, self.bind(values)))
        return read(self, connection, values)

    monkeypatch.setattr(DriverStatement, "rows", note)

    for who in (MANAGER, person("seller")):
        ran.clear()
        shop.records(who).page("shop.customer", ListQuery(view="big_ones"))
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        statement, given = ran[0]
        rows = connection.exec_driver_sql(explain + statement, given if isinstance(given, dict) else tuple(given)).all()
        shown = " ".join(str(row[-1]) for row in rows)
        assert "v_r_shop_customer_f_level_f_limit" in shown
        assert "TEMP B-TREE" not in shown
        assert "Sort" not in shown

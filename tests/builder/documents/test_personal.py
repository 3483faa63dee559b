"""Personal data of a record: shown, given as a file and erased with a report, for those who may and nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from builder.definitions import source_of
from builder.releases import publish
from builder.storage.workspace_tables import audit
from engines.core import SYSTEM
from tests.builder.documents.test_office import files
from tests.builder.imports import shop as shops
from tests.builder.imports.shop import Shop
from tests.builder.imports.test_pages import post

Enter = Callable[..., FlaskClient]


@pytest.fixture
def held(shop: Shop) -> UUID:
    """A customer whose phone is personal and was another before."""
    fields = [{**f, "personal": True} if f["name"] in {"phone", "amount"} else f for f in shops.CUSTOMER["fields"]]  # type: ignore[index]
    text = json.dumps({**shops.CUSTOMER, "fields": fields})
    publish(shop.workspace, "shop", source_of(files(**{"customer.form.json": text})), SYSTEM)
    with shop.workspace.work(SYSTEM, command="test") as work:
        values = {"code": "A1", "name": "One", "phone": "13800001111", "amount": 77}
        id = work.records.create("shop.customer", values).record.id
    with shop.workspace.work(SYSTEM, command="test") as work:
        work.records.update("shop.customer", id, {"phone": "13900002222"})
    return id


def test_personal_data_are_shown_given_and_erased(shop: Shop, held: UUID, enter: Enter) -> None:
    ann, rita, nobody = enter("ann", "clerk"), enter("rita", "reader"), enter("nobody")
    path = f"/a/shop/f/customer/{held}/personal/"
    assert path in ann.get(f"/a/shop/f/customer/{held}").get_data(as_text=True)
    page = ann.get(path).get_data(as_text=True)
    assert "13800001111" in page
    assert "13900002222" in page
    told = json.loads(ann.get(f"{path}data.json").data)
    assert {(v["value"], v["current"]) for v in told["values"]} >= {("13900002222", True), ("13800001111", False)}
    assert {v["field"] for v in told["values"]} == {"phone", "amount"}
    # May export, and yet sees no more than the fields that are open to them.
    eve = json.loads(enter("eve", "exporter").get(f"{path}data.json").data)
    assert {v["field"] for v in eve["values"]} == {"phone"}
    for client, code in ((rita, 403), (nobody, 404)):
        assert client.get(path).status_code == code
        assert client.get(f"{path}data.json").status_code == code
        assert post(client, f"{path}erase").status_code == code
    assert post(ann, f"{path}erase").status_code == 302
    assert json.loads(ann.get(f"{path}data.json").data)["values"] == []
    with shop.workspace.database.read() as connection:
        query = sa.select(audit.c.detail).where(audit.c.action == "record.erased")
        (detail,) = connection.execute(query).scalars()
    assert detail == {"record": str(held), "fields": ["amount", "phone"]}
    assert ann.get(f"/a/shop/f/order/{held}/personal/").status_code == 404

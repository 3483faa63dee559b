"""The import in the browser's eyes, and a list as a file: from upload to undo, with who may not."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builder.imports.sheets.working import run_to_end
from builder.web import create_app
from tests.builder.imports.shop import CUSTOMER, Shop, chosen, csv_of, xlsx_of
from tests.builder.web.conftest import PASSWORD, add_person, close_setup, sign_in

HEAD = ("客户编号", "客户名称", "规模", "合同金额", "电话")
Enter = Callable[..., FlaskClient]


@pytest.fixture
def app(shop: Shop) -> Flask:
    close_setup(shop.workspace)
    return create_app(shop.workspace)


@pytest.fixture
def enter(app: Flask, shop: Shop) -> Enter:
    """Signs somebody in who has roles of the shop."""

    def make(login: str, *roles: str) -> FlaskClient:
        add_person(app, shop.workspace, login, roles=tuple(f"shop.{role}" for role in roles))
        client = app.test_client()
        sign_in(client, login, PASSWORD)
        return client

    return make


def token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def post(client: FlaskClient, path: str, **data: object) -> TestResponse:
    """Sends a form."""
    sent = {key.replace("__", "."): value for key, value in data.items()}
    return client.post(path, data={"_csrf": token(client, "/account"), **sent})


def upload(client: FlaskClient, content: bytes, name: str = "kunden.csv", form: str = "customer") -> TestResponse:
    return post(client, f"/a/shop/f/{form}/import/", table=(io.BytesIO(content), name))


def test_from_upload_to_undo(shop: Shop, enter: Enter) -> None:
    ann = enter("ann", "clerk")
    assert 'href="/a/shop/f/customer/import/"' in ann.get("/a/shop/f/customer/").get_data(as_text=True)
    table = csv_of(HEAD, ("A1", "One", "大", "5", "00123"), ("A2", "Two", "huge", "6", ""), encoding="gb18030")
    sent = upload(ann, table)
    assert sent.status_code == 302, sent.get_data(as_text=True)
    path = sent.headers["Location"]
    page = ann.get(path).get_data(as_text=True)
    assert "GB18030" in page
    assert len(re.findall(r'value="(code|name|size|amount|phone)" selected', page)) == 5
    fields = {f"field__{i}": name for i, name in enumerate(("code", "name", "size", "amount", "phone"))}
    assert post(ann, f"{path}/check", sheet="", heading="1", mode="create", **fields).status_code == 302
    id = shop.run(__import__("uuid").UUID(path.rpartition("/")[2])).id
    assert 'hx-trigger="every 1s"' in ann.get(path).get_data(as_text=True)
    run_to_end(shop.workspace, id)
    page = ann.get(path).get_data(as_text=True)
    assert "processes: 1" in page
    assert "00123" in page
    assert shop.records() == []
    refused = ann.get(f"{path}/refused")
    assert "refused" in refused.headers["Content-Disposition"]
    assert b"A2,Two,huge" in refused.data
    assert post(ann, f"{path}/run").status_code == 302
    run_to_end(shop.workspace, id)
    assert [r["phone"] for r in shop.records()] == ["00123"]
    assert "Take it back" in ann.get(path).get_data(as_text=True)
    assert "kunden.csv" in ann.get("/a/shop/f/customer/import/").get_data(as_text=True)
    assert post(ann, f"{path}/undo").status_code == 302
    run_to_end(shop.workspace, id)
    assert shop.records() == []
    # A second click finds it gone on.
    assert post(ann, f"{path}/run").status_code == 302
    assert shop.run(id).state == "undone"


def test_a_sheet_is_chosen_and_a_title_above_the_table_is_passed_over(shop: Shop, enter: Enter) -> None:
    ann = enter("ann", "clerk")
    book = openpyxl.load_workbook(io.BytesIO(xlsx_of(("客户名单",), (), HEAD, ("A1", "One", "小", 5, "1"))))
    other = book.create_sheet("二")
    other.append(["x", "y"])
    other.append([1, 2])
    target = io.BytesIO()
    book.save(target)
    path = upload(ann, target.getvalue(), "t.xlsx").headers["Location"]
    page = ann.get(path).get_data(as_text=True)
    assert 'name="heading" value="3"' in page
    assert "<option>二</option>" in page
    assert 'name="heading" value="1"' in ann.get(f"{path}?sheet=二").get_data(as_text=True)


def test_what_cannot_be_used_is_told_on_the_page(enter: Enter) -> None:
    ann = enter("ann", "clerk")
    answer = upload(ann, b"\xd0\xcf\x11\xe0" + b"\0" * 600, "alt.xls")
    assert answer.status_code == 422
    assert ".xlsx" in answer.get_data(as_text=True)
    path = upload(ann, csv_of(("a", "b"), ("1", "2"))).headers["Location"]
    answer = post(ann, f"{path}/check", sheet="", heading="1", mode="create", field__0="name")
    assert answer.status_code == 422
    assert "Code" in answer.get_data(as_text=True)


def test_who_may_not_import(shop: Shop, enter: Enter) -> None:
    ann, rita, nobody = enter("ann", "clerk"), enter("rita", "reader"), enter("nobody")
    path = upload(ann, csv_of(HEAD, ("A1", "One", "小", "5", ""))).headers["Location"]
    bob = enter("bob", "clerk")
    for client, code in ((rita, 403), (nobody, 404), (bob, 404)):
        assert client.get(path).status_code == code
        assert client.get(f"{path}/refused").status_code == code
        for verb in ("check", "run", "undo", "stop"):
            assert post(client, f"{path}/{verb}").status_code == code
    for client, code in ((rita, 403), (nobody, 404)):
        assert client.get("/a/shop/f/customer/import/").status_code == code
        assert client.get("/a/shop/f/customer/import/blank").status_code == code
        assert upload(client, b"a,b\n1,2\n").status_code == code
    assert "/import/" not in rita.get("/a/shop/f/customer/").get_data(as_text=True)
    visitor = enter("gone", "clerk").application.test_client()
    assert visitor.get(path).status_code == 302
    assert shop.run(__import__("uuid").UUID(path.rpartition("/")[2])).state == "uploaded"


def test_the_empty_table_can_be_filled_in_and_brought(enter: Enter) -> None:
    ann = enter("ann", "clerk")
    book = openpyxl.load_workbook(io.BytesIO(ann.get("/a/shop/f/order/import/blank").data))
    headings = [cell.value for cell in next(book.active.iter_rows())]
    assert headings == ["Number", "Customer", "Day", "Lines / Product", "Lines / Quantity"]
    book.active.append(["O1", "One", "2026-01-31", "pen", 2])
    target = io.BytesIO()
    book.save(target)
    path = upload(ann, target.getvalue(), "t.xlsx", "order").headers["Location"]
    page = ann.get(path).get_data(as_text=True)
    for field in ("number", "customer", "day", "lines.product", "lines.quantity"):
        assert f'value="{field}" selected' in page


# --------------------------------------------------------------------------------------------------- lists as files

WILD = '=HYPERLINK("http://x")'


def fill(shop: Shop) -> None:
    ann = shop.person("filler", "clerk")
    table = csv_of(
        ("code", "name", "amount", "region", "phone", "since"),
        ("A1", '"\'=HYPERLINK(""http://x"")"', "1234.50", "west", "110101199003071234", "2026-01-31"),
        ("A2", "Two", "7", "east", "0571", ""),
        ("A3", "@three", "", "west", "5", ""),
    )
    shop.take(ann, "customer", table, chosen("code", "name", "amount", "region", "phone", "since"))
    assert len(shop.records()) == 3


def rows_of(answer: TestResponse) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_a_list_as_csv_and_xlsx(shop: Shop, enter: Enter) -> None:
    fill(shop)
    ann = enter("ann", "clerk")
    assert "export.csv?" in ann.get("/a/shop/f/customer/").get_data(as_text=True)
    answer = ann.get("/a/shop/f/customer/export.csv?sort=code")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = rows_of(answer)
    assert rows[0] == ["Code", "Name", "Size", "Amount", "Since", "Phone"]
    assert rows[1] == ["A1", f"'{WILD}", "", "1234.50", "2026-01-31", "\t110101199003071234"]
    assert [row[5] for row in rows[2:]] == ["\t0571", "5"]
    book = openpyxl.load_workbook(io.BytesIO(ann.get("/a/shop/f/customer/export.xlsx?sort=code").data))
    cells = list(book.active.iter_rows())
    assert [c.value for c in cells[1]][:4] == ["A1", WILD, None, 1234.5]
    assert (cells[1][1].data_type, cells[1][5].value, cells[1][4].number_format) == (
        "s", "110101199003071234", "yyyy-mm-dd",
    )  # fmt: skip
    # Filters, search and columns of the list hold.
    kept = rows_of(ann.get("/a/shop/f/customer/export.csv?f=region:is:west&cols=code&cols=region&sort=-code"))
    assert kept == [["Code", "Region"], ["A3", "west"], ["A1", "west"]]
    assert rows_of(ann.get("/a/shop/f/customer/export.csv?q=two&cols=code")) == [["Code"], ["A2"]]


def test_what_is_exported_comes_back_as_it_was(shop: Shop, enter: Enter) -> None:
    fill(shop)
    ann = enter("ann", "clerk")
    before = {r["code"]: r.values for r in shop.records()}
    columns = "&".join(f"cols={name}" for name in ("code", "name", "amount", "region", "phone", "since"))
    fields = ("code", "name", "amount", "region", "phone", "since")
    bert = shop.person("bert", "clerk")
    for kind in ("csv", "xlsx"):
        content = ann.get(f"/a/shop/f/customer/export.{kind}?{columns}").data
        run = shop.take(bert, "customer", content, chosen(*fields, mode="update", key="code"), f"t.{kind}")
        assert (run.counts.get("same"), run.counts.get("updated"), run.counts["refused"]) == (3, None, 0)
    assert {r["code"]: r.values for r in shop.records()} == before


def test_who_may_not_export_and_what_stays_out(shop: Shop, enter: Enter) -> None:
    fill(shop)
    rita, wes, eve, nobody = enter("rita", "reader"), enter("wes", "west"), enter("eve", "exporter"), enter("nobody")
    for client, code in ((rita, 403), (nobody, 404)):
        for kind in ("csv", "xlsx"):
            assert client.get(f"/a/shop/f/customer/export.{kind}").status_code == code
    assert "export.csv" not in rita.get("/a/shop/f/customer/").get_data(as_text=True)
    assert wes.get("/a/shop/f/customer/export.pdf").status_code == 404
    # Sees all, may export the west only.
    shown = wes.get("/a/shop/f/customer/").get_data(as_text=True)
    assert set(re.findall(r"\bA[123]\b", shown)) == {"A1", "A2", "A3"}
    assert {row[0] for row in rows_of(wes.get("/a/shop/f/customer/export.csv?cols=code"))[1:]} == {"A1", "A3"}
    assert rows_of(eve.get("/a/shop/f/customer/export.csv?cols=code&cols=amount&sort=code"))[0] == ["Code"]
    # Who sees an amount through one role, and may export through another that hides it, does not export it.
    both = enter("both", "reader", "exporter")
    assert "1,234.50" in both.get("/a/shop/f/customer/").get_data(as_text=True)
    told = rows_of(both.get("/a/shop/f/customer/export.csv?cols=code&cols=amount&sort=code"))
    assert "1234.50" not in str(told)


def test_exporting_is_written_down(shop: Shop, enter: Enter) -> None:
    import sqlalchemy as sa

    from builder.storage.workspace_tables import audit

    ann = enter("ann", "clerk")
    ann.get("/a/shop/f/customer/export.csv")
    with shop.workspace.database.read() as connection:
        found = connection.execute(sa.select(audit.c.subject).where(audit.c.action == "record.export")).scalars().all()
    assert list(found) == ["shop.customer"]
    assert CUSTOMER["name"] == "customer"
    assert zipfile.is_zipfile(io.BytesIO(ann.get("/a/shop/f/customer/export.xlsx").data))

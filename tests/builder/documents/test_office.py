"""Word and Excel templates filled in with a record: places, repeated rows, amounts in capitals, pictures, rights."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from uuid import UUID

import openpyxl
import pytest
from flask.testing import FlaskClient

from builder.definitions import load_folder, source_of
from builder.jobs import queue
from builder.jobs.ports import Patience
from builder.releases import publish
from builder.releases.exporting import export_app
from builder.runtime.install import host
from engines.core import SYSTEM, AccessDenied, DefinitionError
from tests.builder.documents.office import book_of, docx_of, paragraph, table, text_of_docx
from tests.builder.imports import shop as shops
from tests.builder.imports.shop import Shop

Enter = Callable[..., FlaskClient]
WILD = "=1+1 <b>{{name}} {{#lines}}"
CONTRACT = docx_of(
    paragraph("合同编号：{{number}}  客户：{{customer}}（{{customer.code}}）"),
    paragraph("规模：{{customer.size}}，日期：{{day}}"),
    paragraph(
        "大写：{{chinese amount(sum(lines.quantity) * 100.5)}}，"
        "{{if count(lines) > 1 then \u201c多行\u201d else \u201c一行\u201d}}"
    ),
    table(
        ("序号", "产品", "数量"),
        ("{{#lines}}{{row}}", "{{product}}", "{{quantity}}{{/lines}}"),
        ("合计", "", "{{total}}"),
    ),
    paragraph("{{#lines}}"),
    paragraph("· {{product}} — {{number}}"),
    paragraph("{{/lines}}"),
    paragraph("二维码：{{qr(number, 30)}}"),
    paragraph("没有：{{customer.region}}。"),
)
INVOICE = book_of(
    ("订单", "{{number}}"),
    ("客户", "{{customer}}"),
    ("产品", "数量", "小计"),
    ("{{#lines}}{{product}}", "{{quantity}}", "{{quantity * 2}}{{/lines}}"),
    ("合计", "{{total}}", "{{day}}"),
)


def files(**more: str) -> dict[str, str]:
    """The shop with two documents, a field for papers, and a process that makes one."""
    papers = shops.field("papers", "attachment", "文件", "Papers", max_files=5)
    order = {**shops.ORDER, "fields": [*shops.ORDER["fields"], papers]}  # type: ignore[misc]
    paper = {
        "name": "paper",
        "subject": "order",
        "nodes": [
            {"name": "start", "type": "startEvent"},
            {
                "name": "make",
                "type": "serviceTask",
                "service": "document",
                "input": {"document": '"contract"', "field": '"papers"'},
            },
            {"name": "end", "type": "endEvent"},
        ],
        "flows": [{"name": "f1", "from": "start", "to": "make"}, {"name": "f2", "from": "make", "to": "end"}],
    }
    contract = {
        "name": "contract",
        "label": {"zh": "合同", "en": "Contract"},
        "form": "order",
        "template": "contract.docx",
        "file_name": "HT-{{number}}",
    }
    invoice = {
        "name": "invoice",
        "label": {"zh": "清单", "en": "List"},
        "form": "order",
        "template": "invoice.xlsx",
        "roles": ["clerk"],
    }
    return {
        "app.json": json.dumps({"name": "shop", "version": "1.1.0", "label": shops.text("商店", "Shop")}),
        "customer.form.json": json.dumps(shops.CUSTOMER),
        "order.form.json": json.dumps(order),
        "review.process.json": json.dumps(shops.REVIEW),
        "shop.roles.json": json.dumps(shops.ROLES),
        "shop.rules": shops.RULES,
        "paper.process.json": json.dumps(paper),
        "contract.document.json": json.dumps(contract),
        "invoice.document.json": json.dumps(invoice),
        "contract.docx": base64.b64encode(CONTRACT).decode(),
        "invoice.xlsx": base64.b64encode(INVOICE).decode(),
        **more,
    }


@pytest.fixture
def office(shop: Shop) -> Shop:
    """The shop with its documents."""
    publish(shop.workspace, "shop", source_of(files()), SYSTEM)
    return shop


def order(shop: Shop, product: str = "笔") -> UUID:
    with shop.workspace.work(SYSTEM, command="test") as work:
        customer = {"code": "A1", "name": "杭州甲公司", "size": "small", "amount": 5}
        made = work.records.create("shop.customer", customer)
        lines = [{"product": product, "quantity": 2}, {"product": "墨\n水", "quantity": 1}]
        values = {"number": "O-7", "customer": made.record.id, "day": "2026-03-05", "lines": lines}
        return work.records.create("shop.order", values).record.id


def path_of(id: UUID, name: str) -> str:
    return f"/a/shop/f/order/{id}/document/{name}"


def test_a_word_template_is_filled_in(office: Shop, enter: Enter) -> None:
    id = order(office)
    ann = enter("ann", "clerk")
    page = ann.get(f"/a/shop/f/order/{id}").get_data(as_text=True)
    assert path_of(id, "contract") in page
    answer = ann.get(path_of(id, "contract"))
    assert answer.status_code == 200
    assert "HT-O-7.docx" in answer.headers["Content-Disposition"]
    lines = text_of_docx(answer.data)
    assert lines == [
        "合同编号：O-7  客户：杭州甲公司（A1）",
        "规模：Small，日期：2026-03-05",
        "大写：叁佰零壹元伍角整，多行",
        "序号", "产品", "数量",
        "1", "笔", "2",
        "2", "墨 水", "1",
        "合计", "", "3",
        "· 笔 — O-7",
        "· 墨 水 — O-7",
        "二维码：",
        "没有：west。",
    ]  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert archive.read("word/media/dougong1.png").startswith(b"\x89PNG")
        assert b"media/dougong1.png" in archive.read("word/_rels/document.xml.rels")
        assert b'Extension="png"' in archive.read("[Content_Types].xml")


def test_an_excel_template_is_filled_in_with_numbers_and_days(office: Shop, enter: Enter) -> None:
    id = order(office, WILD)
    answer = enter("ann", "clerk").get(path_of(id, "invoice"))
    page = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert page is not None
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert rows[:3] == [["订单", "O-7", None], ["客户", "杭州甲公司", None], ["产品", "数量", "小计"]]
    assert rows[3] == [WILD, 2, 4]
    # A value that looks like a formula, a place or markup is a text.
    assert page["A4"].data_type == "s"
    assert rows[4] == ["墨 水", 1, 2]
    assert rows[5][:2] == ["合计", 3]
    assert page["C6"].is_date


def test_values_are_texts_in_word_too(office: Shop, enter: Enter) -> None:
    id = order(office, WILD)
    assert WILD in text_of_docx(enter("ann", "clerk").get(path_of(id, "contract")).data)[7].replace(
        "&lt;", "<"
    ).replace("&gt;", ">")


def test_who_may_not_and_what_stays_out(office: Shop, enter: Enter) -> None:
    id = order(office)
    rita, nobody = enter("rita", "reader"), enter("nobody")
    assert rita.get(path_of(id, "contract")).status_code == 403
    assert rita.get(path_of(id, "invoice")).status_code == 404
    assert nobody.get(path_of(id, "contract")).status_code == 404
    ann = enter("ann", "clerk")
    assert ann.get(path_of(id, "other")).status_code == 404
    assert ann.get(path_of(UUID(int=1), "contract")).status_code == 404
    from builder.documents.filling import make

    reader = office.person("ron", "reader")
    with office.workspace.read(reader) as work, pytest.raises(AccessDenied):
        make(work, office.workspace.apps["shop"].documents["contract"], id)


def test_a_process_attaches_the_document_once(office: Shop) -> None:
    id = order(office)
    with office.workspace.work(SYSTEM, command="test") as work:
        work.processes.start("shop.paper", subject=("shop.order", id))
    server = host(office.workspace)
    for _ in range(10):
        with office.workspace.database.write() as connection:
            now = office.workspace.clock.now()
            jobs = queue.claim(connection, now=now, holder="t", patience=Patience(lease_s=0.0))
        if not jobs:
            break
        for job in jobs:
            server.perform(job)
            if job.kind.startswith("process."):
                # Done twice, as after a crash, it leaves one file.
                server.perform(job)
    with office.workspace.read(SYSTEM) as work:
        record = work.records.get("shop.order", id)
        assert record is not None
        papers = record["papers"]
    assert [paper["name"] if isinstance(paper, dict) else paper.name for paper in papers] == ["HT-O-7.docx"]


@pytest.mark.parametrize(
    ("template", "code"),
    [
        (docx_of(paragraph("{{nobody}}")), "document.bad_place"),
        (docx_of(paragraph("{{number +}}")), "document.bad_place"),
        (docx_of(paragraph("{{#nobody}}x{{/nobody}}")), "document.bad_place"),
        (docx_of(paragraph("{{#number}}x{{/number}}")), "document.unknown_rows"),
        (docx_of(paragraph("{{#lines}}x")), "document.open_rows"),
        (docx_of("<!--x-->").replace(b"PK", b"PK", 1)[:200], "document.bad_template"),
        (b"no office file", "document.bad_template"),
    ],
    ids=["name", "syntax", "rows of nothing", "rows of a text", "no end", "cut short", "no file"],
)
def test_what_is_wrong_with_a_template_is_told_before_it_is_published(shop: Shop, template: bytes, code: str) -> None:
    texts = files(**{"contract.docx": base64.b64encode(template).decode()})
    with pytest.raises(DefinitionError) as told:
        publish(shop.workspace, "shop", source_of(texts), SYSTEM)
    assert code in {found.code for found in told.value.diagnostics}


def test_an_unknown_form_or_file_is_told(shop: Shop) -> None:
    for change, code in (
        ({"form": "nobody"}, "document.unknown_form"),
        ({"template": "x.docx"}, "document.no_template"),
    ):
        text = json.dumps({**json.loads(files()["contract.document.json"]), **change})
        with pytest.raises(DefinitionError) as told:
            publish(shop.workspace, "shop", source_of(files(**{"contract.document.json": text})), SYSTEM)
        assert code in {found.code for found in told.value.diagnostics}


def test_templates_live_in_the_app_s_folder_as_office_files(tmp_path) -> None:  # type: ignore[no-untyped-def]
    source = source_of(files())
    export_app(source, tmp_path / "shop")
    assert (tmp_path / "shop" / "contract.docx").read_bytes() == CONTRACT
    assert load_folder(tmp_path / "shop").hash == source.hash

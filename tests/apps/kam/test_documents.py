"""The documents of the template: a contract in Word and an order in Excel, of records as anybody may have them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from builder.documents.filling import make
from builder.releases import load_folder, publish
from builder.runtime.install import install
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.documents.office import text_of_docx
from tests.builder.workspaces import make_workspace, settings_for

APP = Path(__file__).parents[3] / "apps" / "kam_template"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    url = f"sqlite:///{tmp_path / 'w.db'}"
    make_workspace(url)
    opened = Workspace.open(settings_for(url, tmp_path))
    install(opened)
    publish(opened, "kam", load_folder(APP), SYSTEM)
    yield opened
    opened.close()


def test_the_documents_of_the_template_are_made(workspace: Workspace) -> None:
    with workspace.work(SYSTEM, command="test") as work:
        account = work.records.create("kam.account", {"code": "A1", "name": "杭州甲公司"}).record.id
        product = work.records.create("kam.product", {"code": "P1", "name": "巡检"}).record.id
        dates = {"starts_on": "2026-01-01", "ends_on": "2026-12-31"}
        values = {"number": "HT-1", "account": account, "name": "年度服务", "amount": "120500.5", **dates}
        contract = work.records.create("kam.contract", values).record.id
        lines = [{"product": product, "quantity": 4, "price": "1200.25"}]
        order = {"number": "O-1", "account": account, "date": "2026-03-05", "lines": lines}
        order_id = work.records.create("kam.order", order).record.id
    documents = workspace.apps["kam"].documents
    with workspace.read(SYSTEM) as work:
        text = make(work, documents["contract"], contract)
        book = make(work, documents["order_list"], order_id)
    assert text.name == "HT-1 年度服务.docx"
    found = "\n".join(text_of_docx(text.content))
    assert "杭州甲公司" in found
    assert "壹拾贰万零伍佰元伍角整" in found
    assert "{{" not in found
    page = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert page is not None
    assert [cell.value for cell in page[5]] == ["1", "巡检", 4, 1200.25, 4801] or page["E5"].value == 4801
    assert page["B7"].value == "肆仟捌佰零壹元整"

"""A small app for the tests of tables that people bring: customers, orders with lines, a rule that starts things."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import openpyxl

from builder.definitions import source_of
from builder.identity import create_person, principal_of
from builder.imports.sheets.mapping import ColumnChoice, SheetMapping
from builder.imports.sheets.runs import ImportRun, find_run, receive
from builder.imports.sheets.working import begin_check, begin_run, begin_undo, run_to_end
from builder.releases import publish
from builder.runtime.install import install
from builder.workspace import Workspace
from engines.core import SYSTEM, Principal
from engines.form import ListQuery, Record


def text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def field(name: str, type: str, zh: str, en: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "label": text(zh, en), **more}


ALL = ["see", "create", "edit", "delete", "import", "export", "print"]
OPTIONS = [{"name": "small", "label": text("小", "Small")}, {"name": "large", "label": text("大", "Large")}]
RIGHTS = [
    {"role": "clerk", "operations": ALL},
    {"role": "reader", "operations": ["see", "create", "edit"]},
    {"role": "exporter", "operations": ["see", "export"], "fields": [{"name": "amount", "access": "hidden"}]},
    {"role": "west", "operations": ["see"]},
    {"role": "west", "operations": ["export"], "rows": 'region = "west"'},
    {"role": "app", "operations": ALL},
]
CUSTOMER = {
    "name": "customer",
    "label": text("客户", "Customer"),
    "plural": text("客户", "Customers"),
    "title": "name",
    "fields": [
        field("code", "text", "客户编号", "Code", unique=True, required=True),
        field("name", "text", "客户名称", "Name", required=True, search=True),
        field("size", "choice", "规模", "Size", options=OPTIONS),
        field("amount", "money", "合同金额", "Amount", currency="CNY", scale=2, min=0),
        field("share", "percent", "占比", "Share", scale=4),
        field("since", "date", "建档日期", "Since"),
        field("called_at", "datetime", "最近联系", "Called"),
        field("active", "boolean", "有效", "Active"),
        field("region", "text", "地区", "Region"),
        field("tags", "tags", "标签", "Tags"),
        field("keeper", "person", "客户经理", "Manager"),
        field("phone", "text", "电话", "Phone"),
        field("double", "money", "两倍", "Double", currency="CNY", scale=2, formula="amount * 2"),
    ],
    "views": [
        {"name": "all", "label": text("全部", "All"), "columns": ["code", "name", "size", "amount", "since", "phone"]}
    ],
    "permissions": RIGHTS,
}
ORDER = {
    "name": "order",
    "label": text("订单", "Order"),
    "plural": text("订单", "Orders"),
    "title": "number",
    "fields": [
        field("number", "text", "订单号", "Number", unique=True, required=True),
        field("customer", "reference", "客户", "Customer", form="customer", required=True),
        field("day", "date", "日期", "Day"),
        field(
            "lines",
            "subtable",
            "明细",
            "Lines",
            fields=[
                field("product", "text", "产品", "Product", required=True),
                field("quantity", "number", "数量", "Quantity", scale=0, min=1),
            ],
        ),
        field("total", "formula", "总数", "Total", formula="sum(lines.quantity)", result="number"),
    ],
    "permissions": [p for p in RIGHTS if "rows" not in p and "fields" not in p],
}
REVIEW = {
    "name": "review",
    "label": text("复核", "Review"),
    "subject": "customer",
    "nodes": [
        {"name": "start", "type": "startEvent"},
        {"name": "look", "type": "userTask", "label": text("看一看", "Look"), "assignment": {"role": "clerk"}},
        {"name": "end", "type": "endEvent"},
    ],
    "flows": [{"name": "f1", "from": "start", "to": "look"}, {"name": "f2", "from": "look", "to": "end"}],
}
RULES = """rule large_customer {zh: "大客户", en: "A large customer is reviewed"}
  when customer is created
  if size = "large"
  then
    start process review on record
    notify role clerk saying "New large customer"
end

rule no_moon {zh: "月球", en: "No customers on the moon"}
  when customer is created
  if region = "moon"
  then
    refuse saying "There is nobody on the moon."
end

rule west {zh: "西部", en: "A default region"}
  when customer is created
  if region = null
  then
    set region: "west"
end
"""
ROLES = {"roles": [{"name": n, "label": n} for n in ("clerk", "reader", "exporter", "west")]}


@dataclass(kw_only=True)
class Shop:
    """The workspace with its people."""

    workspace: Workspace

    def person(self, login: str, *roles: str) -> Principal:
        """Somebody with roles of the shop."""
        with self.workspace.work(SYSTEM, command="test.person") as work:
            made = create_person(
                work, login=login, name=login.title(), roles=[f"shop.{role}" for role in roles], locale="en"
            )
            id: UUID = made if isinstance(made, UUID) else made.id
        with self.workspace.database.read() as connection:
            found = principal_of(connection, id)
        assert found is not None
        return found

    def bring(self, who: Principal, form: str, content: bytes, name: str = "table.csv") -> ImportRun:
        """Uploads a table."""
        return self.run(receive(self.workspace, who, f"shop.{form}", io.BytesIO(content), name))

    def run(self, id: UUID) -> ImportRun:
        """An import as it stands."""
        with self.workspace.database.read() as connection:
            found = find_run(connection, id)
        assert found is not None
        return found

    def check(self, who: Principal, run: ImportRun, mapping: SheetMapping) -> ImportRun:
        """Tries it out."""
        with self.workspace.work(who, command="test.check") as work:
            begin_check(work, run, mapping)
        return run_to_end(self.workspace, run.id)

    def write(self, who: Principal, run: ImportRun) -> ImportRun:
        """Takes it in."""
        with self.workspace.work(who, command="test.run") as work:
            begin_run(work, self.run(run.id))
        return run_to_end(self.workspace, run.id)

    def undo(self, who: Principal, run: ImportRun) -> ImportRun:
        """Takes it back."""
        with self.workspace.work(who, command="test.undo") as work:
            begin_undo(work, self.run(run.id))
        return run_to_end(self.workspace, run.id)

    def take(
        self, who: Principal, form: str, content: bytes, mapping: SheetMapping, name: str = "table.csv"
    ) -> ImportRun:
        """Brings a table, tries it out, takes it in."""
        return self.write(who, self.check(who, self.bring(who, form, content, name), mapping))

    def records(self, form: str = "customer") -> list[Record]:
        """All records."""
        with self.workspace.read(SYSTEM) as work:
            return list(work.records.page(f"shop.{form}", ListQuery(limit=1000)).records)

    def problems(self, run: ImportRun) -> list[tuple[int, str, str]]:
        """Line, heading and sentence of everything refused."""
        from builder.imports.sheets.runs import problems_page

        with self.workspace.database.read() as connection:
            return [tuple(row) for row in problems_page(connection, run.id, limit=500)]


def columns(*fields: str, by: Mapping[str, str] | None = None) -> tuple[ColumnChoice, ...]:
    """Columns in this order; an empty name leaves one out."""
    return tuple(
        ColumnChoice(place=i, header=f or f"c{i}", field=f, by=(by or {}).get(f, "")) for i, f in enumerate(fields)
    )


def chosen(*fields: str, **more: Any) -> SheetMapping:
    """A mapping of columns in this order."""
    return replace(SheetMapping(columns=columns(*fields, by=more.pop("by", None))), **more)


def csv_of(*lines: Sequence[str], encoding: str = "utf-8") -> bytes:
    """A CSV file."""
    return "".join(",".join(line) + "\r\n" for line in lines).encode(encoding)


def xlsx_of(*lines: Sequence[Any], merged: Sequence[str] = (), sheet: str = "Sheet1", epoch: Any = None) -> bytes:
    """A workbook."""
    book = openpyxl.Workbook()
    if epoch is not None:
        book.epoch = epoch
    page = book.active
    assert page is not None
    page.title = sheet
    for line in lines:
        page.append(list(line))
    for area in merged:
        page.merge_cells(area)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def open_shop(workspace: Workspace) -> Shop:
    """Publishes the shop into a workspace."""
    install(workspace)
    files = {
        "app.json": json.dumps({"name": "shop", "version": "1.0.0", "label": text("商店", "Shop")}),
        "customer.form.json": json.dumps(CUSTOMER),
        "order.form.json": json.dumps(ORDER),
        "review.process.json": json.dumps(REVIEW),
        "shop.roles.json": json.dumps(ROLES),
        "shop.rules": RULES,
    }
    publish(workspace, "shop", source_of(files), SYSTEM)
    return Shop(workspace=workspace)

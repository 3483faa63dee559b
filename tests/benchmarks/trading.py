"""A workspace with the app ``trade`` for measuring: orders of 25 fields, formulas, row conditions, a rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity import create_department, create_person, create_token
from builder.releases import finish, install, load_folder
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import Settings, Workspace
from engines.core import SYSTEM, new_id
from engines.form import StoredForm
from engines.form.storage.bulk import insert_rows
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.sort_keys import sort_key
from tests.builder.workspaces import make_workspace

APP = Path(__file__).with_name("trade")
NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
STATUS = ("draft", "open", "shipped", "closed")
ENTERED = (
    "number subject customer status priority channel ordered_on due_on quantity price discount freight gross net tax "
    "total size contact mail phone city express remark"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """The workspace and who acts in it."""

    workspace: Workspace
    # A seller with a department.
    person: UUID
    department: UUID
    # What the seller calls the API with.
    token: str
    customers: tuple[UUID, ...]

    def form(self, name: str) -> StoredForm:
        """The tables of a form."""
        with self.workspace.read(SYSTEM) as work:
            return work.records.of(name).world.form(name)


def settings_of(url: str) -> Settings:
    """What both the measuring process and the server it starts are set up with."""
    return Settings(database=url, runner="none", argon2_memory_kib=64, log_level="warning")


@contextmanager
def trade(url: str) -> Iterator[Trade]:
    """The app in an empty database, with a seller, a department and a hundred customers."""
    make_workspace(url)
    workspace = Workspace.open(settings_of(url))
    try:
        install(workspace, load_folder(APP), SYSTEM)
        finish(workspace)
        with workspace.work(SYSTEM, command="bench.fill") as work:
            work.connection.execute(sa.update(workspace_table).values(setup_hash=""))
            department = create_department(work, code="east", name={"zh": "华东", "en": "East"})
            person = create_person(
                work, login="sun", name="Sun", departments=[department], roles=["trade.seller"], locale="en"
            )
            token = create_token(work, person_id=person, label="bench", scopes=["write"])
            customers = [
                work.records.create("trade.customer", {"name": f"客户{n:03}", "city": "上海"}).record.id
                for n in range(100)
            ]
        yield Trade(workspace=workspace, person=person, department=department, token=token, customers=tuple(customers))
    finally:
        workspace.close()


def entered(number: int, customer: UUID) -> dict[str, Any]:
    """What a client sends for one order, as JSON data; one in ten is large, and the rule acts on it."""
    return {
        "number": f"N{number:08}",
        "subject": f"办公家具 delivery {number}",
        "customer": str(customer),
        "channel": ("shop", "web", "phone")[number % 3],
        "ordered_on": "2026-03-02",
        "due_on": f"2026-04-{1 + number % 28:02}",
        "quantity": 5000 if number % 10 == 0 else 1 + number % 20,
        "price": 49.90,
        "discount": 0.05,
        "freight": 12,
        "contact": "王小明",
        "mail": "wang@example.com",
        "phone": "13800138000",
        "city": "苏州",
        "express": number % 2 == 0,
        "tags": ["new", "east"],
        "remark": "Deliver to the back door, call before arriving.",
    }


def fill(found: Trade, count: int) -> None:
    """Writes ``count`` orders straight into the table; a quarter of them is open, half of them the seller's."""
    form = found.form("trade.order")
    rows = form.rows
    keys = list(rows.sort_keys)
    columns = [*SYSTEM_COLUMNS, *(rows.columns[n].name for n in ENTERED), *(rows.sort_keys[n].name for n in keys)]
    with found.workspace.database.write() as connection:
        for start in range(0, count, 20_000):
            part = range(start, min(start + 20_000, count))
            insert_rows(connection, rows.table, columns, [_row(found, n, keys) for n in part])
    with found.workspace.database.write() as connection:
        connection.execute(sa.text("ANALYZE"))


def _row(found: Trade, n: int, keys: list[str]) -> list[Any]:
    owner, department = (found.person, found.department) if n % 2 else (None, None)
    price, quantity = Decimal("49.90"), Decimal(1 + n % 20)
    gross = price * quantity
    values: dict[str, Any] = {
        "number": f"O{n * 7919 % 10_000_000:08}",
        "subject": f"Order of furniture {n}",
        "customer": found.customers[n % len(found.customers)],
        "status": STATUS[n // 2 % 4],
        "priority": "normal",
        "channel": "web",
        "ordered_on": date(2026, 1 + n % 3, 1 + n % 28),
        "due_on": date.fromordinal(date(2024, 1, 1).toordinal() + n * 31 % 900),
        "quantity": quantity,
        "price": price,
        "discount": Decimal(0),
        "freight": Decimal(0),
        "gross": gross,
        "net": gross,
        "tax": (gross * Decimal("0.13")).quantize(Decimal("0.01")),
        "total": (gross * Decimal("1.13")).quantize(Decimal("0.01")),
        "size": "medium" if gross > 1000 else "small",
        "contact": "Wang",
        "mail": "wang@example.com",
        "phone": "13800138000",
        "city": "Suzhou",
        "express": False,
        "remark": "Deliver to the back door, call before arriving.",
    }
    system = [new_id(), 1, NOW, found.person, NOW, found.person, owner, department, None, NOW, None]
    return [*system, *(values[name] for name in ENTERED), *(sort_key(values[name]) for name in keys)]

"""The library with a dashboard, and people who see more or less of it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from builder.definitions import AppSource, source_of
from builder.releases import install
from builder.workspace import Workspace
from engines.core import Principal, PrincipalKind, new_id
from tests.builder.platform.apps import ADMIN, LIBRARIAN, library

READER = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"library.reader"}), locale="en")
STRANGER = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"other.librarian"}))


def named(name: str, **extra: Any) -> dict[str, Any]:
    return {"name": name, "label": {"en": name.capitalize(), "zh": name}, **extra}


def tile(name: str, type: str, measures: list[str], dimensions: Any = (), **extra: Any) -> dict[str, Any]:
    usual = {"dataset": "loans", "dimensions": list(dimensions), "measures": measures}
    return {**named(name, type=type), **usual, **extra}


LOANS = named(
    "loans",
    form="loan",
    dimensions=[
        named("month", expression="taken_on", grain="month"),
        named("subject", expression="book.subject"),
        named("book"),
        named("day", expression="taken_on"),
    ],
    measures=[
        named("loans", aggregate="count"),
        named("fees", aggregate="sum", expression="fees", format={"style": "money", "currency": "CNY"}),
        named("worth", aggregate="sum", expression="book.price"),
        named("notes", aggregate="sum", expression="count(notes)"),
    ],
)
DESK = named(
    "desk",
    filters=[
        named("period", type="date_range"),
        named("subject", type="choice"),
        named("book", type="person"),
    ],
    tiles=[
        tile("count", "tile", ["loans"], filter="day in period", place={"x": 0, "y": 0, "w": 3, "h": 2}),
        tile("months", "bar", ["loans"], ["month"], filter="day in period", place={"x": 3, "y": 0, "w": 9, "h": 4}),
        tile("subjects", "pie", ["loans"], ["subject"], place={"x": 0, "y": 4, "w": 4, "h": 4}),
        tile("books", "scatter", ["loans", "fees"], ["book", "subject"], place={"x": 4, "y": 4, "w": 8, "h": 4}),
        tile("worth", "table", ["worth"], ["subject"], totals=True, place={"x": 0, "y": 8, "w": 6, "h": 4}),
        tile("busiest", "pareto", ["loans"], ["book"], place={"x": 6, "y": 8, "w": 6, "h": 4}),
        tile("grid", "pivot", ["loans"], ["subject"], columns=["month"], totals=True,
             place={"x": 0, "y": 12, "w": 12, "h": 4}),
    ],
)  # fmt: skip
CLOSED = {**named("closed", roles=["librarian"]), "tiles": [tile("count", "tile", ["loans"])]}


def library_with_dashboards() -> AppSource:
    """The library with the dashboards "desk", for everybody, and "closed", for librarians."""
    files = {
        "desk/loans.dataset.json": LOANS,
        "desk/desk.dashboard.json": DESK,
        "desk/closed.dashboard.json": CLOSED,
    }
    texts = dict(library().texts())
    app = json.loads(texts["app.json"])
    app["menu"].append({"name": "desk", "label": {"zh": "看板", "en": "Desk"}, "dashboard": "desk"})
    texts["app.json"] = json.dumps(app, ensure_ascii=False, indent=2) + "\n"
    return source_of({**texts, **{path: json.dumps(data, indent=2) for path, data in files.items()}})


def fill(workspace: Workspace, reader: UUID | None = READER.id) -> None:
    """Installs the library and lends: three books, five loans, two of them the reader's."""
    install(workspace, library_with_dashboards(), ADMIN)
    with workspace.work(LIBRARIAN, command="test.fill") as work:
        books = [
            work.records.create("library.book", {"title": title, "subject": subject, "price": Decimal(price)}).record.id
            for title, subject, price in (("Atlas", "science", 30), ("Blue", "novel", 10), ("Cells", "science", 20))
        ]
        loans = [
            (0, "2026-01-05", reader, "1.50"),
            (0, "2026-01-20", None, "0.25"),
            (1, "2026-02-01", reader, None),
            (2, "2026-02-28", None, "2.00"),
            (2, "2025-12-31", None, "4.00"),
        ]
        for number, (book, day, taker, fee) in enumerate(loans, 1):
            work.records.create(
                "library.loan",
                {
                    "number": f"L{number}",
                    "book": books[book],
                    "taken_on": date.fromisoformat(day),
                    "reader": taker,
                    "notes": [{"text": "late", "fee": Decimal(fee)}] if fee else [],
                },
            )

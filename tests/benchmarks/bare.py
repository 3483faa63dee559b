"""What one would write by hand: Flask and SQLAlchemy Core over the same table, without rights, rules or history."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, jsonify, request

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAME = ("number subject channel ordered_on due_on contact mail phone city remark").split()


def create_bare(database: Path, table_name: str, department: str, owner: str) -> Flask:
    """Three endpoints over ``table_name``; the list shows what a seller of ``department`` may see."""
    engine = sa.create_engine(f"sqlite:///{database}", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _connect(driver: Any, _record: Any) -> None:
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute("PRAGMA synchronous=FULL")

    table = sa.Table(table_name, sa.MetaData(), autoload_with=engine)
    mine = sa.or_(table.c.owner == bytes.fromhex(owner), table.c.department == bytes.fromhex(department))
    app = Flask("bare")

    @app.post("/orders")
    def create() -> tuple[Response, int]:
        row = new_row(request.get_json(), bytes.fromhex(owner), bytes.fromhex(department))
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(row))
        return jsonify(plain(row)), 201

    @app.get("/orders/<id>")
    def read(id: str) -> tuple[Response, int]:
        with engine.connect() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == uuid.UUID(id).bytes)).mappings().one_or_none()
        return (jsonify(plain(row)), 200) if row else (jsonify({}), 404)

    @app.get("/orders")
    def listed() -> Response:
        query = sa.select(table).where(table.c.f_status == "open", table.c.deleted_at.is_(None), mine)
        query = query.order_by(table.c.f_due_on.desc(), table.c.id.desc()).limit(20)
        with engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return jsonify([plain(row) for row in rows])

    return app


def new_row(given: dict[str, Any], owner: bytes, department: bytes) -> dict[str, Any]:
    """The columns of a new order, its sums computed by hand in cents."""
    now = (datetime.now(UTC) - EPOCH).total_seconds() * 1e6
    gross = round(given["quantity"] * given["price"] * 100)
    net = round(gross * (1 - given["discount"]))
    tax, freight = round(net * 0.13), round(given["freight"] * 100)
    total = net + tax + freight
    return {
        "id": uuid.uuid4().bytes,
        "version": 1,
        **dict.fromkeys(("created_at", "updated_at", "valid_from"), int(now)),
        **dict.fromkeys(("created_by", "updated_by", "owner"), owner),
        "department": department,
        **{f"f_{name}": given[name] for name in SAME},
        **{f"s_{name}": given[name].lower() for name in ("number", "subject")},
        "f_customer": uuid.UUID(given["customer"]).bytes,
        "f_status": "open",
        "f_priority": "high" if total >= 10_000_000 else "normal",
        "f_quantity": given["quantity"],
        "f_price": round(given["price"] * 100),
        "f_discount": round(given["discount"] * 10_000),
        "f_freight": freight,
        "f_gross": gross,
        "f_net": net,
        "f_tax": tax,
        "f_total": total,
        "f_size": "large" if total >= 10_000_000 else "medium" if total >= 100_000 else "small",
        "f_express": given["express"],
        "f_tags": ",".join(given["tags"]),
    }


def plain(row: Any) -> dict[str, Any]:
    """A row as JSON data."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}

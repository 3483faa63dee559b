"""A small shop of forms for the tests: customers, products, orders with lines, visits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, MetaData, Table, Text

from engines import form
from engines.core import SYSTEM, DefinitionSource, Principal, PrincipalKind
from engines.feel import Budget, EvaluationContext
from engines.feel.storage import Identifier, Instant

NOW = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
ANNA, BEN, CARA = (UUID(int=n) for n in (0xA, 0xB, 0xC))
NORTH, SOUTH = UUID(int=0x10), UUID(int=0x20)
ALL = ["see", "create", "edit", "delete", "import", "export"]

CUSTOMER: dict[str, Any] = {
    "name": "customer",
    "label": {"zh": "顾客", "en": "Customer"},
    "title": "name",
    "fields": [
        {"name": "code", "type": "text", "required": True, "unique": True, "search": True},
        {"name": "name", "type": "text", "required": True, "search": True},
        {"name": "level", "type": "choice", "options": [{"name": "s"}, {"name": "a"}, {"name": "b"}], "default": '"b"'},
        {"name": "limit", "type": "money", "currency": "CNY", "min": 0},
        {"name": "birthday", "type": "date"},
        {"name": "secret", "type": "text"},
        {"name": "spent", "type": "rollup", "relation": "orders", "aggregate": "sum", "field": "total",
         "filter": 'status = "paid"', "result": "money", "scale": 2},
        {"name": "orders_count", "type": "rollup", "relation": "orders", "aggregate": "count", "scale": 0},
        {"name": "big", "type": "formula", "formula": "spent > 1000", "result": "boolean"},
        {"name": "tags", "type": "tags"},
    ],
    "relations": [{"name": "orders", "form": "order", "field": "customer"}],
    "views": [
        {"name": "all", "columns": ["code", "name", "level"], "sort": [{"field": "name"}]},
        {"name": "big_ones", "columns": ["code", "name"], "filter": 'level = "s"',
         "sort": [{"field": "limit", "direction": "desc"}]},
    ],
    "layouts": [{"name": "edit", "purpose": "edit", "items": [{"field": "code"}, {"field": "name"}]}],
    "permissions": [
        {"role": "manager", "operations": ALL},
        {"role": "seller", "operations": ["see", "create", "edit"], "rows": "owner = me",
         "fields": [{"name": "secret", "access": "hidden"}, {"name": "limit", "access": "read"}]},
        {"role": "clerk", "operations": ["see"], "rows": "list contains(my_departments, department)",
         "fields": [{"name": "limit", "access": "masked"}, {"name": "secret", "access": "hidden"}]},
        {"role": "app", "operations": ALL},
    ],
}  # fmt: skip
PRODUCT: dict[str, Any] = {
    "name": "product",
    "title": "name",
    "fields": [
        {"name": "name", "type": "text", "required": True, "search": True},
        {"name": "price", "type": "money"},
        {"name": "active", "type": "boolean", "default": "true"},
    ],
    "permissions": [{"role": "manager", "operations": ALL}, {"role": "seller", "operations": ["see"]}],
}
ORDER: dict[str, Any] = {
    "name": "order",
    "title": "number",
    "fields": [
        {"name": "number", "type": "autonumber", "pattern": "O-{year}-{number:4}", "period": "year"},
        {"name": "customer", "type": "reference", "form": "customer", "required": True},
        {"name": "status", "type": "choice", "options": [{"name": "draft"}, {"name": "paid"}, {"name": "lost"}],
         "default": '"draft"'},
        {"name": "reason", "type": "text", "visible": 'status = "lost"', "required": 'status = "lost"'},
        {"name": "ordered", "type": "date", "default": "today()"},
        {"name": "customer_level", "type": "lookup", "reference": "customer", "field": "level", "result": "text"},
        {"name": "lines", "type": "subtable", "fields": [
            {"name": "product", "type": "reference", "form": "product", "filter": "active"},
            {"name": "quantity", "type": "number", "scale": 3, "required": True, "default": "1",
             "constraint": {"condition": "quantity > 0", "message": {"en": "positive", "zh": "须为正"}}},
            {"name": "price", "type": "money", "required": True},
            {"name": "amount", "type": "money", "formula": "quantity * price"},
        ]},
        {"name": "discount", "type": "percent", "min": 0, "max": 1, "default": "0"},
        {"name": "net", "type": "money", "formula": "if count(lines) = 0 then 0 else sum(lines.amount)"},
        {"name": "total", "type": "money", "formula": "net * (1 - discount)"},
        {"name": "age", "type": "formula", "formula": "(today() - ordered).days", "result": "number", "scale": 0},
    ],
    "constraints": [
        {"name": "within_limit", "condition": "total <= customer.limit", "fields": ["lines"],
         "message": {"en": "above the limit", "zh": "超出额度"}},
        {"name": "small", "condition": "total > 10", "severity": "warning", "message": {"en": "small", "zh": "小额"}},
    ],
    "views": [{"name": "all", "columns": ["number", "customer", "customer.name", "total"],
               "sort": [{"field": "ordered", "direction": "desc"}]}],
    "permissions": [
        {"role": "manager", "operations": ALL},
        {"role": "seller", "operations": ["see", "create", "edit"], "rows": "owner = me"},
        {"role": "clerk", "operations": ["see"], "rows": 'customer.level = "b"',
         "fields": [{"name": "lines.price", "access": "masked"}]},
    ],
}  # fmt: skip


@dataclass
class Names:
    """Definitions by kind and name."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Any | None:
        return self.found.get(kind, {}).get(name.removeprefix("shop."))

    def names(self, kind: str) -> Sequence[str]:
        return list(self.found.get(kind, {}))


def read(data: Mapping[str, Any]) -> form.FormDefinition:
    """A definition from data, which must be valid."""
    loaded = form.load(
        DefinitionSource(file=f"{data['name']}.form.json", text=json.dumps(data, ensure_ascii=False, indent=1))
    )
    assert loaded.definition is not None, [d.render() for d in loaded.diagnostics]
    return loaded.definition


def definitions(*forms: Mapping[str, Any], roles: Sequence[str] = ("manager", "seller", "clerk", "buyer")) -> Names:
    """The forms as an app's definitions."""
    return Names({"form": {data["name"]: read(data) for data in forms}, "role": dict.fromkeys(roles, True)})


def compiled(*forms: Mapping[str, Any]) -> dict[str, form.CompiledForm]:
    """The forms compiled, by qualified name; those of the same text only once."""
    return dict(_compiled(json.dumps(forms)))


@cache
def _compiled(text: str) -> dict[str, form.CompiledForm]:
    names = definitions(*json.loads(text))
    made = [form.compile(item, names, app="shop") for item in names.found["form"].values()]
    return {item.name: item for item in made}


def context(now: datetime = NOW) -> EvaluationContext:
    """An evaluation context with room for batches."""
    budget = Budget(steps=10**9, seconds=600, wall_seconds=600, size=10**12)
    return EvaluationContext(now=now, zone=ZoneInfo("Asia/Shanghai"), budget=budget)


def person(role: str, id: UUID = ANNA, *departments: UUID) -> Principal:
    """Somebody with one role."""
    first = departments[0] if departments else None
    kind = PrincipalKind.PERSON
    return Principal(
        kind=kind, id=id, roles=frozenset({f"shop.{role}"}), department=first, departments=frozenset(departments)
    )


MANAGER = person("manager")


# Where it stands which records are shared.
SHARES = Table(
    "shop_share",
    MetaData(),
    Column("form", Text),
    Column("record", Identifier()),
    Column("grantee", Text),
    Column("access", Text),
    Column("expires_at", Instant()),
    Column("revoked_at", Instant()),
)


def share(
    connection: Connection, form: str, record: UUID, who: Principal, access: str, until: datetime | None = None
) -> Principal:
    """Shares a record with somebody; gives them as they are then."""
    SHARES.create(connection, checkfirst=True)
    key = f"person:{who.id}"
    row = {"form": form, "record": record, "grantee": key, "access": access, "expires_at": until, "revoked_at": None}
    connection.execute(SHARES.insert(), row)
    return replace(who, shares=who.shares | {(form, access, key)})


class Shop:
    """The forms with their tables in a database."""

    def __init__(self, connection: Connection, *forms: Mapping[str, Any]) -> None:
        self.connection = connection
        self.physical = form.MemoryPhysicalNames()
        self.compiled = compiled(*(forms or (CUSTOMER, PRODUCT, ORDER)))
        plan = form.plan({}, self.compiled, self.physical, connection)
        self.forms = form.FormSet(form.apply(connection, plan).values())

    def records(self, principal: Principal = SYSTEM, now: datetime = NOW, **more: Any) -> form.Records:
        """Records for somebody."""
        return form.Records(self.connection, self.forms, principal, context(now), shares=SHARES, **more)

    def customer(self, code: str = "C1", principal: Principal = SYSTEM, **values: Any) -> UUID:
        """A new customer's id."""
        data = {"code": code, "name": f"Customer {code}", **values}
        return self.records(principal).create("shop.customer", data).record.id

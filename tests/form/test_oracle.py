"""Random lists equal those of a naive oracle: filter and rights evaluated in Python, record by record."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from engines import feel
from engines.core import InputError, Principal, PrincipalKind
from engines.form import CompiledPermission, ListQuery, Rights
from tests.form.shop import ANNA, BEN, CARA, NORTH, SOUTH, Shop, context, person, share

PEOPLE = [ANNA, BEN, CARA]
ROLES = ["manager", "seller", "clerk"]
# On each of two databases: together a tenth of the ten thousand of the soak.
QUERIES = 500


def fill(shop: Shop, rnd: random.Random) -> None:
    """Customers and orders with many nulls."""
    records = shop.records()

    def maybe(value: Any) -> Any:
        return None if rnd.random() < 0.25 else value

    customers = [
        {
            "code": f"C{n:02}",
            "name": rnd.choice(["Alpha", "Beta", "张三", "Gamma"]),
            "level": maybe(rnd.choice("sab")),
            "limit": maybe(rnd.randint(0, 9) * 1000),
            "birthday": maybe(date(2026, 3, 1) + timedelta(days=rnd.randint(0, 60))),
            "secret": maybe(rnd.choice("xyz")),
            "owner": rnd.choice(PEOPLE),
            "department": maybe(rnd.choice([NORTH, SOUTH])),
            "tags": maybe(rnd.sample(["new", "big", "old"], 2)),
        }
        for n in range(40)
    ]
    keys = records.create_many("shop.customer", customers).ids
    orders = [
        {
            "customer": rnd.choice(keys),
            "status": maybe(rnd.choice(["draft", "paid"])),
            "ordered": maybe(date(2026, 3, 1) + timedelta(days=rnd.randint(0, 40))),
            "discount": maybe(rnd.choice(["0", "0.1"])),
            "owner": rnd.choice(PEOPLE),
            "lines": [{"price": rnd.randint(0, 40), "quantity": rnd.randint(1, 3)} for _ in range(rnd.randint(0, 3))],
        }
        for _ in range(80)
    ]
    made = records.create_many("shop.order", orders)
    for key in rnd.sample([k for k in made.ids if k], 5):
        records.delete("shop.order", key)


def customer_leaf(rnd: random.Random) -> str:
    return rnd.choice(
        [
            f"limit {rnd.choice(['=', '!=', '<', '>='])} {rnd.randint(0, 9) * 1000}",
            f'level {rnd.choice(["=", "!="])} "{rnd.choice("sab")}"',
            f'birthday {rnd.choice(["<", ">"])} date("2026-03-{rnd.randint(10, 31)}")',
            f'secret = "{rnd.choice("xyz")}"',
            "limit = null",
            "owner = me",
            f'contains(name, "{rnd.choice("aA张")}")',
            f"count(orders) > {rnd.randint(0, 3)}",
            f'count(orders[status = "paid"]) >= {rnd.randint(0, 2)}',
            f"some o in orders satisfies o.total > {rnd.randint(0, 60)}",
            f"sum(orders.net) > {rnd.randint(0, 90)}",
            f"spent between 0 and {rnd.randint(0, 90)}",
            f'list contains(tags, "{rnd.choice(["new", "big"])}")',
            "big",
        ]
    )


def order_leaf(rnd: random.Random) -> str:
    return rnd.choice(
        [
            f"total {rnd.choice(['=', '!=', '<', '>='])} {rnd.randint(0, 60)}",
            f'status {rnd.choice(["=", "!="])} "{rnd.choice(["draft", "paid"])}"',
            f'customer.level {rnd.choice(["=", "!="])} "{rnd.choice("sab")}"',
            f"some line in lines satisfies line.price > {rnd.randint(0, 40)}",
            f"customer.limit > {rnd.randint(0, 9) * 1000}",
            "customer.owner = me",
            f"age > {rnd.randint(0, 30)}",
            f"count(lines) = {rnd.randint(0, 3)}",
            f"every line in lines satisfies line.amount < {rnd.randint(0, 60)}",
            f"max(lines.price) > {rnd.randint(0, 40)}",
            'customer_level = "b"',
            "ordered <= today()",
        ]
    )


def condition(rnd: random.Random, leaf: Any, depth: int = 2) -> str:
    if depth == 0 or rnd.random() < 0.4:
        return str(leaf(rnd))
    kind = rnd.choice(["and", "or", "not"])
    if kind == "not":
        return f"not({condition(rnd, leaf, depth - 1)})"
    return f"({condition(rnd, leaf, depth - 1)}) {kind} ({condition(rnd, leaf, depth - 1)})"


class Oracle:
    """All records in memory, as one principal may see them."""

    def __init__(self, shop: Shop, who: Principal, shared: Collection[tuple[str, UUID]] = ()) -> None:
        # Records shared with who acts.
        self.shared = shared
        self.shop = shop
        self.around = shop.records(who).world.around
        self.rights = {name: Rights(shop.compiled[name], who) for name in ("shop.customer", "shop.order")}
        system = shop.records()
        self._contexts: dict[str, dict[Any, dict[str, Any]]] = {}
        self.all = {
            name: {
                r.id: r.to_dict()
                for r in system.get_many(name, [r.id for r in system.page(name, ListQuery(limit=1000)).records])
            }
            for name in self.rights
        }

    def whole(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record as the system sees it."""
        seen = {**self.around, **record}
        if name == "shop.order":
            seen["customer"] = self.all["shop.customer"].get(record["customer"])
        return seen

    def holds(self, name: str, record: Mapping[str, Any], entry: CompiledPermission) -> bool:
        if entry.share:
            return (name, record["id"]) in self.shared
        return entry.rows is None or entry.rows.evaluate(self.whole(name, record), context()).value is True

    def sees(self, name: str, record: Mapping[str, Any]) -> bool:
        return any(self.holds(name, record, p) for p in self.rights[name].granting("see"))

    def shown(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """The values that may be read of one record."""
        found = dict(record)
        for field in self.shop.compiled[name].fields:
            if not self.reads(name, record, field):
                found[field] = None
        for table, field in self.shop.compiled[name].subtables.items():
            closed = [c for c in field.rows or () if not self.reads(name, record, f"{table}.{c}")]
            found[table] = [{c: None if c in closed else v for c, v in row.items()} for row in found[table] or ()]
        return found

    def reads(self, name: str, record: Mapping[str, Any], field: str) -> bool:
        return any(self.holds(name, record, p) for p in self.rights[name].giving(field, "read"))

    def context(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        seen = {**self.around, **self.shown(name, record)}
        if name == "shop.order":
            target = self.all["shop.customer"].get(record["customer"])
            visible = target is not None and self.sees("shop.customer", target)
            seen["customer"] = self.shown("shop.customer", target) if visible and target else {"id": record["customer"]}
        else:
            mine = [o for o in self.all["shop.order"].values() if o["customer"] == record["id"]]
            seen["orders"] = [self.shown("shop.order", o) for o in mine if self.sees("shop.order", o)]
        return seen

    def ids(self, name: str, text: str) -> set[Any]:
        expression = feel.compile(text, self.shop.compiled[name].scope)
        if name not in self._contexts:
            seen = {key: record for key, record in self.all[name].items() if self.sees(name, record)}
            self._contexts[name] = {key: self.context(name, record) for key, record in seen.items()}
        with_budget = context()
        return {k for k, c in self._contexts[name].items() if expression.evaluate(c, with_budget).value is True}


def principals() -> list[Principal]:
    """People of whom several hold the same roles, so that one's statements serve the others."""
    given: list[tuple[UUID, str, tuple[UUID, ...]]] = [
        (ANNA, "manager", (NORTH,)),
        (ANNA, "seller", (NORTH,)),
        (BEN, "seller", ()),
        (BEN, "clerk", (NORTH,)),
        (ANNA, "clerk", (SOUTH,)),
        (CARA, "clerk", (NORTH, SOUTH)),
        (CARA, "clerk", ()),
        (CARA, "seller clerk", (NORTH,)),
        (BEN, "seller clerk", (SOUTH, NORTH)),
    ]
    return [
        Principal(
            kind=PrincipalKind.PERSON,
            id=who,
            roles=frozenset(f"shop.{role}" for role in roles.split()),
            departments=frozenset(departments),
            department=departments[0] if departments else None,
        )
        for who, roles, departments in given
    ]


def with_shares(shop: Shop, rnd: random.Random) -> Iterator[tuple[Principal, set[tuple[str, UUID]]]]:
    """People with whom some records were shared: one with a role of her own, one without any."""
    for role, who in (("seller", ANNA), ("nobody", CARA)):
        principal, shared = person(role, who), set()
        for name in ("shop.customer", "shop.order"):
            records = shop.records().page(name, ListQuery(limit=1000)).records
            for record in rnd.sample(records, 12):
                principal = share(shop.connection, name, record.id, principal, rnd.choice(["see", "edit"]))
                shared.add((name, record.id))
        yield principal, shared


def compare(connection: Connection, seed: int, queries: int) -> tuple[int, int]:
    """How many queries were run and how many found rows; each must equal the oracle's ids."""
    rnd = random.Random(seed)
    shop = Shop(connection)
    fill(shop, rnd)
    run = found = 0
    oracles = [(who, Oracle(shop, who)) for who in principals()]
    oracles += [(who, Oracle(shop, who, shared)) for who, shared in with_shares(shop, rnd)]
    name, text = "shop.customer", "big"
    while run < queries:
        who, oracle = rnd.choice(oracles)
        # Half of the queries are asked again by somebody else.
        if rnd.random() < 0.5:
            name, leaf = rnd.choice([("shop.customer", customer_leaf), ("shop.order", order_leaf)])
            text = condition(rnd, leaf)
        records = shop.records(who)
        try:
            page = records.page(name, ListQuery(filter=text, limit=1000))
        except InputError:
            assert any(
                field.rpartition(".")[2] in text and rights.never(field, "read")
                for rights in oracle.rights.values()
                for field in rights.form.rights_names()
            ), f"{text} was refused to {who.roles}"
            continue
        ids = {record.id for record in page.records}
        assert ids == oracle.ids(name, text), (sorted(who.roles), name, text)
        assert records.count(name, ListQuery(filter=text)).value == len(ids)
        run += 1
        found += bool(ids)
    return run, found


def test_lists_equal_the_oracle(connection: Connection) -> None:
    run, found = compare(connection, seed=20260331, queries=QUERIES)
    assert run == QUERIES
    assert found >= run / 2, "at least half of the queries find rows"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_lists_equal_the_oracle(connection: Connection) -> None:
    run, found = compare(connection, seed=7, queries=10_000)
    assert found >= run / 2

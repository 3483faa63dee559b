"""Expressions, tables and rule sets against zen-engine (Rust), sweeps against SQL by hand, 10,000 rules to 1,000."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import zen
from sqlalchemy import Column, Connection, Engine, Index, MetaData, Table, text

from engines import feel
from engines.core import DefinitionSource
from engines.feel import storage
from engines.rules import (
    EventKind,
    RuleData,
    RuleEvent,
    RuleSet,
    SweepTime,
    absences,
    compile_decision,
    compile_rules,
    load_decision,
    load_rules,
    run,
    sweep,
)
from engines.rules.actions import RecordRef
from tests.benchmarks.harness import Measurement, duration, rate
from tests.databases import database_engine
from tests.rules.tables import Model, TableSource

CONTEXT = feel.EvaluationContext(
    now=datetime(2026, 3, 2, tzinfo=UTC),
    zone=ZoneInfo("UTC"),
    budget=feel.Budget(steps=10**12, size=10**14, seconds=1e9, wall_seconds=1e9),
)
SCOPE = feel.Scope(
    {
        "amount": feel.NUMBER,
        "level": feel.STRING,
        "items": feel.ListType(feel.ContextType({"price": feel.NUMBER, "state": feel.STRING})),
    }
)
THIN = {"amount": 120, "level": "gold"}
FAT = {**THIN, "items": [{"price": n, "state": "won" if n % 2 else "lost"} for n in range(100)]}


def measure() -> Iterator[Measurement]:
    """Every line of the table."""
    yield expression("rules.condition/zen", 'amount > 100 and level = "gold"', 'amount > 100 and level == "gold"', THIN)
    yield expression("rules.fat_record/zen", 'amount > 100 and level = "gold"', 'amount > 100 and level == "gold"', FAT)
    yield expression(
        "rules.aggregate/zen",
        'sum(items[state = "won"].price)',
        'sum(map(filter(items, #.state == "won"), #.price))',
        FAT,
    )
    yield table()
    yield from thousand()
    yield many()
    yield from tracing()
    for name in ("sqlite", "postgresql"):
        with database_engine(name) as engine:
            boxes_and_moves(engine)
            with engine.connect() as connection:
                yield from sweep_sql(connection)


def decimals(value: Any) -> Any:
    """The same data as our records hold it."""
    if isinstance(value, dict):
        return {key: decimals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decimals(item) for item in value]
    return Decimal(value) if isinstance(value, int) else value


def expression(name: str, ours: str, theirs: str, data: dict[str, Any]) -> Measurement:
    """One expression on one record."""
    compiled, record = feel.compile(ours, SCOPE), decimals(data)
    reference = zen.compile_expression(theirs)
    assert float(feel.to_python(compiled.evaluate(record, CONTEXT).value)) == float(reference.evaluate(data))
    return rate(name, lambda: compiled.evaluate(record, CONTEXT), lambda: reference.evaluate(data), number=2_000)


LIMITS = [(0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 70), (70, 80), (80, 90), (90, 1000)]


def table() -> Measurement:
    """A table of ten rows and two inputs, first hit."""
    rules = [
        {"name": f"r{i}", "when": [f"[{low}..{high})", '"gold", "silver"' if i % 2 else "-"], "then": [f'"{i}"']}
        for i, (low, high) in enumerate(LIMITS)
    ]
    decision = {
        "name": "size",
        "inputs": [{"name": "amount", "type": "number"}, {"name": "level", "type": "text"}],
        "decisions": [
            {
                "name": "size",
                "table": {
                    "hit_policy": "FIRST",
                    "inputs": [{"expression": "amount", "type": "number"}, {"expression": "level", "type": "text"}],
                    "outputs": [{"name": "size", "type": "text"}],
                    "rules": rules,
                },
            }
        ],
    }
    loaded = load_decision(DefinitionSource(file="size.decision.json", text=json.dumps(decision)))
    assert loaded.definition is not None
    compiled = compile_decision(loaded.definition)
    reference = zen.ZenEngine().create_decision(json.dumps(_zen_table()))
    record, data = {"amount": Decimal(95), "level": "gold"}, {"amount": 95, "level": "gold"}
    assert compiled.decide(record, CONTEXT).value == reference.evaluate(data)["result"]["size"] == "9"
    return rate(
        "rules.table/zen", lambda: compiled.decide(record, CONTEXT), lambda: reference.evaluate(data), number=500
    )


def _zen_table() -> dict[str, Any]:
    rules = [
        {"_id": str(i), "a": f"[{low}..{high})", "b": '"gold", "silver"' if i % 2 else "", "o": f'"{i}"'}
        for i, (low, high) in enumerate(LIMITS)
    ]
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": "a", "name": "a", "field": "amount"}, {"id": "b", "name": "b", "field": "level"}],
        "outputs": [{"id": "o", "name": "o", "field": "size"}],
        "rules": rules,
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "position": {"x": 0, "y": 0}},
        {"id": "t", "name": "t", "type": "decisionTableNode", "position": {"x": 0, "y": 0}, "content": content},
        {"id": "out", "name": "out", "type": "outputNode", "position": {"x": 0, "y": 0}},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "t", "type": "edge"},
        {"id": "2", "sourceId": "t", "targetId": "out", "type": "edge"},
    ]
    return {"nodes": nodes, "edges": edges}


def ruleset(count: int, condition: Callable[[int], str]) -> RuleSet:
    """Rules on one form."""
    rules = [f"rule r{n} when box is saved if {condition(n)} then stop end" for n in range(count)]
    loaded = load_rules(DefinitionSource(file="many.rules", text="\n".join(rules)))
    assert loaded.definition is not None
    return RuleSet([compile_rules(loaded.definition)])


def tracing() -> Iterator[Measurement]:
    """The same run with and without a trace of every rule that was looked at, and of every row of a table."""
    rules, record = ruleset(50, lambda n: f'amount > {n} and level != "l{n}"'), {"amount": Decimal(90), "level": "l7"}
    yield duration("rules.tracing", saved(rules, record, trace=True), saved(rules, record), number=50)
    rows = [{"name": f"r{n}", "when": [f"[{n}..{n + 1})"], "then": [str(n)]} for n in range(100)]
    table = {"inputs": [{"expression": "amount", "type": "number"}], "outputs": [{"name": "x"}], "rules": rows}
    text = json.dumps({"name": "t", "inputs": [{"name": "amount"}], "decisions": [{"name": "t", "table": table}]})
    decision = compile_decision(load_decision(DefinitionSource(file="t.decision.json", text=text)).definition)  # type: ignore[arg-type]
    yield duration(
        "rules.tracing (decision)",
        lambda: decision.decide(record, CONTEXT, trace=True),
        lambda: decision.decide(record, CONTEXT),
        number=50,
    )


def saved(rules: RuleSet, record: dict[str, Any], *, trace: bool = False) -> Callable[[], object]:
    """Runs the rules on a saved record."""
    event = RuleEvent(
        kind=EventKind.RECORD_UPDATED, at=datetime(2026, 3, 2, tzinfo=UTC), record=RecordRef(form="box", id=UUID(int=1))
    )
    data = RuleData(record=record, context=CONTEXT)
    return lambda: run(rules, event, data, trace=trace)


def thousand() -> Iterator[Measurement]:
    """A thousand conditions on one record: all evaluated, one by one or together, and found through the index."""
    conditions = [f'amount > {n} and level = "l{n}"' for n in range(1000)]
    scope = feel.Scope({"amount": feel.NUMBER, "level": feel.STRING})
    compiled = [feel.compile(one, scope) for one in conditions]
    theirs = [zen.compile_expression(one.replace(" = ", " == ")) for one in conditions]
    record, data = {"amount": Decimal(5000), "level": "l500"}, {"amount": 5000, "level": "l500"}

    together = feel.Batch(compiled)

    def apart() -> None:
        for one in compiled:
            one.evaluate(record, CONTEXT)

    def reference() -> None:
        for one in theirs:
            one.evaluate(data)

    assert together.values(record, CONTEXT) == [one.evaluate(data) for one in theirs]
    yield rate("rules.thousand/zen", lambda: together.values(record, CONTEXT), reference, number=50)
    yield rate("rules.thousand_one_by_one/zen", apart, reference, number=10)
    rules = ruleset(1000, lambda n: conditions[n])
    yield rate("rules.thousand_indexed/zen", saved(rules, record), reference, number=200)


def many() -> Measurement:
    """Ten thousand rules against one thousand, ten hits each."""
    big = ruleset(10_000, lambda n: f'level = "l{n % 1000}"')
    small = ruleset(1_000, lambda n: f'level = "l{n % 100}"')
    record = {"level": "l7"}
    return duration("rules.ten_thousand/one_thousand", saved(big, record), saved(small, record), number=200)


# Sweeps

META = MetaData()
BOXES = Table(
    "boxes",
    META,
    Column("id", storage.Identifier(), primary_key=True),
    Column("kind", storage.CodePointText()),
    Column("created_at", storage.Instant()),
)
MOVES = Table(
    "moves",
    META,
    Column("id", storage.Identifier(), primary_key=True),
    Column("box_id", storage.Identifier()),
    Column("day", storage.CalendarDate()),
    Index("moves_of_box", "box_id", "day"),
)
BOX_MODEL = Model(table=BOXES, types={"id": feel.IDENTIFIER, "kind": feel.STRING, "created_at": feel.DATE_TIME})
MOVE_MODEL = Model(table=MOVES, types={"id": feel.IDENTIFIER, "day": feel.DATE})
BOX_MODEL.relations["moves"] = (MOVE_MODEL, "box_id")
COUNT = int(os.environ.get("DOUGONG_BENCH_RECORDS", "1000000"))
TODAY = date(2026, 3, 2)
CREATED = datetime(2020, 1, 1, tzinfo=UTC)
# What a person would write: once by grouping, once by what is not there.
HAND = {
    "group": """
SELECT b.id, max(m.day) AS day FROM boxes b JOIN moves m ON m.box_id = b.id
WHERE b.kind = 'cow' GROUP BY b.id HAVING max(m.day) <= :latest""",
    "not exists": """
SELECT b.id, (SELECT max(m.day) FROM moves m WHERE m.box_id = b.id) AS day FROM boxes b
WHERE b.kind = 'cow' AND NOT EXISTS (SELECT 1 FROM moves m WHERE m.box_id = b.id AND m.day > :latest)""",
}


class _Definitions:
    def get(self, kind: str, name: str) -> None:
        return None

    def names(self, kind: str) -> list[str]:
        return ["box"]

    def settings(self) -> dict[str, feel.FeelType]:
        return {}

    def shape(self, form: str) -> Any:
        from tests.rules.tables import Shape

        return Shape(BOX_MODEL)


def fill(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Puts rows in by the shortest way of each database."""
    raw = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        with raw.copy(f"COPY {table.name} FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
        return
    dialect = connection.dialect
    binds = [column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value) for column in table.c]
    marks = ", ".join("?" * len(binds))
    stored = (tuple(bind(value) for bind, value in zip(binds, row, strict=True)) for row in rows)
    raw.executemany(f"INSERT INTO {table.name} VALUES ({marks})", stored)


def boxes_and_moves(engine: Engine) -> None:
    """Many boxes with four moves each."""
    with engine.begin() as connection:
        META.create_all(connection)
        fill(connection, BOXES, ((UUID(int=n), "cow" if n % 4 == 0 else "x", CREATED) for n in range(COUNT)))
        fill(
            connection,
            MOVES,
            (
                (UUID(int=n * 4 + k), UUID(int=n), TODAY - timedelta(days=(n * 7 + k * 13) % 90))
                for n in range(COUNT)
                for k in range(4)
            ),
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.name == "postgresql" else "ANALYZE")


def sweep_sql(connection: Connection) -> Iterator[Measurement]:
    """An absence rule over many records against the statement that a person would write."""
    source = DefinitionSource(
        file="dry.rules", text='rule dry when box has no moves dated by day for 30 days if kind = "cow" then stop end'
    )
    loaded = load_rules(source)
    assert loaded.definition is not None
    rules = RuleSet([compile_rules(loaded.definition, _Definitions())])
    (candidate,) = rules.clock_triggers()
    now = datetime.combine(TODAY, datetime.min.time(), UTC)
    when = SweepTime(since=now - timedelta(days=1), now=now, zone=ZoneInfo("UTC"))
    dialect = connection.dialect.name
    made = sweep(candidate.rule, candidate.trigger, TableSource(BOX_MODEL), dialect, when, {})
    assert made is not None
    latest: Any = TODAY - timedelta(days=30)
    for way, by_hand in HAND.items():
        hand = text(by_hand).bindparams(latest=str(latest) if dialect == "sqlite" else latest)
        hand = hand.columns(id=BOXES.c.id.type, day=MOVES.c.day.type)
        assert set(connection.execute(made.select).all()) == set(connection.execute(hand).all())
        yield duration(
            f"rules.sweep/{way} ({dialect}, {COUNT:,})",
            lambda: connection.execute(made.select).all(),
            lambda hand=hand: connection.execute(hand).all(),
            number=1,
        )
    first = TODAY - timedelta(days=365)
    zone = ZoneInfo("UTC")
    looking_back = absences(candidate.rule, candidate.trigger, TableSource(BOX_MODEL), dialect, first, TODAY, {}, zone)
    yield duration(
        f"rules.backtest/sweep ({dialect}, {COUNT:,}, a year)",
        lambda: connection.execute(looking_back.select).all(),
        lambda: connection.execute(made.select).all(),
        number=1,
        repeats=1,
    )

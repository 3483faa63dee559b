"""FEEL against zen, the Rust engine: the same conditions on the same plain Python records."""

from __future__ import annotations

import gc
import time
from decimal import Decimal
from typing import Any

import zen

from engines import feel
from engines.feel import expression
from tests.benchmarks.harness import Measurement, duration, rate
from tests.feel.test_sandbox import HOSTILE, outcome

ORDER = feel.ContextType({"status": feel.STRING, "amount": feel.NUMBER})
SCOPE = feel.Scope({"amount": feel.NUMBER, "status": feel.STRING, "orders": feel.ListType(ORDER)})
SMALL: dict[str, Any] = {"amount": Decimal(7), "status": "won"}
ORDERS = [{"status": "won" if n % 3 else "lost", "amount": Decimal(n)} for n in range(100)]
LARGE = {**SMALL, "orders": ORDERS}
PLAIN = {"amount": 7, "status": "won"}
PLAIN_LARGE = {**PLAIN, "orders": [{"status": order["status"], "amount": int(order["amount"])} for order in ORDERS]}
CONDITION = 'amount > 5 and status = "won"'
TYPICAL = 'amount > 5 and (status = "won" or status = "open") and count(orders[amount > 10]) > 3'


def measure() -> list[Measurement]:
    """Rates of evaluation, and the time of parsing and compiling a condition that is not cached."""
    mine = feel.compile(CONDITION, SCOPE)
    theirs = zen.compile_expression(CONDITION.replace(" = ", " == "))
    total = feel.compile('sum(orders[status = "won"].amount)', SCOPE)
    total_zen = zen.compile_expression('sum(map(filter(orders, #.status == "won"), #.amount))')
    context = feel.EvaluationContext(budget=feel.Budget(steps=10**12, size=10**12, seconds=10**6, wall_seconds=10**6))

    def compile_anew() -> None:
        expression._compiled.cache_clear()
        feel.compile(TYPICAL, SCOPE)

    return [
        rate(
            "feel.simple_condition/zen",
            lambda: mine.evaluate(SMALL, context),
            lambda: theirs.evaluate(PLAIN),
            number=20_000,
        ),
        rate(
            "feel.simple_condition_100_orders/zen",
            lambda: mine.evaluate(LARGE, context),
            lambda: theirs.evaluate(PLAIN_LARGE),
            number=2_000,
        ),
        rate(
            "feel.filter_and_sum/zen",
            lambda: total.evaluate(LARGE, context),
            lambda: total_zen.evaluate(PLAIN_LARGE),
            number=1_000,
        ),
        duration("feel.parse_and_compile/1 ms", compile_anew, _a_millisecond, number=50),
        hostile(),
    ]


def hostile() -> Measurement:
    """The hostile expression that takes longest, of processor time, against the tenth of a second that it may take."""
    feel.compile("1")
    seconds = {}
    for name, text, _ in HOSTILE:
        gc.collect()
        start = time.thread_time()
        outcome(text)
        seconds[name] = time.thread_time() - start
    name = max(seconds, key=seconds.__getitem__)
    worst = seconds[name] * 1e3
    return Measurement(name=f"feel.hostile ({name})/100 ms", ours=worst, reference=100, ratio=worst / 100, unit="ms")


def _a_millisecond() -> None:
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass

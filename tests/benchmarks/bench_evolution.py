"""Changing a form over a million records, on both databases: how long a publish takes, and what it keeps waiting.

``publish``: an additive change against the two seconds that it may take. ``reader``: the slowest of the pages that are
read all the while (publish and index), against a tenth of a second. ``convert``: thousands of records converted in a
second, by the jobs of the runner.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from builder.identity import Identity
from builder.releases import finish, followups_of, open_draft, publish
from engines.core import SYSTEM
from tests.benchmarks.bench_lists import OPEN, multiply, orders
from tests.benchmarks.harness import Measurement
from tests.benchmarks.trading import Trade
from tests.databases import DATABASES

PUBLISH_S = 2.0
READER_MS = 100.0
CONVERT_S = 10.0
NEW = {"name": "batch", "type": "text", "label": {"zh": "批次", "en": "Batch"}, "search": True}
TAGS = {"name": "contact", "type": "tags", "label": {"zh": "联系人", "en": "Contact"}}


def edit(found: Trade, path: str, value: object) -> None:
    """Puts one change into the draft."""
    with found.workspace.work(SYSTEM, command="bench.draft") as work:
        open_draft(work, "trade").edit(path, value)


@contextmanager
def reading(found: Trade) -> Iterator[list[float]]:
    """Milliseconds of the pages that a seller reads during the block."""
    signed_in = Identity(found.workspace).authenticate_token(found.token)
    assert signed_in
    taken: list[float] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.01):
            start = time.perf_counter()
            with found.workspace.read(signed_in.principal) as work:
                work.records.page("trade.order", OPEN)
            taken.append((time.perf_counter() - start) * 1e3)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()


def evolve(found: Trade, kind: str) -> Iterator[Measurement]:
    """A field with an index, then a conversion that is left off after some seconds."""
    edit(found, "form:order/fields/batch", NEW)
    with reading(found) as taken:
        start = time.perf_counter()
        publish(found.workspace, "trade", None, SYSTEM, later=True)
        seconds = time.perf_counter() - start
        finish(found.workspace)
    yield line(f"evolution.publish_{kind}/limit", seconds, PUBLISH_S, "s")
    yield line(f"evolution.reader_{kind}/limit", max(taken), READER_MS, "ms")
    edit(found, "form:order/fields/contact", TAGS)
    publish(found.workspace, "trade", None, SYSTEM, later=True)
    start = time.monotonic()
    finish(found.workspace, until=start + CONVERT_S)
    with found.workspace.read(SYSTEM) as work:
        (step,) = [s for s in followups_of(work.connection, "trade") if s.step["do"] == "convert"]
    done = (step.progress or {})["done"] / 1e3
    yield line(f"evolution.convert_{kind}/thousand_a_second", done / (time.monotonic() - start), 1.0, "1000/s")


def line(name: str, ours: float, reference: float, unit: str) -> Measurement:
    """What was measured, against what was promised."""
    return Measurement(name=name, ours=ours, reference=reference, ratio=ours / reference, unit=unit)


def measure() -> Iterator[Measurement]:
    """Over a million orders."""
    for kind in DATABASES:
        with orders(kind) as found:
            multiply(found)
            yield from evolve(found, kind)

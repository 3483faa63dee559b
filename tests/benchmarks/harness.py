"""Interleaved measuring: ours and the reference in turn, so that a drifting machine moves both alike."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

REPEATS = 7
Clock = Callable[[], float]
OUT = Path("var/bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One line of the table."""

    # "<part>.<what>/<reference>"
    name: str
    # Median of ours and of the reference, in ``unit``.
    ours: float
    reference: float
    # Above 1 means faster for rates; time over time where the unit is seconds or milliseconds.
    ratio: float
    # "1/s" for rates, "ms" or "s" for times.
    unit: str


def rate(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    *,
    number: int,
    repeats: int = REPEATS,
    clock: Clock = time.perf_counter,
) -> Measurement:
    """Calls a second of both, as a ratio above 1 when ours is faster. ``number``: calls in each round.

    With ``clock=time.process_time`` a second is one of the processor's: what waits for a disk is not counted.
    """
    mine, theirs = _interleave(ours, reference, number, repeats, clock)
    return Measurement(name=name, ours=number / mine, reference=number / theirs, ratio=theirs / mine, unit="1/s")


def duration(
    name: str, ours: Callable[[], object], reference: Callable[[], object], *, number: int = 1, repeats: int = REPEATS
) -> Measurement:
    """Milliseconds of one call of both, as time over time: below 1 when ours is faster."""
    mine, theirs = _interleave(ours, reference, number, repeats, time.perf_counter)
    return Measurement(
        name=name, ours=mine / number * 1e3, reference=theirs / number * 1e3, ratio=mine / theirs, unit="ms"
    )


def show(part: str, lines: Iterable[Measurement]) -> None:
    """Prints the table of one part and writes ``var/bench/<part>.json``."""
    rows = list(lines)
    print(f"\n{part:<44}{'ours':>14}{'reference':>14}{'ratio':>9}  unit")
    for row in rows:
        print(f"{row.name:<44}{row.ours:>14,.1f}{row.reference:>14,.1f}{row.ratio:>9.2f}  {row.unit}")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{part}.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


def _interleave(
    ours: Callable[[], object], reference: Callable[[], object], number: int, repeats: int, clock: Clock
) -> tuple[float, float]:
    """Median seconds by ``clock`` of ``number`` calls of both, after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_number in range(repeats + 1):
        for side, call in enumerate((ours, reference)):
            gc.collect()
            start = clock()
            for _ in range(number):
                call()
            if round_number:
                times[side].append(clock() - start)
    return median(times[0]), median(times[1])

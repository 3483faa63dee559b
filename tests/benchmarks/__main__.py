"""Runs the benchmarks: every module ``bench_<part>.py`` beside this one has ``measure() -> Iterable[Measurement]``."""

import sys
from importlib import import_module
from pathlib import Path

from tests.benchmarks.harness import show

PARTS = sorted(p.stem.removeprefix("bench_") for p in Path(__file__).parent.glob("bench_*.py"))

for part in sys.argv[1:] or PARTS:
    if part not in PARTS:
        sys.exit(f'there is no benchmark "{part}"; there are: {", ".join(PARTS)}')
    show(part, import_module(f"tests.benchmarks.bench_{part}").measure())

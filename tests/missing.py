"""What a machine lacks: a skip that the summary of the run repeats aloud, with ``CI=true`` a failure."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, NoReturn

import pytest

MARK = "NOT CHECKED: "


def missing(what: str) -> NoReturn:
    """Ends a test or fixture for want of ``what``, a sentence that says what is missing and what was not checked."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(MARK + what)


def lines(skipped: list[Any]) -> list[str]:
    """How many tests did not run for want of what, from the reports of skipped tests."""
    reasons = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    counts = Counter(reason.split(MARK, 1)[1] for reason in reasons if MARK in reason)
    return [f"{count} tests: {reason}" for reason, count in sorted(counts.items())]

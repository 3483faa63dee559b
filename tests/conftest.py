"""What holds for every test: large counts run only when they are asked for; what a machine lacks is said aloud."""

import os

import pytest

from tests.missing import lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests marked ``soak`` unless ``DOUGONG_SOAK=1``, as ``make soak`` sets it."""
    if os.environ.get("DOUGONG_SOAK") == "1":
        return
    large = [item for item in items if item.get_closest_marker("soak")]
    if large:
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was not checked because this machine lacks something."""
    found = lines(terminalreporter.stats.get("skipped", []))
    if found:
        terminalreporter.section("NOT CHECKED on this machine", sep="!", red=True, bold=True)
        for line in found:
            terminalreporter.line(line, red=True)

"""What holds for every test: large counts run only when they are asked for."""

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests marked ``soak`` unless ``DOUGONG_SOAK=1``, as ``make soak`` sets it."""
    if os.environ.get("DOUGONG_SOAK") == "1":
        return
    large = [item for item in items if item.get_closest_marker("soak")]
    if large:
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]

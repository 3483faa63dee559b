"""The apps of the workspace as pages need them."""

from __future__ import annotations

from typing import Any


def apps() -> dict[str, Any]:
    """The active apps by name."""
    return {}

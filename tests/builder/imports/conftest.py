"""A shop with customers and orders, and people who bring tables, on both databases."""

from __future__ import annotations

import pytest

from builder.workspace import Workspace
from tests.builder.imports.shop import Shop, open_shop
from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["shop", "sqlite_image", "workspace"]


@pytest.fixture
def shop(workspace: Workspace) -> Shop:
    """A workspace in which the shop runs."""
    return open_shop(workspace)

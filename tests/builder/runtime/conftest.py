"""Fixtures of the runtime's tests."""

import pytest

from builder.workspace import Workspace
from tests.builder.runtime.desk import Desk, open_desk
from tests.builder.workspaces import sqlite_image, workspace
from tests.databases import database

__all__ = ["database", "desk", "sqlite_image", "workspace"]


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    """A workspace in which the test app runs, on both databases."""
    return open_desk(workspace)

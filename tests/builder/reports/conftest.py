"""Fixtures of the tests of dashboards in workspaces."""

from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["sqlite_image", "workspace"]

"""Fixtures of the platform's tests."""

from tests.builder.workspaces import empty_database, sqlite_image, workspace

__all__ = ["empty_database", "sqlite_image", "workspace"]

"""The shop of the imports' tests, behind the real application."""

from __future__ import annotations

from tests.builder.imports.conftest import shop
from tests.builder.imports.test_pages import app, enter
from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["app", "enter", "shop", "sqlite_image", "workspace"]

"""Fixtures of the runtime's tests."""

from tests.databases import database

__all__ = ["database"]

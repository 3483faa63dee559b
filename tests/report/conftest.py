"""Fixtures of the report engine's tests."""

from tests.databases import database

__all__ = ["database"]

"""Fixtures of the form engine's tests."""

from tests.databases import database

__all__ = ["database"]

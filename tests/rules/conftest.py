"""Fixtures of the rules engine's tests."""

from tests.databases import database

__all__ = ["database"]

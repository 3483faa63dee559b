"""Column types of the system's own tables: those of the engines, and JSON that keeps the order of its keys."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from engines.feel.storage import Identifier, Instant

__all__ = ["Identifier", "Instant", "Json"]


class Json(TypeDecorator[Any]):
    """JSON data with keys in the order written: ``json`` (not ``jsonb``) on PostgreSQL, text on SQLite.

    Decimals are not JSON: callers store them as text.
    """

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # none_as_null: a missing value is SQL NULL, never the JSON literal.
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSON(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))

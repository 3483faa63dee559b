"""Column types of the system's own tables: those of the engines, and JSON that keeps the order of its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from engines.feel.storage import Identifier, Instant

__all__ = ["Identifier", "Instant", "Json", "from_json", "to_json"]

# Digits that may be a number of more than 64 bits.
_LONG_NUMBER = re.compile(r"\d{18}")


def to_json(value: Any) -> str:
    """``value`` as compact JSON text; numbers of any size."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # What orjson refuses: whole numbers of more than 64 bits, keys that are no text.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Any:
    """The value of JSON text; whole numbers of any size, as orjson would not read them."""
    return json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)


class Json(TypeDecorator[Any]):
    """JSON data with keys in the order written: ``json`` (not ``jsonb``) on PostgreSQL, text on SQLite.

    Decimals are not JSON: callers store them as text.
    """

    impl = sa.JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite without the detours of a type decorator."""
        if dialect.name == "postgresql":
            return super().bind_processor(dialect)
        return lambda value: None if value is None else to_json(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """On SQLite without the detours of a type decorator."""
        if dialect.name == "postgresql":
            return super().result_processor(dialect, coltype)
        return lambda value: None if value is None else from_json(value)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # none_as_null: a missing value is SQL NULL, never the JSON literal.
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSON(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))

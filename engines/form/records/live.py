"""Live values in queries, as their fields state them: numbers rounded to the field's scale, like stored ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Numeric, case, func, literal, type_coerce

from engines.feel.storage import MAX_PRECISION, ScaledDecimal
from engines.form.compiled import CompiledField
from engines.form.types import FormulaType, Storage


def live_value(field: CompiledField, element: ColumnElement[Any]) -> ColumnElement[Any]:
    """The SQL value of a live field; numbers are rounded half up to its scale, and typed by it."""
    kind = field.kind.result(field.definition) if isinstance(field.kind, FormulaType) else field.kind
    column = kind.column(field.definition)
    if column is None or column.storage is not Storage.DECIMAL:
        return element
    rounded = to_scale(element, column.scale)
    return type_coerce(rounded, ScaledDecimal(MAX_PRECISION, column.scale))


def to_scale(element: ColumnElement[Any], scale: int) -> ColumnElement[Any]:
    """A number with ``scale`` decimals, as it is stored: on SQLite a scaled integer, whose scale its type tells."""
    if not isinstance(element.type, ScaledDecimal):
        return func.round(element, literal(scale, Integer()), type_=Numeric(asdecimal=True))
    value, more = type_coerce(element, BigInteger()), element.type.scale - scale
    if more <= 0:
        return value * literal(10**-more, BigInteger()) if more else value
    half = literal(5 * 10 ** (more - 1), BigInteger())
    away = case((value < 0, -half), else_=half)
    return (value + away) // literal(10**more, BigInteger())

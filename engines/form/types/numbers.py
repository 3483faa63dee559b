"""Types whose values are numbers: always ``Decimal`` of a declared scale, never a float."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from decimal import InvalidOperation as _InvalidOperation
from typing import Any, ClassVar

from engines.feel import NUMBER, FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting

ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "down": ROUND_DOWN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}
# A scaled decimal is one signed 64-bit integer on SQLite, which holds every number of 18 digits.
MAX_PRECISION = 18
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?")
_WIDE = Context(prec=60)
_LIMITS: Mapping[str, Any] = {
    "scale": {"type": "integer", "minimum": 0, "maximum": 10},
    "decimals": {"type": "integer", "minimum": 0, "maximum": 10},
    "precision": {"type": "integer", "minimum": 1, "maximum": MAX_PRECISION},
    "min": {"type": "number"},
    "max": {"type": "number"},
    "rounding": {"enum": ["refuse", *ROUNDINGS]},
}


def parse_number(value: Any) -> Decimal:
    """``value`` as a finite Decimal; texts may group thousands by commas and use full-width digits."""
    if isinstance(value, bool):
        raise Refused("form.not_number")
    try:
        number = Decimal(value if isinstance(value, int | Decimal | str) else str(value))
    except _InvalidOperation:
        number = _grouped(str(value).strip().replace("\u2212", "-"))
    # Python would also read "1_000" and "NaN".
    if not number.is_finite() or (type(value) is str and "_" in value):
        raise Refused("form.not_number")
    return number


def _grouped(text: str) -> Decimal:
    if not _GROUPED.fullmatch(text):
        raise Refused("form.not_number")
    return Decimal(text.replace(",", ""))


def rounder(scale: int, rounding: str) -> Callable[[Decimal], Decimal]:
    """A function that gives a number ``scale`` decimals, by one of ``ROUNDINGS``."""
    step = Decimal(1).scaleb(-scale)
    mode = ROUNDINGS[rounding]

    def to_scale(value: Decimal) -> Decimal:
        return value.quantize(step, mode, _WIDE)

    return to_scale


class NumberType(FieldType):
    """A number with up to ``scale`` decimals (6 unless stated)."""

    name = "number"
    group = "number"
    config: ClassVar[Mapping[str, Any]] = {**_LIMITS, "unit": {"$ref": "#/$defs/text"}}
    can_be_unique = True
    default_scale: ClassVar[int] = 6

    def scale(self, field: FieldDefinition) -> int:
        """Digits after the point."""
        return int(setting(field, "scale", self.default_scale))

    def limits(self, field: FieldDefinition) -> tuple[Decimal | None, Decimal | None]:
        """Smallest and largest value allowed."""
        low, high = setting(field, "min"), setting(field, "max")
        return (None if low is None else Decimal(low), None if high is None else Decimal(high))

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return NUMBER

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        precision = setting(field, "precision", MAX_PRECISION)
        return StoredColumn(storage=Storage.DECIMAL, precision=precision, scale=self.scale(field))

    def coercer(self, field: FieldDefinition) -> Coerce:
        scale = self.scale(field)
        low, high = self.limits(field)
        rounding = setting(field, "rounding", "refuse")
        # Computed values are rounded half up where nothing is said; typed ones are refused, so that no digit is lost.
        exact = rounding == "refuse" and not field.formula
        to_scale = rounder(scale, "half_up" if rounding == "refuse" else rounding)
        bound = Decimal(10) ** (setting(field, "precision", MAX_PRECISION) - scale)

        def coerce(value: Any) -> Decimal | None:
            if type(value) is str and not value.strip():
                return None
            if type(value) is int:
                number = Decimal(value)
            else:
                number = value if type(value) is Decimal and value.is_finite() else parse_number(value)
            if not -bound < number < bound:
                raise Refused("form.too_large", max=bound)
            scaled = to_scale(number)
            if exact and scaled != number:
                raise Refused("form.too_precise", scale=scale)
            if low is not None and scaled < low:
                raise Refused("form.below_min", min=low)
            if high is not None and scaled > high:
                raise Refused("form.above_max", max=high)
            return scaled

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        low, high = self.limits(field)
        schema: dict[str, Any] = {"type": "number"}
        if low is not None:
            schema["minimum"] = _plain(low)
        if high is not None:
            schema["maximum"] = _plain(high)
        if self.scale(field) == 0:
            schema["type"] = "integer"
        return schema


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


class MoneyType(NumberType):
    """An amount of one currency, with two decimals unless stated."""

    name = "money"
    config: ClassVar[Mapping[str, Any]] = {**_LIMITS, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
    default_scale = 2


class PercentType(NumberType):
    """A share as a fraction: 0.25 is shown as 25 %."""

    name = "percent"
    config: ClassVar[Mapping[str, Any]] = _LIMITS
    default_scale = 4


class RatingType(NumberType):
    """A whole number from 1 (or ``min``) to ``max`` (5 unless stated)."""

    name = "rating"
    config: ClassVar[Mapping[str, Any]] = {
        "min": {"type": "integer", "minimum": 0},
        "max": {"type": "integer", "minimum": 1, "maximum": 100},
        "icon": {"enum": ["star", "heart", "number"]},
    }
    default_scale = 0
    can_be_unique = False

    def limits(self, field: FieldDefinition) -> tuple[Decimal | None, Decimal | None]:
        return Decimal(setting(field, "min", 1)), Decimal(setting(field, "max", 5))


TYPES: tuple[FieldType, ...] = (NumberType(), MoneyType(), PercentType(), RatingType())

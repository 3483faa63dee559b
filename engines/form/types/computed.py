"""Types whose values the system computes: formulas, look-ups and roll-ups, all three FEEL underneath."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from engines.feel import FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, StoredColumn, TypeContext, setting
from engines.form.types.choices import BooleanType
from engines.form.types.dates import DateTimeType, DateType, DurationType
from engines.form.types.numbers import MoneyType, NumberType, PercentType
from engines.form.types.text import LongTextType, TextType

RESULTS: Mapping[str, FieldType] = {
    kind.name: kind
    for kind in (
        NumberType(),
        MoneyType(),
        PercentType(),
        TextType(),
        LongTextType(),
        BooleanType(),
        DateType(),
        DateTimeType(),
        DurationType(),
    )
}
_RESULT: Mapping[str, Any] = {
    "result": {"enum": list(RESULTS)},
    "scale": {"type": "integer", "minimum": 0, "maximum": 10},
    "decimals": {"type": "integer", "minimum": 0, "maximum": 10},
    "precision": {"type": "integer", "minimum": 1, "maximum": 18},
    "rounding": {"enum": ["half_up", "half_even", "down", "floor", "ceiling"]},
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
}
AGGREGATES = ("sum", "count", "min", "max", "mean")


class AnyResult(FieldType):
    """What a look-up gives whose target is no plain value: people, records, lists. Never stored."""

    name = "any"
    group = "computed"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return around.computed_type(field)

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return None

    def coercer(self, field: FieldDefinition) -> Coerce:
        return _as_it_is

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {}


def _as_it_is(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


ANY_RESULT = AnyResult()


class FormulaType(FieldType):
    """The value of a FEEL expression, of the type that ``result`` names."""

    name = "formula"
    group = "computed"
    config: ClassVar[Mapping[str, Any]] = _RESULT
    needs: ClassVar[tuple[str, ...]] = ("formula", "result")
    enterable = False

    def result(self, field: FieldDefinition) -> FieldType:
        """The type of field that its values are like."""
        return RESULTS.get(setting(field, "result", ""), ANY_RESULT)

    def expression(self, field: FieldDefinition) -> str:
        """The FEEL text that computes it."""
        return field.formula

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return self.result(field).feel(field, around)

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return self.result(field).column(field)

    def coercer(self, field: FieldDefinition) -> Coerce:
        return self.result(field).coercer(field)

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {**self.result(field).json_schema(field), "readOnly": True}


class LookupType(FormulaType):
    """A field of the record that a reference points to, always as it is now."""

    name = "lookup"
    config: ClassVar[Mapping[str, Any]] = {
        **_RESULT,
        "reference": {"$ref": "#/$defs/name"},
        "field": {"$ref": "#/$defs/name"},
    }
    needs = ("reference", "field")

    def expression(self, field: FieldDefinition) -> str:
        return f"{field.config['reference']}.{field.config['field']}"


class RollupType(FormulaType):
    """A figure over the rows of a sub-table or the records of a relation: ``sum count min max mean``."""

    name = "rollup"
    config: ClassVar[Mapping[str, Any]] = {
        **_RESULT,
        "relation": {"$ref": "#/$defs/name"},
        "aggregate": {"enum": list(AGGREGATES)},
        "field": {"$ref": "#/$defs/name"},
        "filter": {"$ref": "#/$defs/feel"},
    }
    needs = ("relation", "aggregate")

    def expression(self, field: FieldDefinition) -> str:
        rows = setting(field, "relation")
        if setting(field, "filter"):
            rows = f"{rows}[{setting(field, 'filter')}]"
        if setting(field, "aggregate") == "count":
            return f"count({rows})"
        return f"{setting(field, 'aggregate')}({rows}.{setting(field, 'field')})"


TYPES: tuple[FieldType, ...] = (FormulaType(), LookupType(), RollupType())

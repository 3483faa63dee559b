"""Where something is: addresses, and points on the map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from engines.feel import STRING, ContextType, FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext
from engines.form.types.text import clean_text

ADDRESS_PARTS = ("country", "province", "city", "district", "street", "postcode")
ADDRESS = ContextType(dict.fromkeys(ADDRESS_PARTS, STRING), "address")
# Degrees as texts with six decimals: number(place.latitude) is the number.
POINT = ContextType({"latitude": STRING, "longitude": STRING}, "point")


class PartsType(FieldType):
    """Base of the types whose value has named parts, kept as JSON."""

    group = "place"
    sortable = False

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.JSON)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> dict[str, Any] | None:
            if isinstance(value, str):
                value = self.parsed(value)
            if value is None:
                return None
            if not isinstance(value, Mapping):
                raise Refused(f"form.{self.name}")
            return self.parts(value, field)

        return coerce

    def parsed(self, text: str) -> Any:
        """What a text stands for: JSON, as web forms send it."""
        if not text.strip():
            return None
        try:
            return json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise Refused(f"form.{self.name}") from None

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        """The parts as they are kept; None where all are empty."""
        raise NotImplementedError


class AddressType(PartsType):
    """A postal address: province, city, district, street."""

    name = "address"
    config: ClassVar[Mapping[str, Any]] = {
        "parts": {
            "type": "array",
            "items": {"enum": list(ADDRESS_PARTS)},
            "description": "Parts that are asked for; all unless stated.",
        }
    }

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ADDRESS

    def parsed(self, text: str) -> Any:
        return super().parsed(text) if text.lstrip().startswith("{") else {"street": text}

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        unknown = [key for key in value if key not in ADDRESS_PARTS]
        if unknown:
            raise Refused("form.address")
        kept = {part: clean_text(value[part]) for part in ADDRESS_PARTS if value.get(part) is not None}
        return {part: text for part, text in kept.items() if text} or None

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        parts = {part: {"type": ["string", "null"]} for part in ADDRESS_PARTS}
        return {"type": "object", "properties": parts, "additionalProperties": False}


class GeolocationType(PartsType):
    """A point on the map, in degrees of WGS 84."""

    name = "geolocation"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return POINT

    def parsed(self, text: str) -> Any:
        if text.lstrip().startswith("{") or not text.strip():
            return super().parsed(text)
        parts = text.replace(",", " ").split()
        if len(parts) < 2:
            raise Refused("form.geolocation")
        return {"latitude": parts[0], "longitude": parts[1]}

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        try:
            latitude, longitude = Decimal(str(value["latitude"])), Decimal(str(value["longitude"]))
        except (KeyError, InvalidOperation):
            raise Refused("form.geolocation") from None
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            raise Refused("form.geolocation")
        step = Decimal("0.000001")
        return {"latitude": str(latitude.quantize(step)), "longitude": str(longitude.quantize(step))}

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        degrees = {"latitude": {"type": ["number", "string"]}, "longitude": {"type": ["number", "string"]}}
        return {"type": "object", "properties": degrees, "required": list(degrees)}


TYPES: tuple[FieldType, ...] = (AddressType(), GeolocationType())

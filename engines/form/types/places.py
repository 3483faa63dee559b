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
PLACE = ContextType({"name": STRING, "latitude": STRING, "longitude": STRING}, "place")
_PLACE_KEYS = frozenset(("name", "latitude", "longitude", "point"))
_LONGEST_PLACE = 300


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


def point_of(latitude: Any, longitude: Any) -> dict[str, str]:
    """A point as it is kept: degrees with six decimals; ``ValueError`` where it is none on earth."""
    try:
        north, east = Decimal(str(latitude).strip()), Decimal(str(longitude).strip())
    except InvalidOperation as error:
        raise ValueError(latitude, longitude) from error
    if not (abs(north) <= 90 and abs(east) <= 180):
        raise ValueError(latitude, longitude)
    step = Decimal("0.000001")
    return {"latitude": str(north.quantize(step)), "longitude": str(east.quantize(step))}


def point_parts(text: str) -> tuple[str, str]:
    """Latitude and longitude in "31.23, 121.47"; ``ValueError`` for anything else."""
    parts = text.replace("，", ",").replace(",", " ").split()
    if len(parts) < 2:
        raise ValueError(text)
    return parts[0], parts[1]


class GeolocationType(PartsType):
    """A point on the map, in degrees of WGS 84."""

    name = "geolocation"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return POINT

    def parsed(self, text: str) -> Any:
        if text.lstrip().startswith("{") or not text.strip():
            return super().parsed(text)
        try:
            return dict(zip(("latitude", "longitude"), point_parts(text), strict=True))
        except ValueError:
            raise Refused("form.geolocation") from None

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        try:
            return point_of(value["latitude"], value["longitude"])
        except (KeyError, ValueError):
            raise Refused("form.geolocation") from None

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        degrees = {"latitude": {"type": ["number", "string"]}, "longitude": {"type": ["number", "string"]}}
        return {"type": "object", "properties": degrees, "required": list(degrees)}


class LocationType(PartsType):
    """A place: what it is called, and where it is – either may be missing."""

    name = "location"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return PLACE

    def parsed(self, text: str) -> Any:
        return super().parsed(text) if text.lstrip().startswith("{") or not text.strip() else {"name": text}

    def parts(self, value: Mapping[str, Any], field: FieldDefinition) -> dict[str, Any] | None:
        if not value.keys() <= _PLACE_KEYS:
            raise Refused("form.location")
        kept: dict[str, Any] = {}
        name = clean_text(value["name"]) if value.get("name") is not None else None
        if name:
            if len(name) > _LONGEST_PLACE:
                raise Refused("form.too_long", max=_LONGEST_PLACE, length=len(name))
            kept["name"] = name
        latitude, longitude = value.get("latitude"), value.get("longitude")
        try:
            # As web forms send it: both in one text.
            if value.get("point"):
                latitude, longitude = point_parts(str(value["point"]))
            if latitude not in (None, "") or longitude not in (None, ""):
                kept |= point_of(latitude, longitude)
        except ValueError:
            raise Refused("form.geolocation") from None
        return kept or None

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        degrees = {"type": ["number", "string", "null"]}
        name = {"type": ["string", "null"], "maxLength": _LONGEST_PLACE}
        parts = {"name": name, "latitude": degrees, "longitude": degrees}
        return {"type": "object", "properties": parts, "additionalProperties": False}


TYPES: tuple[FieldType, ...] = (AddressType(), LocationType(), GeolocationType())

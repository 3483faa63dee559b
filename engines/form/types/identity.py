"""Numbers that carry their own check digits, colours, and codes that are scanned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from engines.form.definition import FieldDefinition
from engines.form.types.base import FieldType, Refused
from engines.form.types.text import TextType

_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}")
_CREDIT_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_COLOR = re.compile(r"#[0-9a-f]{6}")


def is_resident_number(text: str) -> bool:
    """Whether ``text`` is a Chinese citizen identification number (GB 11643-1999: 17 digits and ISO 7064 MOD 11-2)."""
    if not _RESIDENT.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _RESIDENT_WEIGHTS, strict=False))
    return _RESIDENT_CHECKS[total % 11] == text[17]


def is_credit_code(text: str) -> bool:
    """Whether ``text`` is a unified social credit code (GB 32100-2015: 18 characters, ISO 7064-like MOD 31)."""
    if not _CREDIT_CODE.fullmatch(text):
        return False
    total = sum(_CREDIT_DIGITS.index(character) * pow(3, place, 31) for place, character in enumerate(text[:17]))
    return _CREDIT_DIGITS[(31 - total % 31) % 31] == text[17]


class ResidentNumberType(TextType):
    """A Chinese citizen identification number, its check digit proved."""

    name = "resident_id"
    group = "contact"
    config: ClassVar[Mapping[str, Any]] = {}
    length = 20

    def check(self, text: str) -> str:
        text = text.replace(" ", "").upper()
        if not is_resident_number(text):
            raise Refused("form.resident_id")
        return text


class CreditCodeType(TextType):
    """A unified social credit code of a Chinese organisation, its check character proved."""

    name = "credit_code"
    group = "contact"
    config: ClassVar[Mapping[str, Any]] = {}
    length = 20

    def check(self, text: str) -> str:
        text = text.replace(" ", "").upper()
        if not is_credit_code(text):
            raise Refused("form.credit_code")
        return text


class ColorType(TextType):
    """A colour, as #rrggbb."""

    name = "color"
    group = "choice"
    config: ClassVar[Mapping[str, Any]] = {}
    can_be_unique = False
    textual = False
    length = 7

    def check(self, text: str) -> str:
        text = text.lower()
        if not _COLOR.fullmatch(text):
            raise Refused("form.color")
        return text

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}


class BarcodeType(TextType):
    """What a barcode or QR code holds; a phone's camera reads it, a keyboard will do."""

    name = "barcode"
    length = 500


TYPES: tuple[FieldType, ...] = (ResidentNumberType(), CreditCodeType(), ColorType(), BarcodeType())

"""Types whose values are texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import re2

from engines.feel import STRING, FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting

_LENGTHS: Mapping[str, Any] = {
    "max_length": {"type": "integer", "minimum": 1},
    "min_length": {"type": "integer", "minimum": 0},
    "pattern": {"type": "string"},
}
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()\-./]{2,30}(x[0-9]{1,6})?")


def clean_text(value: Any, multiline: bool = False) -> str | None:
    """``value`` as text in Unicode normal form C without outer blanks and control characters; None where empty."""
    if not isinstance(value, str):
        if isinstance(value, bool | list | dict) or value is None:
            raise Refused("form.not_text")
        value = str(value)
    value = value.strip()
    if not value:
        return None
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if value.isprintable():
        return str(value)
    return _without_control(value, multiline)


def _without_control(value: str, multiline: bool) -> str | None:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    allowed = "\n\t" if multiline else ""
    kept = [c if c in allowed or unicodedata.category(c) not in ("Cc", "Cs") else " " * (c in "\n\t") for c in value]
    return "".join(kept).strip() or None


class TextType(FieldType):
    """One line of text."""

    name = "text"
    group = "text"
    config = _LENGTHS
    can_be_unique = True
    textual = True
    multiline: ClassVar[bool] = False
    length: ClassVar[int] = 1000

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return STRING

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.TEXT)

    def coercer(self, field: FieldDefinition) -> Coerce:
        multiline = self.multiline
        longest = setting(field, "max_length", self.length)
        shortest = setting(field, "min_length", 0)
        pattern = re2.compile(setting(field, "pattern")) if setting(field, "pattern") else None
        check = self.check

        def coerce(value: Any) -> str | None:
            text = clean_text(value, multiline)
            if text is None:
                return None
            if not shortest <= len(text) <= longest:
                if len(text) > longest:
                    raise Refused("form.too_long", max=longest, length=len(text))
                raise Refused("form.too_short", min=shortest, length=len(text))
            if pattern is not None and not pattern.fullmatch(text):
                raise Refused("form.pattern", pattern=pattern.pattern)
            return check(text)

        plain = type(self).check is TextType.check and pattern is None

        def coerce_plain(value: Any) -> str | None:
            """The usual text at once; everything else the long way."""
            if type(value) is str and value.isascii() and value.isprintable() and shortest <= len(value) <= longest:
                if value and not value[0].isspace() and not value[-1].isspace():
                    return value
            return coerce(value)

        return coerce_plain if plain else coerce

    def check(self, text: str) -> str:
        """The text as it is kept; raises ``Refused`` where it is none of the type."""
        return text

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": setting(field, "max_length", self.length)}
        if setting(field, "min_length"):
            schema["minLength"] = setting(field, "min_length")
        if setting(field, "pattern"):
            schema["pattern"] = f"^(?:{setting(field, 'pattern')})$"
        return schema


class LongTextType(TextType):
    """Text of several lines."""

    name = "long_text"
    config: ClassVar[Mapping[str, Any]] = {**_LENGTHS, "rows": {"type": "integer", "minimum": 1}}
    can_be_unique = False
    multiline = True
    length = 100_000


class EmailType(TextType):
    """An e-mail address; kept as written, its domain in lower case."""

    name = "email"
    group = "contact"
    length = 254

    def check(self, text: str) -> str:
        if not _EMAIL.fullmatch(text):
            raise Refused("form.email")
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {**super().json_schema(field), "format": "email"}


class PhoneType(TextType):
    """A phone number; kept with single blanks, as people wrote its groups."""

    name = "phone"
    group = "contact"
    length = 40

    def check(self, text: str) -> str:
        text = " ".join(text.replace("－", "-").replace("（", "(").replace("）", ")").split())
        if not _PHONE.fullmatch(text) or not 3 <= sum(c.isdigit() for c in text) <= 20:
            raise Refused("form.phone")
        return text


class UrlType(TextType):
    """A web address; http and https only, so that no link can carry a script."""

    name = "url"
    group = "contact"
    length = 2000

    def check(self, text: str) -> str:
        if "://" not in text and "." in text.split("/")[0]:
            text = f"https://{text}"
        try:
            parts = urlsplit(text)
        except ValueError:
            raise Refused("form.url") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
            raise Refused("form.url")
        return text

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {**super().json_schema(field), "format": "uri"}


TYPES: tuple[FieldType, ...] = (TextType(), LongTextType(), EmailType(), PhoneType(), UrlType())

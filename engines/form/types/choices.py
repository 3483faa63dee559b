"""Types whose values are picked: booleans, options, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from engines.feel import BOOLEAN, STRING, FeelType, ListType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting
from engines.form.types.text import clean_text

_TRUE = frozenset(("true", "1", "yes", "on", "是", "y", "t"))
_FALSE = frozenset(("false", "0", "no", "off", "否", "n", "f"))
_CHOICE: Mapping[str, Any] = {
    "depends_on": {"$ref": "#/$defs/name"},
    "appearance": {"enum": ["list", "radio", "buttons", "segments"]},
}


class BooleanType(FieldType):
    """Yes or no."""

    name = "boolean"
    group = "choice"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return BOOLEAN

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.BOOLEAN)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> bool | None:
            if value is True or value is False:
                return bool(value)
            word = str(value).strip().lower()
            if not word:
                return None
            if word in _TRUE:
                return True
            if word in _FALSE:
                return False
            raise Refused("form.not_boolean")

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "boolean"}


class ChoiceType(FieldType):
    """One of the field's options, kept by its name."""

    name = "choice"
    group = "choice"
    config = _CHOICE
    has_options = True

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return STRING

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.TEXT)

    def coercer(self, field: FieldDefinition) -> Coerce:
        names = frozenset(option.name for option in field.options)

        def coerce(value: Any) -> str | None:
            if value in names if type(value) is str else False:
                return str(value)
            text = clean_text(value)
            if text is None or text in names:
                return text
            raise Refused("form.not_an_option", value=text)

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"enum": [option.name for option in field.options]}


def texts_of(value: Any) -> list[str]:
    """Texts of a list, or of one text separated by commas or line ends, each once, in order."""
    items: Iterable[Any]
    if isinstance(value, str):
        items = value.replace("，", ",").replace("\n", ",").split(",")
    elif isinstance(value, list | tuple | set | frozenset):
        items = value
    else:
        raise Refused("form.not_list")
    return list(dict.fromkeys(text for text in map(clean_text, items) if text))


class MultiChoiceType(ChoiceType):
    """Several of the field's options."""

    name = "multi_choice"
    config: ClassVar[Mapping[str, Any]] = {
        **_CHOICE,
        "min_items": {"type": "integer", "minimum": 0},
        "max_items": {"type": "integer", "minimum": 1},
    }
    sortable = False

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return ListType(STRING)

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.JSON)

    def coercer(self, field: FieldDefinition) -> Coerce:
        names = {option.name: place for place, option in enumerate(field.options)}
        fewest, most = setting(field, "min_items", 0), setting(field, "max_items", len(names) or 1000)

        def coerce(value: Any) -> list[str] | None:
            found = texts_of(value)
            for text in found:
                if text not in names:
                    raise Refused("form.not_an_option", value=text)
            if len(found) > most:
                raise Refused("form.too_many", max=most, count=len(found))
            if found and len(found) < fewest:
                raise Refused("form.too_few", min=fewest, count=len(found))
            return sorted(found, key=names.__getitem__) or None

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "array", "uniqueItems": True, "items": super().json_schema(field)}


class TagsType(MultiChoiceType):
    """A set of free words; ``options`` propose some."""

    name = "tags"
    config: ClassVar[Mapping[str, Any]] = {
        "max_items": {"type": "integer", "minimum": 1},
        "max_length": {"type": "integer", "minimum": 1, "maximum": 1000},
        "appearance": {"enum": ["chips", "list"]},
    }
    textual = True

    def coercer(self, field: FieldDefinition) -> Coerce:
        most, longest = setting(field, "max_items", 100), setting(field, "max_length", 100)

        def coerce(value: Any) -> list[str] | None:
            found = texts_of(value)
            if len(found) > most:
                raise Refused("form.too_many", max=most, count=len(found))
            if any(len(text) > longest for text in found):
                raise Refused("form.too_long", max=longest, length=max(map(len, found)))
            return found or None

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        words = {"type": "string", "maxLength": setting(field, "max_length", 100)}
        return {"type": "array", "uniqueItems": True, "items": words}


TYPES: tuple[FieldType, ...] = (BooleanType(), ChoiceType(), MultiChoiceType(), TagsType())

"""Types whose values point to people, departments and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from engines.feel import IDENTIFIER, STRING, ContextType, FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext
from engines.form.types.text import clean_text

PERSON = ContextType({"id": IDENTIFIER, "name": STRING}, "person")
DEPARTMENT = ContextType({"id": IDENTIFIER, "name": STRING}, "department")


def parse_id(value: Any) -> UUID | None:
    """The id that ``value`` is, or that the context ``value`` holds; None where empty."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, Mapping):
        return parse_id(value["id"]) if value.get("id") is not None else None
    text = str(value).strip()
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refused("form.not_an_id") from None


class LinkType(FieldType):
    """Base of the types that hold one id."""

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.UUID)

    def coercer(self, field: FieldDefinition) -> Coerce:
        return parse_id

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


class PersonType(LinkType):
    """A person of the workspace."""

    name = "person"
    group = "people"
    config: ClassVar[Mapping[str, Any]] = {"role": {"$ref": "#/$defs/qualified"}, "filter": {"$ref": "#/$defs/feel"}}

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return PERSON


class DepartmentType(LinkType):
    """A department of the workspace."""

    name = "department"
    group = "people"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return DEPARTMENT


class RoleType(FieldType):
    """A role, by its qualified name."""

    name = "role"
    group = "people"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return STRING

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.TEXT)

    def coercer(self, field: FieldDefinition) -> Coerce:
        return clean_text

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "maxLength": 200}


class ReferenceType(LinkType):
    """A record of another form, or of the same one."""

    name = "reference"
    group = "relation"
    config: ClassVar[Mapping[str, Any]] = {
        "form": {"$ref": "#/$defs/qualified"},
        "filter": {"$ref": "#/$defs/feel"},
        "create_inline": {"type": "boolean"},
    }
    needs = ("form",)
    can_be_unique = True

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return around.form_type(field.config["form"])


class RowReferenceType(LinkType):
    """A row of a sub-table: of this record, of the record that a reference beside it holds, or of any record of a form.

    Expressions see its id: ``lines[id = main_line][1].amount``.
    """

    name = "row_reference"
    group = "relation"
    config: ClassVar[Mapping[str, Any]] = {
        "rows": {"$ref": "#/$defs/name", "description": "The sub-table whose row it is."},
        "reference": {
            "$ref": "#/$defs/name",
            "description": "Reference field beside it, whose record's rows are offered; without it, this record's own.",
        },
        "form": {
            "$ref": "#/$defs/qualified",
            "description": "Form whose rows are offered, whichever record they are of.",
        },
    }
    needs = ("rows",)

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return IDENTIFIER


TYPES: tuple[FieldType, ...] = (PersonType(), DepartmentType(), RoleType(), ReferenceType(), RowReferenceType())

"""The field types: one entry each in a registry, one module per family."""

from engines.core import Registry
from engines.form.types import (
    choices,
    computed,
    dates,
    identity,
    numbers,
    people,
    places,
    questions,
    rich,
    structure,
    text,
)
from engines.form.types.base import FieldType, FieldTypes, Refused, Storage, StoredColumn, TypeContext
from engines.form.types.computed import FormulaType, LookupType, RollupType
from engines.form.types.people import DEPARTMENT, PERSON, DepartmentType, PersonType, ReferenceType, RowReferenceType
from engines.form.types.questions import ReferencesType
from engines.form.types.structure import AttachmentType, AutonumberType, SubtableType

FAMILIES = (text, rich, numbers, choices, dates, people, places, questions, identity, structure, computed)

__all__ = [
    "DEPARTMENT",
    "PERSON",
    "AttachmentType",
    "AutonumberType",
    "DepartmentType",
    "FieldType",
    "FieldTypes",
    "FormulaType",
    "LookupType",
    "PersonType",
    "ReferenceType",
    "ReferencesType",
    "Refused",
    "RollupType",
    "RowReferenceType",
    "Storage",
    "StoredColumn",
    "SubtableType",
    "TypeContext",
    "field_types",
]


def field_types() -> FieldTypes:
    """A new registry with all types of the engine; register further ones in it and pass it to ``compile``."""
    registry: FieldTypes = Registry("field type")
    for family in FAMILIES:
        for entry in family.TYPES:
            registry.register(entry.name, entry)
    return registry

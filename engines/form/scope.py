"""Names and types that a form's expressions see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines.core.ports import Definitions
from engines.feel import (
    ANY,
    CONTEXT,
    DATE_TIME,
    IDENTIFIER,
    LIST,
    NUMBER,
    STRING,
    ContextType,
    FeelType,
    ListType,
    Scope,
)
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.types import DEPARTMENT, PERSON, FieldTypes

SYSTEM_FIELDS: Mapping[str, FeelType] = {
    "id": IDENTIFIER,
    "version": NUMBER,
    "created_at": DATE_TIME,
    "created_by": PERSON,
    "updated_at": DATE_TIME,
    "updated_by": PERSON,
    "owner": PERSON,
    "department": DEPARTMENT,
}
# What every expression sees besides the record.
AROUND: Mapping[str, FeelType] = {
    "me": PERSON,
    "my_department": DEPARTMENT,
    "my_departments": ListType(DEPARTMENT),
    "my_roles": ListType(STRING),
    "my": CONTEXT,
    "settings": CONTEXT,
}
# Types whose values a look-up shows as another type's.
_LIKE = {"choice": "text", "autonumber": "text", "email": "text", "phone": "text", "url": "text", "rating": "number"}
RESERVED = frozenset((*SYSTEM_FIELDS, *AROUND, "previous", "parent", "deleted_at", "item", "today", "now"))


class FormTypeContext:
    """FEEL types of forms, their rows and computed fields; one per check or compilation."""

    def __init__(self, definitions: Definitions, registry: FieldTypes, own: FormDefinition | None = None) -> None:
        """``own`` is used instead of what ``definitions`` hold under its name: the form that is being edited."""
        self._definitions = definitions
        self._registry = registry
        self._own = own
        self._forms: dict[str, ContextType] = {}

    def definition(self, form: str) -> FormDefinition | None:
        """The definition of a form, or None."""
        if self._own is not None and form == self._own.name:
            return self._own
        found = self._definitions.get("form", form)
        return found if isinstance(found, FormDefinition) else None

    def form_type(self, form: str) -> ContextType:
        """Type of a form's records; an open context where the form is not known (told by the reference check)."""
        if form not in self._forms:
            found = self.definition(form)
            if found is None:
                return CONTEXT
            self._forms[form] = ContextType(lambda: self._members(found), form)
        return self._forms[form]

    def _members(self, form: FormDefinition) -> dict[str, FeelType]:
        relations: dict[str, FeelType] = {r.name: ListType(self.form_type(r.form)) for r in form.relations}
        return {**SYSTEM_FIELDS, **relations, **self.types_of(form.fields, form)}

    def types_of(self, fields: Sequence[FieldDefinition], form: FormDefinition | None) -> dict[str, FeelType]:
        """Types of the values of ``fields``, by name."""
        found: dict[str, FeelType] = {}
        for field in fields:
            kind = self._registry.get(field.type)
            whole = self.with_result(field, fields, form)
            found[field.name] = ANY if kind is None else kind.feel(whole, _Within(self, form, fields))
        return found

    def with_result(
        self, field: FieldDefinition, beside: Sequence[FieldDefinition], form: FormDefinition | None
    ) -> FieldDefinition:
        """A look-up or roll-up with the type, scale and currency of what it reads, where it states none itself."""
        config = field.config
        if field.type not in ("lookup", "rollup") or "result" in config:
            return field
        source = self._read_by(field, beside, form)
        if config.get("aggregate") == "count":
            taken: dict[str, Any] = {"result": "number", "scale": 0}
        elif source is None:
            return field
        else:
            result = str(source.config.get("result", _LIKE.get(source.type, source.type)))
            kept = {key: source.config[key] for key in ("scale", "precision", "currency") if key in source.config}
            taken = {"result": result, **(kept if config.get("aggregate") != "mean" else {})}
        return replace(field, config={**taken, **config})

    def _read_by(
        self, field: FieldDefinition, beside: Sequence[FieldDefinition], form: FormDefinition | None
    ) -> FieldDefinition | None:
        """The field that a look-up or roll-up reads, itself with its result filled in."""
        name = str(field.config.get("field", ""))
        subtable = form.field(str(field.config.get("relation", ""))) if form else None
        if subtable is not None and subtable.fields:
            found = next((column for column in subtable.fields if column.name == name), None)
            return found and self.with_result(found, subtable.fields, None)
        target = self._target_of(field, beside, form)
        found = target.field(name) if target else None
        return found and self.with_result(found, target.fields, target) if target else None

    def _target_of(
        self, field: FieldDefinition, beside: Sequence[FieldDefinition], form: FormDefinition | None
    ) -> FormDefinition | None:
        if field.type == "lookup":
            reference = next((other for other in beside if other.name == field.config.get("reference")), None)
            return self.definition(str(reference.config.get("form", ""))) if reference else None
        relation = next((r for r in form.relations if r.name == field.config.get("relation")), None) if form else None
        return self.definition(relation.form) if relation else None

    def row_type(self, fields: Sequence[FieldDefinition]) -> ContextType:
        """Type of a sub-table's rows."""
        return ContextType({"id": IDENTIFIER, **self.types_of(fields, None)})

    def computed_type(self, field: FieldDefinition) -> FeelType:
        """ANY: outside a form nothing is known about what a look-up refers to."""
        return ANY

    def context_of(self, names: Mapping[str, FeelType]) -> ContextType:
        """A context with the given entries."""
        return ContextType(names)

    def record_scope(self, form: FormDefinition) -> Scope:
        """Scope of a record's expressions."""
        kind = self.form_type(form.name)
        return Scope({**AROUND, **kind.fields, "previous": kind})

    def row_scope(self, form: FormDefinition, subtable: FieldDefinition) -> Scope:
        """Scope of the expressions of a sub-table's rows: the row's fields, and the record as ``parent``."""
        return Scope({**AROUND, **self.row_type(subtable.fields).fields, "parent": self.form_type(form.name)})


class _Within:
    """The context as one field sees it: look-ups find the reference beside them."""

    def __init__(self, outer: FormTypeContext, form: FormDefinition | None, fields: Sequence[FieldDefinition]) -> None:
        self._outer = outer
        self._form = form
        self._fields = fields

    def form_type(self, form: str) -> FeelType:
        return self._outer.form_type(form)

    def row_type(self, fields: Sequence[FieldDefinition]) -> FeelType:
        return self._outer.row_type(fields)

    def computed_type(self, field: FieldDefinition) -> FeelType:
        """Type of the looked-up field, following look-ups of look-ups."""
        reference = next((f for f in self._fields if f.name == field.config.get("reference")), None)
        target = reference and self._outer.form_type(str(reference.config.get("form", "")))
        return (isinstance(target, ContextType) and target.get(str(field.config.get("field")))) or ANY


__all__ = ["AROUND", "LIST", "RESERVED", "SYSTEM_FIELDS", "FormTypeContext"]

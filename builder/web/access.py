"""What the person may do with a form, for showing or leaving out buttons; the query layer decides for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core import Principal

if TYPE_CHECKING:
    from engines.form import CompiledForm

_ORDER = ("hidden", "masked", "read", "write")


def may(form: CompiledForm, principal: Principal, operation: str) -> bool:
    """Whether one of the person's roles has the operation on some records of the form."""
    return any(entry.role in principal.roles and operation in entry.operations for entry in form.permissions)


def field_access(form: CompiledForm, principal: Principal) -> dict[str, str]:
    """The widest access that the person's roles give to each field, by name."""
    mine = [entry for entry in form.permissions if entry.role in principal.roles]
    return {
        name: max((entry.definition.access_to(name) for entry in mine), key=_ORDER.index, default="hidden")
        for name in form.fields
    }

"""What the person may do with a form, for showing or leaving out buttons; the query layer decides for itself."""

from __future__ import annotations

from engines.core import Principal
from engines.form import CompiledForm, Rights


def may(form: CompiledForm, principal: Principal, operation: str) -> bool:
    """Whether one of the person's roles has the operation on some records of the form."""
    return Rights(form, principal).may(operation)


def field_access(form: CompiledForm, principal: Principal) -> dict[str, str]:
    """The widest access that the person's roles give to each field, by name; "lines.price" for a column."""
    rights = Rights(form, principal)
    return {name: rights.access(name) for name in form.rights_names()}

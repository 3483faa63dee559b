"""Holes in rights: records that nobody can reach, and conditions that open more than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core import Diagnostic, Severity
from engines.form.definition import FieldDefinition, FormDefinition, PermissionDefinition


def check_rights(form: FormDefinition) -> Iterator[Diagnostic]:
    """Warnings: ``form.no_rights``, ``form.nobody_sees``, ``form.blind_operation``, ``form.required_not_writable``;
    error ``form.public_not_allowed`` for a public link whose visitors may not create anything.
    """
    if not form.permissions:
        hint = "nobody may do anything with these records; add permissions"
        yield _warn("form.no_rights", hint).at(form.source.place("/name"))
        return
    if not any("see" in p.operations for p in form.permissions):
        yield _warn("form.nobody_sees", 'add "see" to a role').at(form.source.place("/permissions"))
    for permission in form.permissions:
        yield from _blind(form, permission)
        yield from _required(form, permission)
    if form.public and not any(p.role == "public" and "create" in p.operations for p in form.permissions):
        hint = 'add {"role": "public", "operations": ["create"]}'
        yield Diagnostic(code="form.public_not_allowed", hint=hint).at(form.source.place("/public"))


def _warn(code: str, hint: str, found: str = "") -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.WARNING, found=found, hint=hint)


def _blind(form: FormDefinition, permission: PermissionDefinition) -> Iterator[Diagnostic]:
    """Editing or deleting what the role cannot see."""
    sees = any("see" in p.operations for p in form.permissions if p.role == permission.role)
    blind = sorted(permission.operations & {"edit", "delete", "export", "print"})
    if blind and not sees and permission.role not in ("app", "public", "shared"):
        place = form.source.place(f"{permission.pointer}/operations")
        yield _warn("form.blind_operation", 'add "see"', ", ".join(blind)).at(place)


def _required(form: FormDefinition, permission: PermissionDefinition) -> Iterator[Diagnostic]:
    if "create" not in permission.operations:
        return
    for field in form.fields:
        if _must_be_entered(field) and permission.access_to(field.name) != "write":
            hint = f'"{field.name}" is required and has no default, so this role can create nothing'
            place = form.source.place(permission.pointer)
            yield _warn("form.required_not_writable", hint, field.name).at(place)


def _must_be_entered(field: FieldDefinition) -> bool:
    return field.required is True and not field.default and not field.formula and field.type != "autonumber"

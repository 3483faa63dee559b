"""Single records that somebody shared: which they are, and what a share lets one do with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, or_, select

from engines.form.compiled import CompiledForm, CompiledPermission
from engines.form.definition import ACCESS_LEVELS, PermissionDefinition

if TYPE_CHECKING:
    from engines.form.records.world import World

# What a share for each level may open at most: never deleting, importing, or sharing on.
OPENS = {
    "see": frozenset({"see", "print", "comment"}),
    "edit": frozenset({"see", "print", "comment", "edit"}),
}
# Name of the role whose permissions state what a share opens.
ROLE = "shared"
# Roles that nobody holds.
_NOBODY = ("app", "public", "builder", ROLE)


def shared_entries(form: CompiledForm, level: str) -> tuple[CompiledPermission, ...]:
    """The permissions that hold for records shared for ``level`` ("" for none).

    Those that the form states for the role "shared"; a form that states none opens what everybody whose role lets them
    see its records may read of each, and to edit what everybody who may edit them may write.
    """
    wanted = {"": (), "see": ("see",), "edit": ("see", "edit")}[level]
    return tuple(entry for step in wanted for entry in _entries(form, step))


def _entries(form: CompiledForm, level: str) -> Iterable[CompiledPermission]:
    stated = [p for p in form.permissions if p.role == f"{form.app}.{ROLE}"]
    for entry in stated:
        operations = entry.operations & OPENS[level]
        if operations:
            yield _entry(form, level, entry.definition, operations, entry)
    if not stated and form.permissions:
        yield _entry(form, level, _usual(form, level), OPENS[level], None)


def _entry(
    form: CompiledForm,
    level: str,
    definition: PermissionDefinition,
    operations: frozenset[str],
    stated: CompiledPermission | None,
) -> CompiledPermission:
    access = {name: definition.access_to(name) for name in form.rights_names()}
    kept = {name for name in ("owner", "department") if name not in definition.fields}
    access = {
        name: "read" if found == "write" and (level == "see" or name in kept) else found
        for name, found in access.items()
    }
    return CompiledPermission(
        role=f"{form.app}.{ROLE}",
        operations=operations,
        rows=stated.rows if stated else None,
        definition=PermissionDefinition(
            role=ROLE, operations=operations, rows=definition.rows, access="read", fields=access
        ),
        share=level,
    )


def _usual(form: CompiledForm, level: str) -> PermissionDefinition:
    """What a share opens where the form does not say: the least that anybody with a role has."""
    held = [p for p in form.permissions if p.role.rpartition(".")[2] not in _NOBODY]
    fields = {}
    for name in form.rights_names():
        access = _least(held, "see", name)
        if access in ("read", "write"):
            access = "write" if level == "edit" and _least(held, "edit", name) == "write" else "read"
        if name not in ("owner", "department") or access != "write":
            fields[name] = access
    return PermissionDefinition(role=ROLE, operations=OPENS[level], access="read", fields=fields)


def _least(entries: Iterable[CompiledPermission], operation: str, name: str) -> str:
    levels = [p.definition.access_to(name) for p in entries if operation in p.operations]
    return min(levels, key=ACCESS_LEVELS.__getitem__, default="hidden")


def shared_ids(world: World, form: str, level: str) -> Select[tuple[object]]:
    """Ids of the records of a form that are shared with who acts now, for ``level`` or more."""
    if world.shares is None:
        raise ValueError("records are shared with who acts, but it is not known where shares stand")
    table = world.shares.c
    levels = ("edit",) if level == "edit" else ("see", "edit")
    return select(table.record).where(
        and_(table.form == form, table.grantee.in_(sorted(world.principal.share_keys)), table.access.in_(levels)),
        table.revoked_at.is_(None),
        or_(table.expires_at.is_(None), table.expires_at > world.now),
    )

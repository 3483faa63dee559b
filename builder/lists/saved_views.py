"""Views that people save: what a list's address says, under a name, for themselves or for those with a role.

A saved view holds conditions, never rights: whoever opens it sees what they may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.definitions.app_definition import EVERY_APP
from builder.identity import may_build
from builder.storage.view_tables import saved_view as table
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, new_id

# Views that one person keeps of one form.
MOST = 50
LONGEST_NAME = 80
# Roles that nobody is given.


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One saved view."""

    id: UUID
    name: str
    owner: UUID
    # Qualified roles that it is shared with; none: its owner alone sees it.
    roles: tuple[str, ...]
    # Query parameter to its values, as the list's address holds them.
    query: Mapping[str, Sequence[str]]


def saved_views(work: Work, form: str) -> list[SavedView]:
    """Those of a form that who acts has saved, or that are shared with one of their roles; by name."""
    rows = work.connection.execute(sa.select(table).where(table.c.form == form).order_by(table.c.name, table.c.id))
    return [found for row in rows if _concerns(work, found := _view(row))]


def saved_view(work: Work, form: str, id: UUID) -> SavedView | None:
    """One of them; None where it is gone or not for who acts."""
    row = work.connection.execute(sa.select(table).where(table.c.id == id, table.c.form == form)).first()
    found = _view(row) if row is not None else None
    return found if found is not None and _concerns(work, found) else None


def save_view(
    work: Work,
    form: str,
    name: str,
    query: Mapping[str, Sequence[str]],
    roles: Sequence[str] = (),
    id: UUID | None = None,
) -> UUID:
    """The id of a view that was made, or of the one that was changed.

    Sharing needs the right to share the form's records, or to build its app; changing, that it is one's own or may be
    built. Codes: ``lists.view_name``, ``lists.too_many_views``, ``lists.unknown_role``.
    """
    me = work.principal.id
    if me is None or not work.records.may(form, "see"):
        raise AccessDenied("see", form)
    before = saved_view(work, form, id) if id else None
    if id is not None and (before is None or not may_change(work, form, before)):
        raise AccessDenied("edit", form)
    known = frozenset(before.roles) if before else frozenset()
    if frozenset(roles) - known and not may_share(work, form):
        raise AccessDenied("share", form)
    name = name.strip()
    _check(work, form, name, roles, me if before is None else None)
    values = {"name": name, "roles": sorted(set(roles)), "query": {k: list(v) for k, v in query.items()}}
    if id is None:
        id = new_id()
        work.connection.execute(sa.insert(table).values(id=id, form=form, owner=me, created_at=work.instant, **values))
    else:
        work.connection.execute(sa.update(table).where(table.c.id == id).values(**values))
    return id


def remove_view(work: Work, form: str, id: UUID) -> None:
    """Takes a view away; one's own, or one of an app that one may build."""
    found = saved_view(work, form, id)
    if found is None or not may_change(work, form, found):
        raise AccessDenied("delete", form)
    work.connection.execute(sa.delete(table).where(table.c.id == id))


def may_share(work: Work, form: str) -> bool:
    """Whether who acts may share views of a form."""
    return bool(work.records.may(form, "share")) or may_build(work.principal, form.partition(".")[0])


def may_change(work: Work, form: str, view: SavedView) -> bool:
    """Whether who acts may change or remove a view."""
    return view.owner == work.principal.id or (bool(view.roles) and may_build(work.principal, form.partition(".")[0]))


def role_choices(work: Work, form: str) -> list[str]:
    """Qualified roles of the form's app that a view may be shared with."""
    app = form.partition(".")[0]
    return [f"{app}.{name}" for name in work.apps[app].roles if name not in EVERY_APP]


def _concerns(work: Work, view: SavedView) -> bool:
    who = work.principal
    return view.owner == who.id or bool(who.roles & set(view.roles)) or _built(work, view)


def _built(work: Work, view: SavedView) -> bool:
    """Whether a shared view stands in an app that who acts builds."""
    return any(may_build(work.principal, role.partition(".")[0]) for role in view.roles)


def _check(work: Work, form: str, name: str, roles: Sequence[str], owner: UUID | None) -> None:
    problems = []
    if not name or len(name) > LONGEST_NAME:
        problems.append(InputProblem(pointer="/name", code="lists.view_name", params={"max": LONGEST_NAME}))
    if unknown := sorted(set(roles) - set(role_choices(work, form))):
        problems.append(InputProblem(pointer="/roles", code="lists.unknown_role", params={"found": unknown[0]}))
    if owner is not None:
        mine = sa.select(sa.func.count()).where(table.c.form == form, table.c.owner == owner)
        if work.connection.execute(mine).scalar_one() >= MOST:
            problems.append(InputProblem(pointer="/name", code="lists.too_many_views", params={"max": MOST}))
    if problems:
        raise InputError(problems)


def _view(row: Any) -> SavedView:
    return SavedView(id=row.id, name=row.name, owner=row.owner, roles=tuple(row.roles), query=row.query)

"""Sharing single records: who may, with whom, until when; every change is audited and takes hold at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from builder.definitions.app_definition import EVERY_APP
from builder.messages import messages
from builder.storage.identity_tables import department, department_closure, membership, person, role_grant
from builder.storage.share_tables import record_share
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, new_id

LEVELS = ("see", "edit")
KINDS = ("person", "role", "department")
# Roles that nobody is given.


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One record opened to somebody."""

    id: UUID
    # "person", "role" or "department", and its id or qualified name.
    kind: str
    key: str
    # "see" or "edit"
    access: str
    note: str
    at: datetime
    by: UUID | None
    until: datetime | None


def share_record(
    work: Work,
    form: str,
    record: UUID,
    *,
    kind: str,
    key: str,
    access: str,
    until: datetime | None = None,
    note: str = "",
) -> UUID:
    """The id of the share; one that stood for the same receiver is replaced.

    For those who have the right to share the record; nobody opens more than they have.
    """
    _require(work, form, record, "share")
    if access == "edit":
        _require(work, form, record, "edit")
    _check(work, kind, key, access, until)
    grantee = f"{kind}:{key}"
    table = record_share.c
    standing = sa.and_(table.form == form, table.record == record, table.grantee == grantee, _holds(work))
    work.connection.execute(sa.update(record_share).where(standing).values(_ended(work)))
    new = new_id()
    work.connection.execute(
        sa.insert(record_share).values(
            id=new,
            form=form,
            record=record,
            grantee=grantee,
            access=access,
            note=note.strip()[:500],
            created_at=work.instant,
            created_by=work.principal.id,
            expires_at=until,
        )
    )
    _read_anew(work, kind, key)
    detail = {"with": grantee, "access": access, "until": until.isoformat() if until else None}
    work.audit("record.shared", f"{form}/{record}", detail)
    if kind == "person" and UUID(key) != work.principal.id:
        _tell(work, form, record, UUID(key), access, note)
    return new


def revoke_share(work: Work, form: str, record: UUID, share: UUID) -> None:
    """Takes a share back; for those who may share the record. One that has ended is left as it is."""
    _require(work, form, record, "share")
    table = record_share.c
    mine = sa.and_(table.id == share, table.form == form, table.record == record, table.revoked_at.is_(None))
    row = work.connection.execute(sa.select(table.grantee).where(mine)).one_or_none()
    if row is None:
        raise AccessDenied("share", form)
    work.connection.execute(sa.update(record_share).where(mine).values(_ended(work)))
    kind, _, key = row.grantee.partition(":")
    _read_anew(work, kind, key)
    work.audit("record.unshared", f"{form}/{record}", {"with": row.grantee})


def shares_of(work: Work, form: str, record: UUID) -> Sequence[Share]:
    """The shares of a record that hold now, newest first; whoever asks must be able to see the record."""
    _require(work, form, record, "see")
    table = record_share.c
    query = sa.select(record_share).where(table.form == form, table.record == record, _holds(work))
    return [_share(row) for row in work.connection.execute(query.order_by(table.created_at.desc(), table.id.desc()))]


def shares_with(connection: sa.Connection, id: UUID, roles: frozenset[str]) -> frozenset[tuple[str, str, str]]:
    """What was shared with a person and not taken back: form, level, to whom. When it ends is looked at in use."""
    table = record_share.c
    above = (
        sa.select(department_closure.c.ancestor)
        .join(membership, membership.c.department == department_closure.c.descendant)
        .where(membership.c.person == id)
    )
    keys = [f"person:{id}", *(f"role:{role}" for role in roles)]
    keys += [f"department:{found}" for found in connection.execute(above).scalars()]
    query = sa.select(table.form, table.access, table.grantee).distinct()
    rows = connection.execute(query.where(table.grantee.in_(keys), table.revoked_at.is_(None)))
    return frozenset((row.form, row.access, row.grantee) for row in rows)


def _require(work: Work, form: str, record: UUID, operation: str) -> None:
    if not work.records.may(form, operation, record):
        raise AccessDenied(operation, form)


def _holds(work: Work) -> sa.ColumnElement[bool]:
    table = record_share.c
    return sa.and_(table.revoked_at.is_(None), sa.or_(table.expires_at.is_(None), table.expires_at > work.instant))


def _ended(work: Work) -> dict[str, object]:
    return {"revoked_at": work.instant, "revoked_by": work.principal.id}


def _check(work: Work, kind: str, key: str, access: str, until: datetime | None) -> None:
    problems = []
    if kind not in KINDS or not _exists(work, kind, key):
        problems.append(InputProblem(pointer="/with", code="share.unknown_receiver"))
    if access not in LEVELS:
        problems.append(InputProblem(pointer="/access", code="share.unknown_access"))
    if until is not None and until <= work.instant:
        problems.append(InputProblem(pointer="/until", code="share.past"))
    if problems:
        raise InputError(problems)


def _exists(work: Work, kind: str, key: str) -> bool:
    if kind == "role":
        app, _, name = key.partition(".")
        return app in work.apps and name in work.apps[app].roles and name not in EVERY_APP
    try:
        id = UUID(key)
    except ValueError:
        return False
    if kind == "person":
        query = sa.select(person.c.id).where(person.c.id == id, person.c.active)
    else:
        query = sa.select(department.c.id).where(department.c.id == id, department.c.archived_at.is_(None))
    return work.connection.execute(query).first() is not None


def _read_anew(work: Work, kind: str, key: str) -> None:
    """Raises the version of everybody meant, so that sessions and tokens read what was shared with them."""
    match kind:
        case "person":
            meant = sa.select(sa.literal(UUID(key), person.c.id.type))
        case "role":
            meant = sa.select(role_grant.c.person).where(role_grant.c.role == key)
        case _:
            meant = (
                sa.select(membership.c.person)
                .join(department_closure, department_closure.c.descendant == membership.c.department)
                .where(department_closure.c.ancestor == UUID(key))
            )
    work.connection.execute(sa.update(person).where(person.c.id.in_(meant)).values(version=person.c.version + 1))


def _tell(work: Work, form: str, record: UUID, to: UUID, access: str, note: str) -> None:
    """A notice to the person, with the record behind it. Without notices (a bare workspace) nobody is told."""
    if "notifications" not in work.workspace.services:
        return
    app, _, local = form.partition(".")
    label = work.apps[app].forms[local].definition.label
    code = f"share.told_{access}"
    title = {
        language: messages().text(
            code, language, {"who": work.principal.attributes.get("name") or "?", "form": label.get(language) or local}
        )
        for language in ("zh", "en")
    }
    body = {"zh": note, "en": note} if note.strip() else None
    work.notifications.send([to], title=title, body=body, app=app, kind="share", subject=(form, record))


def _share(row: sa.Row[tuple[object, ...]]) -> Share:
    kind, _, key = row.grantee.partition(":")
    return Share(
        id=row.id,
        kind=kind,
        key=key,
        access=row.access,
        note=row.note,
        at=row.created_at,
        by=row.created_by,
        until=row.expires_at,
    )

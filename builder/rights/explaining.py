"""What somebody may see and do, and why: form by form, and for one record. For admins, and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from builder.definitions.app_definition import EVERY_APP
from builder.identity import principal_of, require_admin
from builder.rights.wording import rows_in_words
from builder.workspace import Work
from engines.core import SYSTEM, AccessDenied, LocalizedText, Principal
from engines.form import (
    ACCESS_LEVELS,
    CompiledForm,
    CompiledPermission,
    Count,
    ListQuery,
    Rights,
    reasons,
)
from engines.form.schema_builder import OPERATIONS

# Up to which number records are counted.
COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One entry that gives somebody something."""

    # Qualified name of the role; "<app>.shared" for what was shared.
    role: str
    # Which records it is about, in words, and as FEEL (empty: all).
    words: str
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRights:
    """One operation on the records of a form."""

    operation: str
    # What allows it; empty where nothing does.
    grants: tuple[Grant, ...]
    # Roles that would allow it, for who lacks it.
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRights:
    """The access to one field, or a column of a sub-table."""

    name: str
    label: str
    # The best access on any record.
    access: str
    # Whether it differs from record to record.
    varies: bool
    # Access by role held.
    by_role: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRights:
    """What somebody may do with the records of one form."""

    form: str
    label: str
    operations: tuple[OperationRights, ...]
    fields: tuple[FieldRights, ...]
    # Records that they see, and all there are, as far as was counted.
    seen: Count
    total: Count

    @property
    def allowed(self) -> tuple[str, ...]:
        """The operations allowed on some records at least."""
        return tuple(item.operation for item in self.operations if item.grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnswer:
    """What somebody may do with one record."""

    deleted: bool
    allowed: tuple[str, ...]
    # Each entry that they hold: its operations, and whether it is about this record.
    entries: tuple[tuple[Grant, tuple[str, ...], bool], ...]
    # Access to each field of this record.
    access: Mapping[str, str]


def looked_at(work: Work, person: UUID) -> Principal:
    """The person as rights see them; for admins. ``AccessDenied`` where there is none, or they were shut out."""
    require_admin(work.principal, "rights.explain")
    found = principal_of(work.connection, person)
    if found is None:
        raise AccessDenied("rights.explain")
    return found


def explain_forms(work: Work, who: Principal, locale: str) -> list[FormRights]:
    """All forms of all apps, in the order of the definitions."""
    require_admin(work.principal, "rights.explain")
    return [explain_form(work, who, form.name, locale) for app in work.apps.values() for form in app.forms.values()]


def explain_form(work: Work, who: Principal, name: str, locale: str) -> FormRights:
    """What somebody may do with the records of a form."""
    require_admin(work.principal, "rights.explain")
    form = _form(work, name)
    rights = Rights(form, who)
    seen = Count(value=0, capped=False)
    if rights.may("see"):
        seen = work.records_as(who, form.app).count(name, ListQuery(), COUNTED)
    return FormRights(
        form=name,
        label=form.definition.label.get(locale) or name,
        operations=tuple(_operation(work, form, rights, operation, locale) for operation in OPERATIONS),
        fields=tuple(_field(form, rights, path, locale) for path in form.rights_names()),
        seen=seen,
        total=work.records_as(SYSTEM, form.app).count(name, ListQuery(), COUNTED),
    )


def explain_record(work: Work, who: Principal, name: str, id: UUID, locale: str) -> RecordAnswer | None:
    """What somebody may do with one record, and which entries decide it; None where there is no such record."""
    require_admin(work.principal, "rights.explain")
    form = _form(work, name)
    records = work.records_as(who, form.app)
    found = reasons(records.world, records.world.form(name), id)
    if found is None:
        return None
    unlimited = Rights(form, who).unlimited
    allowed = tuple(o for o in OPERATIONS if unlimited or found.granting(o))
    return RecordAnswer(
        deleted=found.deleted,
        allowed=tuple(o for o in allowed if o == "delete") if found.deleted else allowed,
        entries=tuple(
            (_grant(work, form, entry, locale), tuple(o for o in OPERATIONS if o in entry.operations), holds)
            for entry, holds in found.entries
        ),
        access=records.access(name, id),
    )


def _form(work: Work, name: str) -> CompiledForm:
    app, _, local = name.partition(".")
    if app not in work.apps or local not in work.apps[app].forms:
        raise AccessDenied("rights.explain", name)
    return work.apps[app].forms[local]


def _operation(work: Work, form: CompiledForm, rights: Rights, operation: str, locale: str) -> OperationRights:
    grants = tuple(_grant(work, form, entry, locale) for entry in rights.granting(operation))
    others = {
        p.role for p in form.permissions if operation in p.operations and p.role.rpartition(".")[2] not in EVERY_APP
    }
    return OperationRights(operation=operation, grants=grants, others=() if grants else tuple(sorted(others)))


def _grant(work: Work, form: CompiledForm, entry: CompiledPermission, locale: str) -> Grant:
    def named(name: str) -> CompiledForm | None:
        app, _, local = name.partition(".")
        return work.apps[app].forms.get(local) if app in work.apps else None

    words = rows_in_words(form, entry, named, locale)
    return Grant(role=entry.role, words=words, rows=entry.rows.text if entry.rows is not None else "")


def _field(form: CompiledForm, rights: Rights, path: str, locale: str) -> FieldRights:
    access = _best([entry.definition.access_to(path) for entry in rights.granting("see") + rights.granting("edit")])
    if access == "write" and not any(p.definition.access_to(path) == "write" for p in rights.granting("edit")):
        access = "read"
    roles: dict[str, list[str]] = {}
    for entry in rights.entries:
        roles.setdefault(entry.role, []).append(entry.definition.access_to(path))
    return FieldRights(
        name=path,
        label=_label(form, path, locale),
        access=access,
        varies=access != "hidden" and not rights.always(path, "read" if access == "write" else access),
        by_role={role: _best(levels) for role, levels in roles.items()},
    )


def _best(levels: Sequence[str]) -> str:
    return max(levels, key=ACCESS_LEVELS.__getitem__, default="hidden")


def _label(form: CompiledForm, path: str, locale: str) -> str:
    name, _, column = path.partition(".")
    field = form.fields.get(name)
    if field is None:
        from builder.messages import messages

        return messages().text(f"rights.field.{name}", locale, {})
    own = LocalizedText.of(field.definition.label).get(locale) or name
    inner = (field.rows or {}).get(column)
    return f"{own} · {inner.definition.label.get(locale) or column}" if inner else own

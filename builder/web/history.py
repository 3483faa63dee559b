"""The versions of a record in words: who, when, which fields, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from builder.storage.workspace_tables import command
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.forms.display import NONE
from builder.web.names import WorkNames
from builder.web.rows import column_label
from builder.workspace import Work
from engines.form import CompiledField, FieldChange, Record, RecordVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShown:
    """One field that changed."""

    label: str
    # None where nothing stood there.
    before: Markup | None
    after: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShown:
    """One line of the history."""

    who: str
    what: str
    tone: str
    at: datetime
    reason: str
    changes: tuple[ChangeShown, ...]
    number: int = 0


def versions_shown(work: Work, place: FormPlace, record: Record, names: WorkNames) -> list[VersionShown]:
    """All versions, newest first."""
    versions: list[RecordVersion] = work.records.history(place.name, record.id)
    names.learn_people([version.by for version in versions if version.by])
    reasons = _reasons(work, versions)
    display = Display(site().formats, names, place.app.name)
    return [_shown(place, version, display, names, reasons) for version in versions]


def _shown(
    place: FormPlace, version: RecordVersion, display: Display, names: WorkNames, reasons: dict[object, str]
) -> VersionShown:
    who = (names.person(version.by) if version.by else None) or _("The system")
    return VersionShown(
        who=who,
        what=_deeds().get(version.kind, version.kind),
        tone={"created": "ok", "deleted": "bad", "computed": ""}.get(version.kind, "now"),
        at=version.at,
        reason=reasons.get(version.command, ""),
        changes=tuple(found for item in version.changes for found in _changes(place, item, display)),
        number=version.version,
    )


def _changes(place: FormPlace, item: FieldChange, display: Display) -> Iterator[ChangeShown]:
    """A changed field; of a changed row of a sub-table each changed cell."""
    table, _slash, _row = item.field.partition("/")
    field = place.form.fields.get(table)
    if field is None:
        return
    if field.rows is None:
        yield change_shown(place, item, display)
        return
    before, after = item.before or {}, item.after or {}
    title = column_label(place.form, table)
    if not after or not before:
        row = after or before
        words = Markup(" · ").join(
            display.short(c.definition, row[n]) for n, c in field.rows.items() if row.get(n) not in (None, "", [])
        )
        yield ChangeShown(label=title, before=words if before else None, after=NONE if before else words)
        return
    for name, column in field.rows.items():
        old, new = before.get(name), after.get(name)
        if old != new:
            label = f"{title} · {site().text(column.definition.label) or name}"
            empty = old in (None, "", [])
            shown = None if empty else display.short(column.definition, old)
            yield ChangeShown(label=label, before=shown, after=display.short(column.definition, new))


def compared(place: FormPlace, then: Record, now: Record, display: Display) -> list[ChangeShown]:
    """The fields in which two versions of a record differ, as they were and as they are."""
    found = []
    for name, field in place.form.fields.items():
        old, new = then.values.get(name), now.values.get(name)
        if name not in then.values or name not in now.values or old == new or name in then.masked | now.masked:
            continue
        show = _rows_shown if field.rows is not None else _value_shown
        found.append(
            ChangeShown(
                label=column_label(place.form, name), before=show(field, old, display), after=show(field, new, display)
            )
        )
    return found


def _value_shown(field: CompiledField, value: Any, display: Display) -> Markup:
    return display.value(field.definition, value)


def _rows_shown(field: CompiledField, rows: Any, display: Display) -> Markup:
    """The rows of a sub-table, one a line."""
    lines = []
    for row in rows or ():
        cells = [
            display.short(c.definition, row[n])
            for n, c in (field.rows or {}).items()
            if row.get(n) not in (None, "", [])
        ]
        lines.append(Markup("<li>{}</li>").format(Markup(" · ").join(cells)))
    return Markup('<ol class="ranked">{}</ol>').format(Markup("").join(lines)) if lines else NONE


def change_shown(place: FormPlace, item: FieldChange, display: Display) -> ChangeShown:
    """One change of a field in words."""
    definition = place.form.fields[item.field].definition
    return ChangeShown(
        label=column_label(place.form, item.field),
        before=None if item.before in (None, "", []) else display.value(definition, item.before),
        after=display.value(definition, item.after),
    )


def _deeds() -> dict[str, str]:
    return {
        "created": _("created the record"),
        "updated": _("changed"),
        "computed": _("computed"),
        "deleted": _("put it into the recycle bin"),
        "restored": _("restored it"),
    }


def _cause(name: str, reason: str) -> str:
    """Why a command was given: what people said, or what its name says."""
    known = {
        "scores.write": _("Full run of the scores"),
        "demo.records": _("Sample data"),
        "import.batch": _("Import"),
        "task.complete": _("By completing a task"),
        "release.backfill": _("After a release"),
        "release.convert": _("After a release"),
        "public.answer": _("On a public page"),
        "job.process.timer": _("When a timer came due"),
    }
    return known.get(name, reason)


def _reasons(work: Work, versions: list[RecordVersion]) -> dict[object, str]:
    ids = {version.command for version in versions if version.command}
    if not ids:
        return {}
    query = sa.select(command.c.id, command.c.name, command.c.reason).where(command.c.id.in_(ids))
    return {row.id: _cause(row.name, row.reason) for row in work.connection.execute(query)}

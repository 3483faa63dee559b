"""The versions of a record in words: who, when, which fields, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from markupsafe import Markup

from builder.storage.workspace_tables import command
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import column_label
from builder.workspace import Work
from engines.form import FieldChange, Record, RecordVersion


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
        changes=tuple(
            change_shown(place, item, display) for item in version.changes if item.field in place.form.fields
        ),
    )


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

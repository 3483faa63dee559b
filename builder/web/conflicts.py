"""A lost race on a record: who did what and when, beside what this person entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from builder.web.catalogue import FormPlace, apps
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.forms.display import plain_text
from builder.web.names import WorkNames
from builder.web.rows import column_label, record_value
from builder.web.wording import code_text
from builder.workspace import Work
from engines.core import StateConflict
from engines.form import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashField:
    """A field that both have changed."""

    label: str
    theirs: Markup
    mine: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """What the conflict page says."""

    sentence: str
    fields: tuple[ClashField, ...] = ()
    # Whether the same may be saved again as it is.
    again: bool = True


def clash_of(work: Work, place: FormPlace, record: Record, values: Mapping[str, Any], error: StateConflict) -> Clash:
    """The conflict in words."""
    if error.code == "record.under_approval":
        process = _process_label(str(error.params["process"]))
        return Clash(sentence=code_text(error.code, site().locale, {"process": process}), again=False)
    names = WorkNames(work)
    names.learn(place.form, [record])
    display = Display(site().formats, names, place.app.name)
    by, at = error.params.get("by"), error.params.get("at")
    who = names.person(by) if isinstance(by, UUID) else None
    when = site().formats.instant(at) if isinstance(at, datetime) else ""
    fields = [name for name in error.params.get("fields", ()) if name in place.form.fields]
    return Clash(
        sentence=_("%(who)s changed this record at %(when)s.", who=who or _("Somebody"), when=when),
        fields=tuple(
            ClashField(
                label=column_label(place.form, name),
                theirs=record_value(place.form, record, name, display),
                mine=_entered(place, name, values.get(name), display),
            )
            for name in fields
        ),
    )


def own_edits(values: Mapping[str, Any], error: StateConflict) -> dict[str, Any]:
    """What this person changed; the rest is shown as it is now, so that saving again undoes nobody's work."""
    mine = error.params.get("mine") or values
    return {name: value for name, value in values.items() if name in mine}


def _entered(place: FormPlace, name: str, value: Any, display: Display) -> Markup:
    """What was typed, as it would read; as typed where it does not fit."""
    from engines.form.types import Refused

    try:
        return display.value(place.form.fields[name].definition, place.form.fields[name].coerce(value))
    except Refused:
        return escape(plain_text(value))


def _process_label(name: str) -> str:
    app, _dot, local = name.partition(".")
    found = apps().get(app)
    definition = found.definitions.get("process", local) if found else None
    return (site().text(definition.label) or local) if definition else local

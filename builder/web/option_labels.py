"""What options are called: as they say themselves, or as the label set says that a setting of the app puts in force."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g

from builder.web.catalogue import apps
from builder.web.context import reading, site
from engines.core import LocalizedText
from engines.form import FieldDefinition, OptionListDefinition
from engines.form.definition import OptionDefinition


def option_label(app: str, field: FieldDefinition, option: OptionDefinition) -> str:
    """The words of an option of ``field``, a field of ``app``, in the visitor's language."""
    chosen = _label_set(app, field.option_list).get(option.name) if field.option_list else None
    return (chosen or option.label).get(site().locale) or option.name


def _label_set(app: str, name: str) -> Mapping[str, LocalizedText]:
    """The label set in force for a shared list; asked once per request."""
    known: dict[tuple[str, str], Mapping[str, LocalizedText]] = g.setdefault("label_sets", {})
    if (app, name) not in known:
        known[app, name] = _find(app, name)
    return known[app, name]


def _find(app: str, name: str) -> Mapping[str, LocalizedText]:
    owner, _dot, local = name.rpartition(".")
    owner = owner or app
    found = apps().get(owner)
    shared = found.definitions.get("options", local) if found else None
    if not isinstance(shared, OptionListDefinition) or not shared.setting or not shared.label_sets:
        return {}
    with reading() as work:
        value = work.settings(owner).get(shared.setting)
    return shared.label_sets.get(str(value), {})

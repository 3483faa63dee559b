"""Why a value is what it is: the formula, rule, decision or score model behind it, and the inputs it saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import column_label, record_value
from builder.workspace import Work
from engines.form import CompiledField, Record


def has_explanation(work: Work, place: FormPlace, record: Record, name: str) -> bool:
    """Whether a field is computed or was last written by the app itself."""
    field = place.form.fields[name]
    return not field.entered or name in _origins(work, place, record)


def explain(work: Work, place: FormPlace, record: Record, name: str, names: WorkNames) -> dict[str, Any]:
    """What the page says about a field."""
    display = Display(site().formats, names, place.app.name)
    field = place.form.fields[name]
    parts = [_origin_part(origin, place, name, names) for origin in _origins(work, place, record).get(name, ())]
    if field.formula is not None:
        parts.append(_formula_part(field, place, record, display))
    return {
        "label": column_label(place.form, name),
        "shown": record_value(place.form, record, name, display),
        "explanations": parts,
    }


def _formula_part(field: CompiledField, place: FormPlace, record: Record, display: Display) -> dict[str, Any]:
    assert field.formula is not None  # noqa: S101 - the caller looked
    read = sorted({path[0] for path in field.formula.reads if path[0] in place.form.fields})
    seen = [n for n in read if n in record.values]
    return {
        "heading": _("Formula"),
        "code": field.definition.formula or str(field.definition.config.get("value", "")),
        "facts": [(column_label(place.form, n), record_value(place.form, record, n, display)) for n in seen],
        "foot": _("Computed anew whenever one of these changes."),
    }


def _origins(work: Work, place: FormPlace, record: Record) -> Mapping[str, list[Any]]:
    """What wrote each field last: field name to origins, read once per record and request."""
    from flask import g

    known: dict[Any, Mapping[str, list[Any]]] = g.setdefault("origins", {})
    key = (place.name, record.id)
    if key not in known:
        found: dict[str, list[Any]] = {}
        for origin in work.service("why").origins(place.name, record.id):
            for field in origin.fields:
                found.setdefault(field, []).append(origin)
        known[key] = found
    return known[key]


def _origin_part(origin: Any, place: FormPlace, name: str, names: WorkNames) -> dict[str, Any]:
    kind, _colon, what = str(origin.source).partition(":")
    headings = {"rule": _("Rule"), "score": _("Score model"), "process": _("Process"), "decision": _("Decision")}
    facts = [(_input_label(place, key), _plain(value, names)) for key, value in _flat(origin.detail.get("inputs", {}))]
    matched = origin.detail.get("matched") or ()
    return {
        "heading": f"{headings.get(kind, kind)} · {what}",
        "sentence": _("Rows that matched: %(rows)s", rows=", ".join(map(str, matched))) if matched else "",
        "facts": facts,
        "foot": _("%(time)s · release %(release)s", time=site().formats.instant(origin.at), release=origin.release),
    }


def _input_label(place: FormPlace, key: str) -> str:
    return column_label(place.form, key) if key in place.form.fields else key


def _plain(value: Any, names: WorkNames) -> Markup:
    return escape(site().formats.plain(value))


def _flat(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Pairs of dotted name and value, at most 40."""
    if not isinstance(value, Mapping):
        return [(prefix, value)]
    pairs = [pair for key, part in value.items() for pair in _flat(part, f"{prefix}.{key}" if prefix else str(key))]
    return pairs[:40]

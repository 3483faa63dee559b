"""Why a value is what it is, in words: the formula, rule, decision, score model or person behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from builder.runtime.history.why import Reason
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import column_label, record_value
from builder.workspace import Work
from engines import feel
from engines.form import CompiledField, Record

# Inputs shown at most.
MOST = 40


def has_explanation(field: CompiledField) -> bool:
    """Whether the app itself gives the field its value."""
    return not field.entered or field.read_only


def explain(work: Work, place: FormPlace, record: Record, name: str, names: WorkNames) -> dict[str, Any]:
    """What the page says about a field."""
    display = Display(site().formats, names, place.app.name)
    reason: Reason = work.service("why")(place.name, record.id, name)
    return {
        "label": column_label(place.form, name),
        "shown": record_value(place.form, record, name, display),
        "explanations": [_main(reason, place, names), *_decisions(reason, place, names)],
    }


def _main(reason: Reason, place: FormPlace, names: WorkNames) -> dict[str, Any]:
    inputs: Mapping[str, Any] = reason.detail.get("inputs") or reason.detail.get("measures") or {}
    if reason.firing and not inputs:
        inputs = reason.firing.get("inputs") or {}
    return {
        "heading": _heading(reason, place),
        "sentence": _sentence(reason),
        "code": str(reason.detail.get("text") or ""),
        "facts": _facts(inputs, place, names),
        "foot": _foot(reason, names),
    }


def rule_label(place: FormPlace, name: str) -> str:
    """What a rule of the app is called."""
    for file in place.app.definitions.all("rules").values():
        for rule in file.rules:
            if rule.name == name and rule.label:
                return site().text(_texts(rule.label)) or name
    return name


def _texts(label: str) -> dict[str, str]:
    """A rule's label as written: a FEEL context of texts, or one text."""
    value = feel.to_python(feel.compile(label, feel.Scope({})).evaluate({}, _context()).value)
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {"": str(value or "")}


def _context() -> feel.EvaluationContext:
    clock = site().workspace.clock
    return feel.EvaluationContext(now=clock.now(), zone=clock.zone(), budget=feel.Budget())


def _name(reason: Reason, place: FormPlace) -> str:
    """What wrote the value is called."""
    if reason.kind == "rule":
        return rule_label(place, reason.name)
    kind = {"process": "process", "score": "scores", "decision": "decision"}.get(reason.kind)
    found = place.app.definitions.get(kind, reason.name) if kind else None
    return (site().text(found.label) if found else "") or reason.name


def _heading(reason: Reason, place: FormPlace) -> str:
    kinds = {
        "rule": _("Rule"),
        "score": _("Score model"),
        "process": _("Process"),
        "task": _("Task"),
        "formula": _("Formula"),
        "person": _("Entered by hand"),
        "system": _("Set by the system"),
        "default": _("Default"),
    }
    heading = kinds.get(reason.kind, reason.kind)
    return f"{heading} · {_name(reason, place)}" if reason.name else heading


def _sentence(reason: Reason) -> str:
    why = reason.detail.get("reason")
    return site().text(why) if isinstance(why, str | Mapping) else ""


def _foot(reason: Reason, names: WorkNames) -> str:
    who = names.person(reason.actor) if reason.actor else None
    parts = [site().formats.instant(reason.at)] if reason.at else []
    parts += [who] if who else []
    parts += [_("release %(number)s", number=reason.release)] if reason.release else []
    return " · ".join(parts)


def _decisions(reason: Reason, place: FormPlace, names: WorkNames) -> list[dict[str, Any]]:
    """The decision tables that the rule asked, with the rows that matched."""
    return [
        {
            "heading": f"{_('Decision')} · {item.get('decision', '')}",
            "sentence": _("Rows that matched: %(rows)s", rows=", ".join(map(str, item.get("matched") or ()))),
            "facts": _facts(item.get("inputs") or {}, place, names),
        }
        for item in reason.detail.get("decisions") or ()
    ]


def _facts(inputs: Mapping[str, Any], place: FormPlace, names: WorkNames) -> list[tuple[str, Markup]]:
    return [(_label(place, key), _value(value, names)) for key, value in _flat(inputs)[:MOST]]


def _label(place: FormPlace, key: str) -> str:
    return column_label(place.form, key) if key in place.form.fields else key


def _value(value: Any, names: WorkNames) -> Markup:
    if isinstance(value, UUID):
        return escape(names.person(value) or str(value)[:8])
    if isinstance(value, str):
        return escape(_dated(value))
    return escape(site().formats.plain(value))


def _dated(text: str) -> str:
    """A text that is an ISO date reads as one."""
    try:
        return site().formats.plain(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
    except (ValueError, TypeError):
        return text


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Pairs of dotted name and value."""
    found: list[tuple[str, Any]] = []
    for key, part in value.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(part, Mapping) and not {"id", "name"} >= part.keys():
            found += _flat(part, name)
        else:
            found.append((name, part.get("name", "") if isinstance(part, Mapping) else part))
    return found

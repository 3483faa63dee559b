"""Why a value is what it is, in words: the formula, rule, decision, score model, process or person behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from builder.runtime.history.why import Reason
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.rows import column_label, record_value
from builder.web.tasks import outcome_label
from builder.web.why_decisions import Asked, asked_of
from builder.web.why_values import Values
from builder.workspace import Work
from engines import feel
from engines.form import CompiledField, Record

# Inputs shown at most.
MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A small table: heads and rows of cells."""

    heads: tuple[str, ...]
    rows: list[tuple[Markup | str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One step of an explanation."""

    heading: str
    sentence: str = ""
    code: str = ""
    facts: Sequence[tuple[str, Markup]] = ()
    table: Table | None = None
    decision: Asked | None = None
    foot: str = ""


def has_explanation(field: CompiledField) -> bool:
    """Whether the app itself gives the field its value."""
    return not field.entered or field.read_only


def explain(work: Work, place: FormPlace, record: Record, name: str, names: WorkNames) -> dict[str, Any]:
    """What the page says about a field."""
    values = Values(place, record, names)
    reason: Reason = work.service("why")(place.name, record.id, name)
    return {
        "label": column_label(place.form, name),
        "shown": record_value(place.form, record, name, values.display),
        "explanations": _Words(place, reason, values, names).parts(),
    }


class _Words:
    """Puts a reason into words, first what set the value, then what that stands on."""

    def __init__(self, place: FormPlace, reason: Reason, values: Values, names: WorkNames) -> None:
        self._place = place
        self._reason = reason
        self._values = values
        self._names = names

    def parts(self) -> list[Part]:
        """All steps of the explanation."""
        made = {"formula": self._formula, "score": self._score, "process": self._process, "rule": self._rule}
        first = Part(heading=self._heading(), sentence=self._sentence(), foot=self._foot())
        found = [made[self._reason.kind](first)] if self._reason.kind in made else [first]
        started = self._reason.detail.get("rule")
        if started:
            label = rule_label(self._place, str(started))
            found.append(Part(heading=f"{_('Rule')} · {label}", sentence=_("It started the process.")))
        decisions = (asked_of(item, self._place, self._values) for item in self._reason.detail.get("decisions") or ())
        return found + [Part(heading=f"{_('Decision')} · {one.label}", decision=one) for one in decisions]

    def _formula(self, part: Part) -> Part:
        inputs = self._reason.detail.get("inputs") or {}
        facts = [(self._values.label(key), self._values.plain(key, value)) for key, value in flat(inputs)[:MOST]]
        return replace(part, code=str(self._reason.detail.get("text") or ""), facts=facts)

    def _rule(self, part: Part) -> Part:
        inputs = (self._reason.firing or {}).get("inputs") or {}
        facts = [(self._values.label(key), self._values.plain(key, value)) for key, value in flat(inputs)[:MOST]]
        return replace(part, facts=facts)

    def _score(self, part: Part) -> Part:
        """Each measure with what it came to, and where that stands against the frozen cut points."""
        model = self._place.app.definitions.get("scores", self._reason.name)
        if model is None:
            return part
        writes = {write.value: write.field for write in model.writes}
        rows: list[tuple[Markup | str, ...]] = []
        for measure in model.measures:
            found = (self._reason.detail.get("measures") or {}).get(measure.name)
            if found is None:
                continue
            cells = (
                self._values.of_field(writes.get(f"{measure.name}.{key}", ""), found.get(key))
                for key in ("value", "score")
            )
            rows.append((site().text(measure.label) or measure.name, *cells))
        if not rows:
            return replace(part, sentence=_("The record is not among those that the model scores."))
        return replace(part, table=Table(heads=(_("Measure"), _("Value"), _("Score")), rows=rows))

    def _process(self, part: Part) -> Part:
        """Who decided what on the way."""
        rows: list[tuple[Markup | str, ...]] = []
        for task in self._reason.detail.get("tasks") or ():
            outcome = outcome_label(self._place.app.name, self._reason.name, task["node"], str(task["outcome"] or ""))
            who = self._names.person(task["by"]) if task["by"] else None
            said = f"{outcome}：{task['comment']}" if task["comment"] else outcome
            rows.append((site().text(task["title"]), who or "—", said, site().formats.instant(task["at"])))
        heads = (_("Task"), _("Who"), _("Outcome"), _("When"))
        return replace(part, table=Table(heads=heads, rows=rows)) if rows else part

    def _heading(self) -> str:
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
        heading, reason = kinds.get(self._reason.kind, self._reason.kind), self._reason
        return f"{heading} · {self._name()}" if reason.name else heading

    def _name(self) -> str:
        """What wrote the value is called."""
        reason = self._reason
        if reason.kind == "rule":
            return rule_label(self._place, reason.name)
        kind = {"process": "process", "score": "scores", "decision": "decision"}.get(reason.kind)
        found = self._place.app.definitions.get(kind, reason.name) if kind else None
        return (site().text(found.label) if found else "") or reason.name

    def _sentence(self) -> str:
        why = self._reason.detail.get("reason")
        return site().text(why) if isinstance(why, str | Mapping) else ""

    def _foot(self) -> str:
        reason = self._reason
        who = self._names.person(reason.actor) if reason.actor else None
        parts = [site().formats.instant(reason.at)] if reason.at else []
        parts += [who] if who else []
        parts += [_("release %(number)s", number=reason.release)] if reason.release else []
        if reason.detail.get("cut_points"):
            parts.append(_("cut points of full run %(number)s", number=int(Decimal(reason.detail["cut_points"]))))
        return " · ".join(parts)


def rule_label(place: FormPlace, name: str) -> str:
    """What a rule of the app is called."""
    for file in place.app.definitions.all("rules").values():
        for rule in file.rules:
            if rule.name == name and rule.label:
                return site().text(texts_of(rule.label)) or name
    return name


def texts_of(label: str) -> dict[str, str]:
    """A rule's label as written: a FEEL context of texts, or one text."""
    if not label:
        return {}
    value = feel.to_python(feel.compile(label, feel.Scope({})).evaluate({}, _context()).value)
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {"": str(value or "")}


def _context() -> feel.EvaluationContext:
    clock = site().workspace.clock
    return feel.EvaluationContext(now=clock.now(), zone=clock.zone(), budget=feel.Budget())


def flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Pairs of dotted name and value."""
    found: list[tuple[str, Any]] = []
    for key, part in value.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(part, Mapping) and not {"id", "name"} >= part.keys():
            found += flat(part, name)
        else:
            found.append((name, part.get("name", "") if isinstance(part, Mapping) else part))
    return found

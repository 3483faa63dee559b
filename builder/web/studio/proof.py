"""What of a draft can be tried on data, and what it would have done over a stretch of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from builder.definitions import AppDefinitions, CompiledApp
from builder.runtime.rules.asking import Asker, askers
from builder.runtime.rules.backtesting import Backtest, backtest
from builder.runtime.rules.backtesting_decisions import DecisionBacktest, backtest_decision, text_of
from builder.runtime.rules.running import ruleset_of
from builder.web.catalogue import FormPlace, app_or_404, place_of
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.studio.drafting import DraftView
from builder.web.why import texts_of
from builder.web.wording import code_text
from builder.workspace import Work
from engines.core import DefinitionError, DougongError, InputError
from engines.rules import CompiledDecisions, CompiledRule, compile_decision, compile_rules

# Changes of records that are looked at within one request, and differences that are listed.
MOST_CHANGES, MOST_SHOWN = 20_000, 200
# Days that a page looks back on at first, and at most.
USUAL, LONGEST = 90, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A rule or decision of the draft, with what is in force under its name."""

    app: CompiledApp
    name: str
    label: str
    form: str
    rule: CompiledRule | None = None
    decision: CompiledDecisions | None = None
    asker: Asker | None = None

    @property
    def place(self) -> FormPlace | None:
        """The form of its records, where the person may see some."""
        found = place_of(f"{self.app.name}.{self.form}") if self.form else None
        return found if found is not None and found.may("see") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One difference, of a record that the person may see."""

    on: date
    title: str
    record: UUID
    # gained, lost or other
    kind: str
    said: str = ""


def subjects(found: DraftView, key: str) -> tuple[list[Subject], bool]:
    """What a file of the draft offers, and whether it is too broken to offer anything."""
    app, definitions = app_or_404(found.app), found.definitions()
    kind, _colon, name = key.partition(":")
    try:
        if kind == "decision":
            return _of_decision(app, definitions, name), False
        return _of_rules(app, definitions, name), False
    except DefinitionError:
        return [], True


def _of_rules(app: CompiledApp, definitions: AppDefinitions, name: str) -> list[Subject]:
    tree = definitions.get("rules", name)
    if tree is None:
        raise DefinitionError([])
    return [
        Subject(
            app=app,
            name=rule.name,
            label=site().text(texts_of(rule.tree.label)) or rule.name,
            form=rule.form,
            rule=rule,
        )
        for rule in compile_rules(tree, definitions).rules
        if rule.form in app.forms
    ]


def _of_decision(app: CompiledApp, definitions: AppDefinitions, name: str) -> list[Subject]:
    model = definitions.get("decision", name)
    if model is None:
        raise DefinitionError([])
    compiled = compile_decision(model, definitions)
    given = {item.name for item in model.inputs}
    return [
        Subject(
            app=app,
            name=f"{name}@{asker.form}",
            label=f"{site().text(model.label) or name} · {site().text(app.forms[asker.form].definition.label)}",
            form=asker.form,
            decision=compiled,
            asker=asker,
        )
        for asker in askers(app, name)
        if asker.form in app.forms and given <= set(asker.inputs)
    ]


def looked_back(work: Work, asked: Subject, given: Mapping[str, str]) -> dict[str, Any]:
    """The differences that the page lists, where a stretch of days is asked for."""
    today = work.instant.astimezone(work.zone).date()
    start, end = _day(given.get("from")) or today - timedelta(days=USUAL), min(_day(given.get("to")) or today, today)
    told: dict[str, Any] = {"start": start, "end": end}
    if "from" not in given or asked.place is None:
        return told
    if not timedelta() <= end - start <= timedelta(days=LONGEST):
        return {**told, "refusal": _("Take a stretch of at most %(count)s days.", count=LONGEST)}
    try:
        return {**told, "back": _Back(work, asked, start, end).shown()}
    except InputError as error:
        return {**told, "refusal": code_text(error.problems[0].code, site().locale, error.problems[0].params)}
    except DougongError as error:
        return {**told, "refusal": code_text(error.code, site().locale)}


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


class _Back:
    """A backtest as the page shows it: figures of all records, lines of those that the person may see."""

    def __init__(self, work: Work, asked: Subject, start: date, end: date) -> None:
        self._work, self._asked = work, asked
        self._start, self._end = start, end

    def shown(self) -> dict[str, Any]:
        """Figures and lines."""
        return self._of_rule(self._asked.rule) if self._asked.rule is not None else self._of_decision()

    def _of_rule(self, rule: CompiledRule) -> dict[str, Any]:
        around, app = self._work.service("around"), self._asked.app
        published = ruleset_of(around, app).rule(rule.name)
        found: Backtest = backtest(around, app.name, rule, published, self._start, self._end, most=MOST_CHANGES)
        both = sorted(found.draft & found.published, key=lambda one: (one.on, one.record))
        listed = [("gained", found.gained), ("lost", found.lost), ("both", both)]
        lines = [(one.on, one.record, kind, "") for kind, firings in listed for one in firings[:MOST_SHOWN]]
        figures = [
            (_("The draft fires"), len(found.draft)),
            (_("In force fires"), len(found.published)),
            (_("Only the draft"), len(found.gained)),
            (_("Only what is in force"), len(found.lost)),
        ]
        return {"figures": figures, "lines": self._lines(lines), "is_cut": found.is_cut, "outcomes": []}

    def _of_decision(self) -> dict[str, Any]:
        asked, app = self._asked, self._asked.app
        assert asked.decision is not None  # noqa: S101
        assert asked.asker is not None  # noqa: S101
        found: DecisionBacktest = backtest_decision(
            self._work.service("around"),
            app.name,
            asked.form,
            asked.asker.inputs,
            asked.decision,
            app.decisions.get(asked.name.partition("@")[0]),
            self._start,
            self._end,
            most=MOST_CHANGES,
        )
        said = site().formats.plain
        lines = [
            (one.on, one.record, "other", f"{text_of(one.published, said)} → {text_of(one.draft, said)}")
            for one in found.differences[:MOST_SHOWN]
        ]
        figures = [(_("Records"), found.records), (_("Differences"), len(found.differences))]
        outcomes = sorted(found.outcomes.items(), key=lambda item: (item[0][0] == item[0][1], -item[1]))[:20]
        return {"figures": figures, "lines": self._lines(lines), "is_cut": found.is_cut, "outcomes": outcomes}

    def _lines(self, found: list[tuple[date, UUID, str, str]]) -> list[Line]:
        """Those of records that the person may see, with what they are called."""
        place = self._asked.place
        assert place is not None  # noqa: S101  (looked_back asks for it)
        names = WorkNames(self._work)
        names.learn_records(place.name, sorted({record for _on, record, _kind, _said in found}))
        return [
            Line(on=on, title=title, record=record, kind=kind, said=said)
            for on, record, kind, said in found
            if (title := names.record(place.name, record)) is not None
        ]

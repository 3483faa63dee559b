"""Why and why not, in words: what the rules and decisions of an app made of a record, and what would have to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from builder.runtime.rules.asking import askers
from builder.runtime.rules.tracing import DecisionTraced, RuleTraced, Tracer
from builder.web.access import field_access
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.why import flat, rule_label
from builder.web.why_decisions import test_in_words
from builder.web.why_values import Values
from builder.workspace import Work
from engines.form import PastChange, Record
from engines.rules import Change, Term
from engines.rules.explaining_decisions import RowSeen, TableSeen
from engines.rules.language import print_triggers

# Rows of one table, parts of one condition and rules of one record that are shown.
MOST_ROWS, MOST_TERMS, MOST_RULES = 60, 40, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TermShown:
    """A part of a condition."""

    text: str
    # yes, no or null.
    mark: str
    inputs: Sequence[tuple[str, Markup]]
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShown:
    """A value that would have to be another."""

    label: str
    found: Markup
    needed: Markup
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShown:
    """A rule on the record."""

    name: str
    label: str
    triggers: Sequence[str]
    # yes, no or other: of whom nothing is asked now.
    mark: str
    sentence: str
    terms: Sequence[TermShown]
    changes: Sequence[ChangeShown]
    # What else is known: how an absence stands, when the rule fired.
    notes: Sequence[str]
    release: str
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShown:
    """A row of a table."""

    name: str
    matched: bool
    # (column, what is asked, what it had, whether that holds)
    cells: Sequence[tuple[str, str, Markup, bool]]
    then: str
    changes: Sequence[ChangeShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionShown:
    """A decision about the record."""

    name: str
    label: str
    asked_by: str
    outputs: Sequence[tuple[str, Markup]]
    inputs: Sequence[tuple[str, Markup]]
    tables: Sequence[tuple[str, Sequence[RowShown]]]
    changes: Sequence[ChangeShown]
    instead: Markup
    release: str


class WhyNot:
    """Words for one record; what the person may not see is never shown, nor any rule that tells of it."""

    def __init__(self, work: Work, place: FormPlace, record: Record, names: WorkNames) -> None:
        self._work = work
        self._place = place
        self._record = record
        self._values = Values(place, record, names)

    # -- what may be seen

    def may_see(self, paths: Iterable[tuple[str, ...]]) -> bool:
        """Whether the person sees everything that paths lead to, themselves."""
        return all(self._sees(path) for path in paths)

    def _sees(self, path: tuple[str, ...]) -> bool:
        head, rest = path[0], path[1:]
        form = self._place.form
        if head in ("previous", "record"):
            return self._sees(rest) if rest else True
        if head in form.fields:
            return self._values.readable(head) and (not rest or self._values.readable_inside(".".join(path)))
        if head in form.relations:
            return self._sees_all(head, rest)
        return True

    def _sees_all(self, relation: str, rest: tuple[str, ...]) -> bool:
        """Whether the person may see the records of a relation, each that the app sees, and the field asked for."""
        target = place_of(self._place.form.relations[relation].form)
        if target is None or not target.may("see"):
            return False
        if rest and rest[0] in target.form.fields:
            if len(rest) > 1 or field_access(target.form, site().principal).get(rest[0]) not in ("read", "write"):
                return False
        app = self._place.app.name
        ours = self._work.service("around").records(app).related(self._place.name, [self._record.id], relation)
        theirs = self._work.records.of(self._place.name).related(self._place.name, [self._record.id], relation)
        return set(theirs) == set(ours)

    # -- changes of the record

    def moment(self, change: PastChange) -> str:
        """A change of the record, for a list to choose from."""
        deeds = {
            "created": _("created"),
            "updated": _("changed"),
            "deleted": _("deleted"),
            "restored": _("restored"),
        }
        fields = [name for name in change.changed if self._values.readable(name)] if change.kind == "updated" else []
        said = [site().formats.instant(change.at), deeds[change.kind]]
        labels = ", ".join(sorted(self._values.label(name) for name in fields)[:4])
        return " · ".join([*said, labels] if labels else said)

    # -- rules

    def rule(self, traced: RuleTraced, *, now: bool) -> RuleShown:
        """A rule on the record at a change, or as it is ``now``."""
        rule, found = traced.explained.rule, traced.explained
        seen = self.may_see(traced.reads)
        explanation = found.explanation if seen else None
        yes = found.why in ("fired", "otherwise")
        quiet = found.why in ("not_triggered", "switched_off", "stopped")
        return RuleShown(
            name=rule.name,
            label=rule_label(self._place, rule.name),
            triggers=print_triggers(rule.tree, "zh" if site().locale.startswith("zh") else "en"),
            mark="other" if quiet or not seen else "yes" if yes else "no",
            sentence=_sentence("always" if now and yes and rule.condition is None else found.why, now)
            if seen
            else _("It reads values that you may not see."),
            terms=list(self._terms(explanation.term))[:MOST_TERMS] if explanation and not quiet else [],
            changes=[self._change(one) for one in explanation.changes] if explanation and not yes and not quiet else [],
            notes=[*self._silence(traced), *self._fired(traced)] if seen else [],
            release=_("release %(number)s", number=traced.release) if traced.release else _("draft"),
            owner=rule.tree.owned_by,
        )

    def _terms(self, term: Term, level: int = 0) -> Iterator[TermShown]:
        """A condition's parts; the whole is its parts where it is made of some."""
        if term.terms:
            if level:
                yield self._term(term, level, ())
            for part in term.terms:
                yield from self._terms(part, level + 1 if level else 1)
        else:
            yield self._term(term, level, flat(term.inputs))

    def _term(self, term: Term, level: int, inputs: Sequence[tuple[str, Any]]) -> TermShown:
        mark = "null" if term.value is None else "yes" if term.value is True else "no"
        shown = [(self._values.label(path), self._values.plain(path, value)) for path, value in inputs]
        return TermShown(text=term.text, mark=mark, inputs=shown, level=max(level - 1, 0))

    def _change(self, change: Change) -> ChangeShown:
        if change.computed:
            found, needed = (self._values.of_nothing(value) for value in (change.found, change.needed))
            return ChangeShown(label=change.path, found=found, needed=needed, is_code=True)
        found, needed = (self._values.plain(change.path, value) for value in (change.found, change.needed))
        return ChangeShown(label=self._values.label(change.path), found=found, needed=needed)

    def _silence(self, traced: RuleTraced) -> Iterator[str]:
        standing = traced.silence
        if standing is None:
            return
        day = site().formats.plain
        last = _("since %(day)s", day=day(standing.last)) if standing.last else _("since it was created")
        yield _("Silent %(since)s; due from %(day)s on.", since=last, day=day(standing.due))
        if traced.is_done:
            yield _("It has fired for this silence already.")

    def _fired(self, traced: RuleTraced) -> Iterator[str]:
        for firing in traced.firings:
            when = site().formats.instant(firing.at)
            yield _("Fired %(when)s under release %(number)s.", when=when, number=firing.release)

    # -- decisions

    def decision(self, traced: DecisionTraced) -> DecisionShown | None:
        """A decision about the record; None where it was given what the person may not see."""
        if not self.may_see(traced.reads):
            return None
        words = _DecisionWords(self, traced, self._values)
        found = traced.explained
        return DecisionShown(
            name=traced.name,
            label=site().text(traced.model.label) or traced.name,
            asked_by=self._asked_by(traced),
            outputs=words.outputs(found.result.value),
            inputs=[(words.input(name), words.value(name, value)) for name, value in found.inputs.items()],
            tables=[(words.table(table), words.rows(table)) for table in found.tables],
            changes=[words.change(one) for one in found.changes],
            instead=Markup(", ").join(value for _label, value in words.outputs(found.instead)),
            release=_("release %(number)s", number=traced.release) if traced.release else _("draft"),
        )

    def _asked_by(self, traced: DecisionTraced) -> str:
        asker = traced.asker
        if asker.kind == "rule":
            return f"{_('Rule')} · {rule_label(self._place, asker.name)}"
        model = self._place.app.definitions.get("scores", asker.name) if asker.kind == "scores" else None
        return f"{_('Score model')} · {site().text(model.label) or asker.name}" if model is not None else ""


class _DecisionWords:
    """What is called what in a decision."""

    def __init__(self, why: WhyNot, traced: DecisionTraced, values: Values) -> None:
        self._model = traced.model
        self._given: Mapping[str, str] = traced.asker.inputs
        self._values = values

    def input(self, path: str) -> str:
        """An input by its label."""
        head = path.partition(".")[0]
        found = next((item for item in self._model.inputs if item.name == head), None)
        return (site().text(found.label) if found else "") or self._values.label(path)

    def value(self, path: str, value: Any) -> Markup:
        """What an input is given, as the field it stands for shows it."""
        return self._values.of_field(self._given.get(path, path), value)

    def outputs(self, value: Any) -> list[tuple[str, Markup]]:
        """What came out, by name."""
        found = value if isinstance(value, Mapping) else {self._model.name: value}
        return [
            (self._label_of_output(str(name)), self._values.of_field(str(name), one)) for name, one in found.items()
        ]

    def _label_of_output(self, name: str) -> str:
        for decision in self._model.decisions:
            for clause in getattr(decision.value, "outputs", ()):
                if name in (clause.name, decision.name) and site().text(getattr(clause, "label", "")):
                    return site().text(clause.label)
        return site().text(self._model.label) or name

    def table(self, table: TableSeen) -> str:
        """What a table is called."""
        return site().text(table.label) or table.decision

    def rows(self, table: TableSeen) -> list[RowShown]:
        """The rows of a table."""
        return [self._row(row) for row in table.rows[:MOST_ROWS]]

    def _row(self, row: RowSeen) -> RowShown:
        number = _("Row %(number)s", number=row.index + 1)
        label = site().text(row.label)
        return RowShown(
            name=f"{number} · {label}" if label else number,
            matched=row.matched,
            cells=[
                (
                    site().text(c.label) or self.input(c.column),
                    test_in_words(c.text),
                    self.value(c.column, c.value),
                    c.holds,
                )
                for c in row.cells
            ],
            then=", ".join(test_in_words(text.strip('"')) for text in row.then),
            changes=[self.change(change) for change in row.changes],
        )

    def change(self, change: Change) -> ChangeShown:
        """An input that would have to be another."""
        found, needed = self.value(change.path, change.found), self.value(change.path, change.needed)
        return ChangeShown(label=self.input(change.path), found=found, needed=needed)


def _sentence(why: str, now: bool) -> str:
    """Why a rule did or did not fire."""
    if now and why in ("fired", "condition", "otherwise"):
        return {
            "fired": _("As the record is now, its condition holds."),
            "otherwise": _(
                "As the record is now, its condition does not hold; it would do what stands under otherwise."
            ),
            "condition": _("As the record is now, its condition does not hold."),
        }[why]
    return {
        "always": _("It has no condition: it fires whenever what it waits for happens."),
        "fired": _("It fires at this change."),
        "otherwise": _("Its condition does not hold; it does what stands under otherwise."),
        "condition": _("Its condition does not hold."),
        "null": _("Its condition has no answer: something that it needs is empty."),
        "unless": _("It is called off by its “unless”."),
        "not_meant": _("The record is not among those that it is for."),
        "not_becoming": _("Its condition held before; it fires only when it begins to hold."),
        "cool_down": _("It fired not long ago and rests."),
        "not_valid": _("It is not valid on that day."),
        "delayed": _("It begins to wait; its condition is looked at when the time is over."),
        "not_triggered": _("This change is not what it waits for."),
        "stopped": _("A rule before it ends what follows."),
        "switched_off": _("It is switched off."),
    }[why]


def asked_about(work: Work, place: FormPlace, record: Record, names: WorkNames, at: str) -> dict[str, Any]:
    """What the page of a record says: rules and decisions at the change that was asked for, else as things are now."""
    tracer = Tracer(work.service("around"), place.app, place.local, record.id)
    words = WhyNot(work, place, record, names)
    changes = tracer.changes()
    # By number from the first on: what one command did several times over has one instant.
    numbered = {str(len(changes) - place): one for place, one in enumerate(changes)}
    change = numbered.get(at)
    traced = (tracer.rule(rule, change) for rule in tracer.rules_of_form()[:MOST_RULES])
    shown = [words.rule(one, now=change is None) for one in traced if one is not None]
    asked = (tracer.decision(name, place.app.decisions[name], asker, change) for name, asker in tracer.askers())
    return {
        "moments": [(number, words.moment(one)) for number, one in numbered.items()],
        "at": at if change is not None else "",
        "rules": [one for one in shown if one.mark != "other"],
        "other_rules": [one for one in shown if one.mark == "other"],
        "decisions": [found for one in asked if one is not None and (found := words.decision(one)) is not None],
    }


def has_rules(work: Work, place: FormPlace) -> bool:
    """Whether rules or decisions are about records of a form, so that there is something to ask; found out once."""
    known: Any = work.app_set.cache.setdefault("web.asked_about", {})
    key = (place.app.name, place.local)
    if key not in known:
        known[key] = _asked_about(place)
    return bool(known[key])


def _asked_about(place: FormPlace) -> bool:
    app = place.app
    return any(rule.form == place.local for file in app.rulesets.values() for rule in file.rules) or any(
        askers(app, name, place.local) for name in app.decisions
    )

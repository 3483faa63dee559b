"""What a decision was asked, which rows of its tables matched and what it gave, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.why_values import Values
from engines.rules.decisions.model import DecisionModel, InputClause, Table

# Whole numbers that read better in groups of three.
_LONG = re.compile(r"(?<![\w.])[0-9]{5,}(?![\w])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One column of a row that matched: what it is about, what the record has, what the row asks."""

    label: str
    saw: Markup
    asked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShown:
    """A row that matched."""

    # "Row 1", with what it is called.
    name: str
    # The table it stands in, where the decision has several.
    table: str
    tested: Sequence[Tested]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A decision that was asked."""

    label: str
    inputs: Sequence[tuple[str, Markup]]
    rows: Sequence[RowShown]
    # What came out, by name.
    outputs: Sequence[tuple[str, Markup]]
    release: str


def asked_of(explained: Mapping[str, Any], place: FormPlace, values: Values) -> Asked:
    """The explanation that a firing or a score kept, in words of the definition in force."""
    return _Decision(explained, place, values).shown()


class _Decision:
    def __init__(self, explained: Mapping[str, Any], place: FormPlace, values: Values) -> None:
        self._explained = explained
        self._values = values
        self._place = place
        self._name = str(explained.get("decision", "")).rpartition(".")[2]
        self._model: DecisionModel | None = place.app.definitions.get("decision", self._name)

    def shown(self) -> Asked:
        release = self._explained.get("release")
        return Asked(
            label=(site().text(self._model.label) if self._model else "") or self._name,
            inputs=[(self._input(name), self._values.of_field(name, v)) for name, v in self._inputs()],
            rows=list(self._rows()),
            outputs=self._outputs(),
            release=_("release %(number)s", number=int(Decimal(release))) if release else "",
        )

    def _inputs(self) -> Iterator[tuple[str, Any]]:
        given = self._explained.get("inputs") or {}
        yield from ((str(name), value) for name, value in given.items())

    def _input(self, name: str) -> str:
        found = next((one for one in self._model.inputs if one.name == name), None) if self._model else None
        return (site().text(found.label) if found else "") or self._values.label(name)

    def _rows(self) -> Iterator[RowShown]:
        steps = [step for step in self._explained.get("steps") or () if step.get("rows")]
        for step in steps:
            table = self._table(step["decision"])
            for row in step["rows"]:
                yield RowShown(
                    name=self._row_name(table, row),
                    table=self._step(step["decision"]) if len(steps) > 1 else "",
                    tested=list(self._tested(table, step, row)),
                )

    def _tested(self, table: Table | None, step: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[Tested]:
        clauses = table.inputs if table else ()
        for index, (name, value) in enumerate(step["inputs"].items()):
            asked = row["when"][index] if index < len(row["when"]) else ""
            label = site().text(clauses[index].label) if index < len(clauses) else ""
            field = _read(clauses, index) if clauses else name
            yield Tested(
                label=label or self._input(name), saw=self._values.of_field(field, value), asked=test_in_words(asked)
            )

    def _outputs(self) -> list[tuple[str, Markup]]:
        value = self._explained.get("value")
        found = value if isinstance(value, Mapping) else {self._name: value}
        return [(self._output(str(name)), self._values.of_field(str(name), one)) for name, one in found.items()]

    def _output(self, name: str) -> str:
        for decision in self._model.decisions if self._model else ():
            for clause in decision.value.outputs if isinstance(decision.value, Table) else ():
                if name in (clause.name, decision.name) and site().text(clause.label):
                    return site().text(clause.label)
        return self._step(name) or self._values.label(name)

    def _step(self, name: str) -> str:
        found = self._model.decision(name) if self._model else None
        return site().text(found.label) if found else ""

    def _table(self, name: str) -> Table | None:
        found = self._model.decision(name) if self._model else None
        return found.value if found and isinstance(found.value, Table) else None

    def _row_name(self, table: Table | None, row: Mapping[str, Any]) -> str:
        number = int(Decimal(row["number"]))
        rules = table.rules if table else ()
        label = next((site().text(rule.label) for rule in rules if rule.name and rule.name == row.get("name")), "")
        said = _("Row %(number)s", number=number)
        return f"{said} · {label}" if label else said


def _read(clauses: Sequence[InputClause], index: int) -> str:
    """The name that a clause tests, where its expression is one name."""
    return clauses[index].expression.text.strip() if index < len(clauses) else ""


def test_in_words(text: str) -> str:
    """A cell of a table as people write it: "≥ 5,000,000", "Yes"."""
    if text in ("", "-"):
        return _("any")
    if text in ("true", "false"):
        return site().formats.plain(text == "true")
    said = text.replace(">=", "≥").replace("<=", "≤").replace("..", " … ")
    return _LONG.sub(lambda found: site().formats.number(int(found[0])), said)

"""What a draft decision would have given over the past of records, against the decision in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.runtime.rules.asking import compiled_inputs
from builder.runtime.rules.past import Past
from engines import feel
from engines.form import PastChange
from engines.rules import CompiledDecisions

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.around import Around

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From a day on, a record would have got another value than it had."""

    on: date
    record: UUID
    draft: Any
    # None where no such decision is in force.
    published: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionBacktest:
    """A draft decision over the past."""

    # Records that were looked at.
    records: int
    differences: tuple[Difference, ...]
    # How often records had which value under the decision in force and under the draft, at the end.
    outcomes: Mapping[tuple[str, str], int]
    # Whether there was more history than was looked at.
    is_cut: bool = False


def backtest_decision(
    around: Around,
    app: str,
    form: str,
    inputs: Mapping[str, str],
    draft: CompiledDecisions,
    published: CompiledDecisions | None,
    start: date,
    end: date,
    *,
    most: int | None = None,
) -> DecisionBacktest:
    """Both decisions for every record of a form, as it was on the first day and after each change until the last.

    ``inputs``: FEEL over the record for each input. ``most``: changes of records that are looked at.
    """
    return _Run(around, around.app(app), form, inputs, draft, published, start, end).run(most)


class _Run:
    def __init__(
        self,
        around: Around,
        app: CompiledApp,
        form: str,
        inputs: Mapping[str, str],
        draft: CompiledDecisions,
        published: CompiledDecisions | None,
        start: date,
        end: date,
    ) -> None:
        self._zone = around.work.zone
        self._inputs = compiled_inputs(app, form, inputs)
        reads = frozenset(path for one in self._inputs.values() for path in one.reads)
        self._past = Past(around, app.name, form, frozenset(_own(path) for path in reads))
        self._draft, self._published = draft, published
        self._start = self._midnight(start)
        self._until = min(self._midnight(end + timedelta(days=1)), around.work.instant + _MOMENT)

    def run(self, most: int | None) -> DecisionBacktest:
        """All of it."""
        moments = self._moments()
        last: dict[UUID, tuple[Any, Any] | None] = {}
        found: list[Difference] = []
        for change in moments if most is None else islice(moments, most):
            before = last.get(change.id)
            values = None if change.kind == "deleted" else self._values(change)
            last[change.id] = values
            if values is not None and values != before and values[0] != values[1]:
                on = max(change.at, self._start).astimezone(self._zone).date()
                found.append(Difference(on=on, record=change.id, draft=values[0], published=values[1]))
        return DecisionBacktest(
            records=len(last),
            differences=tuple(sorted(found, key=lambda one: (one.on, one.record))),
            outcomes=Counter((text_of(v[1]), text_of(v[0])) for v in last.values() if v is not None),
            is_cut=most is not None and next(moments, None) is not None,
        )

    def _moments(self) -> Iterator[PastChange]:
        """Each record as it was when the stretch began, and after each change since."""
        earlier: PastChange | None = None
        for change in self._past.changes(datetime.min.replace(year=1900, tzinfo=UTC), self._until):
            if earlier is not None and earlier.id != change.id and earlier.kind != "deleted":
                yield earlier
                earlier = None
            if change.at < self._start:
                earlier = change
                continue
            if earlier is not None and earlier.id == change.id and earlier.kind != "deleted":
                yield earlier
            earlier = None
            yield change
        if earlier is not None and earlier.kind != "deleted":
            yield earlier

    def _values(self, change: PastChange) -> tuple[Any, Any]:
        data = self._past.data_of(change)
        variables = {**data.variables, **_names(data.record, self._inputs), "record": data.record}
        given = {
            name: feel.to_python(one.evaluate(variables, data.context).value) for name, one in self._inputs.items()
        }

        def decided(decision: CompiledDecisions) -> Any:
            return decision.decide(given, self._past.context(change.at)).value

        return decided(self._draft), decided(self._published) if self._published is not None else None

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)


def _own(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[1:] if path[0] == "record" and len(path) > 1 else path


def _names(record: Mapping[str, Any], inputs: Mapping[str, feel.Expression]) -> dict[str, Any]:
    """The record's names that the inputs read."""
    heads = {path[0] for one in inputs.values() for path in one.reads}
    return {head: record[head] for head in heads if head in record}


def text_of(value: Any, shown: Callable[[Any], str] = str) -> str:
    """A decision's value in one line."""
    match value:
        case None:
            return "–"
        case Mapping():
            return ", ".join(f"{name}: {text_of(one, shown)}" for name, one in value.items())
        case list():
            return "; ".join(text_of(one, shown) for one in value)
    return shown(value)

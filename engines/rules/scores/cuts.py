"""Cut points: what a full run leaves behind, so that one record can be scored as if it had been in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final
from uuid import UUID

from engines.rules.scores.model import Measure, Method

# Distinct values of a percent_rank measure that are kept; beyond, a sample, and values between are interpolated.
MAX_RANKED: Final = 20_000
_DIGITS: Final = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPoints:
    """The cut points of one measure: plain data."""

    # How many records had a value.
    count: int = 0
    # ntile: the worst (value, tie) of each group; rank: the worst value of each score; percent_rank: distinct values
    # from worst to best; mean: the sum of all values.
    values: tuple[Any, ...] = ()
    # ntile, rank: the score that begins at each of ``values``; percent_rank: how many records are worse.
    scores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure of one record: its value and its score."""

    value: Any
    score: Any = None


def score_of(measure: Measure, cuts: CutPoints, value: Any, tie: Any) -> Any:
    """The score of a value against frozen cut points; null where the value is null or the full run had none.

    ntile, rank and mean give whole numbers (mean: 1 or 0), percent_rank a fraction from 0 to 1, none gives null.
    """
    if value is None or measure.method is Method.NONE or not cuts.count:
        return None
    match measure.method:
        case Method.MEAN:
            return _mean_score(measure, cuts, value)
        case Method.PERCENT_RANK:
            return _percent_rank(measure, cuts, value)
        case Method.NTILE:
            found = _position(measure, cuts, [_key(measure, v, tie_of) for v, tie_of in cuts.values], value, tie)
        case _:
            found = _position(measure, cuts, [_key(measure, v, None) for v in cuts.values], value, None)
    return Decimal(cuts.scores[max(found, 0)])


def _position(measure: Measure, cuts: CutPoints, keys: list[Any], value: Any, tie: Any) -> int:
    """The last cut point that is at or below the value."""
    return bisect_right(keys, _key(measure, value, tie)) - 1


def _key(measure: Measure, value: Any, tie: Any) -> Any:
    """An order from worst to best, equal values by tie ascending."""
    worth = value if measure.higher_is_better else _Reversed(value)
    return (worth,) if tie is None else (worth, tie)


class _Reversed:
    """A value in falling order."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(other.value == self.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _mean_score(measure: Measure, cuts: CutPoints, value: Any) -> Decimal:
    """At or better than the mean, compared as value × count against the sum, so that nothing is rounded."""
    with localcontext() as context:
        context.prec = 200
        scaled, total = value * cuts.count, cuts.values[0]
    return Decimal(scaled >= total if measure.higher_is_better else scaled <= total)


def _percent_rank(measure: Measure, cuts: CutPoints, value: Any) -> Decimal:
    if cuts.count < 2:
        return Decimal(0)
    keys = [_key(measure, v, None) for v in cuts.values]
    at = bisect_left(keys, _key(measure, value, None))
    worse = cuts.count if at == len(keys) else cuts.scores[at]
    return share(min(worse, cuts.count - 1), cuts.count - 1)


def share(part: int, whole: int) -> Decimal:
    """``part / whole`` to 34 digits; 0 where there is no whole."""
    with localcontext() as context:
        context.prec = _DIGITS
        return Decimal(part) / Decimal(whole) if whole else Decimal(0)


@dataclass(slots=True)
class CutBuilder:
    """Gathers the cut points of one measure while the rows of a full run pass by, in any order."""

    measure: Measure
    count: int = 0
    total: Any = None
    # Score -> worst key seen, with what is kept of it.
    worst: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    ranks: dict[Any, int] = field(default_factory=dict)

    def add(self, value: Any, score: int, worse: int, tie: Any) -> None:
        """One record: its value, its score (ntile, rank), how many are strictly worse, what breaks its ties."""
        if value is None:
            return
        self.count += 1
        match self.measure.method:
            case Method.MEAN:
                self.total = value if self.total is None else self.total + value
            case Method.PERCENT_RANK:
                self.ranks[value] = worse
            case Method.NTILE:
                self._keep(score, _key(self.measure, value, tie), (value, tie))
            case Method.RANK:
                self._keep(score, _key(self.measure, value, None), value)
            case Method.NONE:
                pass

    def _keep(self, score: int, key: Any, kept: Any) -> None:
        known = self.worst.get(score)
        if known is None or key < known[0]:
            self.worst[score] = (key, kept)

    def finish(self) -> CutPoints:
        """The cut points of all records added."""
        if self.measure.method is Method.MEAN:
            return CutPoints(count=self.count, values=(self.total,) if self.count else ())
        if self.measure.method is Method.PERCENT_RANK:
            pairs = _sample(sorted(self.ranks.items(), key=lambda pair: pair[1]))
            return CutPoints(count=self.count, values=tuple(v for v, _ in pairs), scores=tuple(r for _, r in pairs))
        scores = sorted(self.worst)
        return CutPoints(count=self.count, values=tuple(self.worst[s][1] for s in scores), scores=tuple(scores))


def _sample(pairs: Sequence[tuple[Any, int]]) -> Sequence[tuple[Any, int]]:
    if len(pairs) <= MAX_RANKED:
        return pairs
    step = (len(pairs) - 1) / (MAX_RANKED - 1)
    return [pairs[round(i * step)] for i in range(MAX_RANKED)]


_KINDS: Final[Mapping[str, Any]] = {
    "number": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "seconds": lambda text: timedelta(seconds=float(text)),
    "id": UUID,
    "text": str,
}


def cuts_to_json(cuts: CutPoints) -> dict[str, Any]:
    """The cut points as JSON values."""
    return {"count": cuts.count, "values": [_write(v) for v in cuts.values], "scores": list(cuts.scores)}


def cuts_from_json(data: Mapping[str, Any]) -> CutPoints:
    """What ``cuts_to_json`` wrote."""
    return CutPoints(count=data["count"], values=tuple(_read(v) for v in data["values"]), scores=tuple(data["scores"]))


def _write(value: Any) -> Any:
    match value:
        case tuple():
            return [_write(part) for part in value]
        case Decimal():
            return {"number": str(value)}
        case int():
            return {"number": str(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case timedelta():
            return {"seconds": str(value.total_seconds())}
        case UUID():
            return {"id": str(value)}
        case _:
            return {"text": str(value)}


def _read(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_read(part) for part in data)
    ((kind, text),) = data.items()
    return _KINDS[kind](text)

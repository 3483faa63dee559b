"""From a mark of a dashboard to the list of its records, by an address that names the mark, never by a condition.

The address says which tile, which mark and which filters; the condition is worked out here, so nobody can make the list
evaluate a condition of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from builder.definitions import CompiledApp
from builder.reports.reader import DashboardReader
from builder.workspace import Work
from engines import report
from engines.core import InputError, InputProblem
from engines.report import CompiledTile, Drill, ValueType
from engines.report.columns import columns_of, title_name
from engines.report.definitions import FilterType
from engines.report.formats import shown

DRILL, KEY, NONE = "drill", "k.", "none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """The records behind a mark."""

    drill: Drill
    dashboard: str
    tile: str
    # Qualified name of the form whose records are listed.
    form: str
    # What the list is limited to, for people: the tile's title and the mark.
    title: str
    # The pairs of the address that give the dashboard's filters.
    filters: tuple[tuple[str, str], ...]


def drill_query(
    reader: DashboardReader, tile: CompiledTile, key: Mapping[str, Any], parameters: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The pairs of an address that lead to the records behind a mark; ``key`` maps dimensions to values."""
    pairs = [(DRILL, f"{reader.dashboard.definition.name}.{tile.tile.name}")]
    for name, value in key.items():
        pairs.append((NONE + name, "1") if value is None else (KEY + name, text_of_key(value)))
    return [*pairs, *report.given_by(reader.dashboard, parameters)]


def text_of_key(value: Any) -> str:
    """A dimension's value as an address holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def drilled(work: Work, app: CompiledApp, given: Mapping[str, Sequence[str]], locale: str) -> Drilled | None:
    """What the pairs of an address lead to, or None where they name no mark.

    ``AccessDenied`` where the person may not open the dashboard; ``InputError`` for a value that cannot be read.
    """
    if not given.get(DRILL):
        return None
    dashboard, _, name = given[DRILL][0].partition(".")
    reader = DashboardReader(work, app, dashboard)
    tile = reader.tile(name)
    parameters = reader.parameters(given)
    row = _row(tile, given)
    drill = report.drill(tile, row, parameters, work.zone)
    titled = row | {title_name(name): reader.title(tile, name, value) for name, value in row.items()}
    marks = [shown(titled, c, locale, work.zone) for c in columns_of(tile) if c.name in row]
    return Drilled(
        drill=drill,
        dashboard=dashboard,
        tile=name,
        form=drill.form if "." in drill.form else f"{app.name}.{drill.form}",
        title=" · ".join(
            [tile.tile.label.get(locale), *(mark for mark in marks if mark), *_chosen(reader, tile, parameters, locale)]
        ),
        filters=tuple(report.given_by(reader.dashboard, parameters)),
    )


def _chosen(reader: DashboardReader, tile: CompiledTile, parameters: Mapping[str, Any], locale: str) -> Iterator[str]:
    """The dashboard's filters that narrow a tile, in words."""
    for item, _dimension in tile.bound:
        value = parameters.get(item.name)
        if item.type in (FilterType.CHOICE, FilterType.PERSON) and value is not None:
            labels = dict(reader.choices(item, locale))
            yield f"{item.label.get(locale)}: {labels.get(str(value), str(value))}"


def _row(tile: CompiledTile, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for dimension in tile.dimensions:
        name = dimension.name
        if given.get(NONE + name):
            row[name] = None
        elif given.get(KEY + name):
            kind = ValueType.DATE if dimension.grain else dimension.dimension.type
            row[name] = _read(given[KEY + name][0], kind, name)
    return row


def _read(text: str, kind: ValueType, name: str) -> Any:
    try:
        match kind:
            case ValueType.NUMBER:
                return Decimal(text)
            case ValueType.DATE:
                return date.fromisoformat(text)
            case ValueType.INSTANT:
                return datetime.fromisoformat(text)
            case ValueType.TIME:
                return time.fromisoformat(text)
            case ValueType.ID:
                return UUID(text)
            case ValueType.BOOLEAN:
                return text == "true"
    except (ValueError, InvalidOperation) as error:
        raise InputError([InputProblem(pointer=f"/{KEY}{name}", code="report.filter_value")]) from error
    return text

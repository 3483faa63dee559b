"""A decision as its editor shows it: tables as grids, each problem at its cell, gaps and overlaps with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.web.context import _, site
from builder.web.studio.decision_grid import CELLS, cells, columns, row_key
from builder.web.studio.drafting import ProblemShown

_CELL = re.compile(r"/decisions/(\d+)/table/rules/(\d+)/(when|then|annotations)/(\d+)(?:/|$)")
_HEAD = re.compile(r"/decisions/(\d+)/table/(inputs|outputs)/(\d+)(?:/|$)")
_EXPRESSION = re.compile(r"/decisions/(\d+)/expression")
_GROUPS = {"when": "inputs", "then": "outputs", "annotations": "annotations"}
TYPES = ("text", "number", "boolean", "date", "datetime", "time", "duration", "period", "list", "context", "any")
Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a row."""

    id: str
    group: str
    column: int
    value: str
    label: str
    problems: Sequence[ProblemShown] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule of a table."""

    key: str
    number: int
    label: str
    cells: Sequence[Cell]
    # Whether a finding about the table as a whole concerns it.
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One input, output or annotation."""

    group: str
    index: int
    # What the panel is opened by.
    path: str
    label: str
    detail: str
    type: str
    # FEEL that a cell may be given with one click: (text, what it means).
    hints: Sequence[tuple[str, str]] = ()
    problems: Sequence[ProblemShown] = ()
    selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A gap, an overlap or a row that never counts, with its example."""

    severity: str
    message: str
    # Whether a row for the example can be added.
    mendable: bool
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A decision table."""

    name: str
    label: str
    hit_policy: str
    aggregator: str
    columns: Mapping[str, Sequence[Column]]
    rows: Sequence[Row]
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A decision that is one expression."""

    name: str
    label: str
    text: str
    problems: Sequence[ProblemShown] = field(default_factory=tuple)


def grids(data: Mapping[str, Any], problems: Sequence[ProblemShown], selected: str) -> list[Grid]:
    """The decision tables of a definition."""
    placed = _placed(problems)
    return [
        _grid(place, item, placed, [p for p in problems if _is_finding(p, place)], selected)
        for place, item in enumerate(data.get("decisions") or [])
        if "table" in item
    ]


def formulas(data: Mapping[str, Any], problems: Sequence[ProblemShown]) -> list[Formula]:
    """The decisions of a definition that are expressions."""
    placed = _placed(problems)
    return [
        Formula(
            name=item["name"],
            label=_label(item),
            text=item["expression"],
            problems=placed.get(("expression", place), ()),
        )
        for place, item in enumerate(data.get("decisions") or [])
        if "expression" in item
    ]


def selected_column(selected: str) -> tuple[str, str, int] | None:
    """Table, group and number of the column that ``selected`` names; None for anything else."""
    parts = selected.split("|")
    if len(parts) != 3 or parts[1] not in CELLS or not parts[2].isdigit():
        return None
    return parts[0], parts[1], int(parts[2])


def column_path(table: str, group: str, index: int) -> str:
    """What a column is selected by."""
    return f"{table}|{group}|{index}"


def _placed(problems: Sequence[ProblemShown]) -> dict[Place, list[ProblemShown]]:
    found: dict[Place, list[ProblemShown]] = {}
    for item in problems:
        if match := _CELL.match(item.pointer):
            place: Place = (int(match[1]), int(match[2]), _GROUPS[match[3]], int(match[4]))
        elif match := _HEAD.match(item.pointer):
            place = (int(match[1]), match[2], int(match[3]))
        elif match := _EXPRESSION.match(item.pointer):
            place = ("expression", int(match[1]))
        else:
            continue
        found.setdefault(place, []).append(item)
    return found


def _is_finding(item: ProblemShown, place: int) -> bool:
    return item.code.startswith("rules.table_") and item.pointer.startswith(f"/decisions/{place}/table")


def _grid(
    place: int,
    item: Mapping[str, Any],
    placed: Mapping[Place, Sequence[ProblemShown]],
    findings: Sequence[ProblemShown],
    selected: str,
) -> Grid:
    table, name = item["table"], item["name"]
    heads = {
        group: [
            _column(name, table, group, index, placed.get((place, group, index), ()), selected)
            for index in range(len(columns(table, group)))
        ]
        for group in CELLS
    }
    marked = {index for found in findings for index in found.params.get("indexes", ())}
    return Grid(
        name=name,
        label=_label(item),
        hit_policy=table.get("hit_policy", "UNIQUE"),
        aggregator=table.get("aggregator", ""),
        columns=heads,
        rows=[
            Row(
                key=row_key(rule, number),
                number=number + 1,
                label=site().text(rule.get("label")) if rule.get("label") else "",
                cells=list(_cells(name, table, rule, number, place, heads, placed)),
                marked=number in marked,
            )
            for number, rule in enumerate(table["rules"])
        ],
        findings=[
            Finding(
                severity=found.severity,
                message=found.message,
                mendable=found.code == "rules.table_gap",
                number=number,
            )
            for number, found in enumerate(findings)
        ],
    )


def _cells(
    name: str,
    table: Mapping[str, Any],
    rule: Mapping[str, Any],
    number: int,
    place: int,
    heads: Mapping[str, Sequence[Column]],
    placed: Mapping[Place, Sequence[ProblemShown]],
) -> Iterator[Cell]:
    for group in CELLS:
        for index, text in enumerate(cells(table, rule, group)):
            yield Cell(
                id=f"c-{name}-{row_key(rule, number)}-{group}{index}",
                group=group,
                column=index,
                value=text,
                label=heads[group][index].label,
                problems=placed.get((place, number, group, index), ()),
            )


def _column(
    name: str, table: Mapping[str, Any], group: str, index: int, problems: Sequence[ProblemShown], selected: str
) -> Column:
    clause, path = columns(table, group)[index], column_path(name, group, index)
    if group == "annotations":
        return Column(group=group, index=index, path=path, label=clause, detail="", type="", selected=selected == path)
    kind, values = str(clause.get("type", "")), clause.get("values") or []
    detail = clause.get("expression", "") if group == "inputs" else " · ".join(map(str, values))
    return Column(
        group=group,
        index=index,
        path=path,
        label=site().text(clause.get("label")) or clause.get("name") or clause.get("expression") or _("Result"),
        detail=detail,
        type=kind,
        hints=_hints(group, kind, values),
        problems=problems,
        selected=selected == path,
    )


def _hints(group: str, kind: str, values: Sequence[Any]) -> list[tuple[str, str]]:
    """What a cell of the column may say, in FEEL, with its meaning."""
    found = [(f'"{value}"' if isinstance(value, str) else str(value), str(value)) for value in values]
    if kind == "boolean":
        found += [("true", _("yes")), ("false", _("no"))]
    if group == "outputs":
        return [*found, ("null", _("nothing"))]
    if kind == "number":
        found += [
            (">= 100", _("100 or more")),
            ("< 100", _("less than 100")),
            ("[100..200)", _("100 up to but not 200")),
            ("100, 200", _("one of these")),
        ]
    if kind in ("date", "datetime"):
        found += [
            ('>= date("2026-01-01")', _("on or after the day")),
            ('[date("2026-01-01")..date("2026-03-31")]', _("within these days, both included")),
        ]
    if kind in ("text", "") and len(values) > 1:
        found += [(f'not("{values[0]}")', _("anything but this"))]
    elif kind in ("text", ""):
        found += [
            ('"A"', _("exactly this text")),
            ('"A", "B"', _("one of these")),
            ('not("A")', _("anything but this")),
        ]
    return [*found, ("-", _("anything")), ("null", _("nothing entered"))]


def _label(item: Mapping[str, Any]) -> str:
    return site().text(item.get("label")) or str(item["name"])

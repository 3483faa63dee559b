"""What the editor of decision tables does to a table's data: rows and columns added, moved, copied and removed.

Every function gives a new table and leaves its argument as it is; the difference is what goes into the draft.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from engines.core import InputError, InputProblem

Table = dict[str, Any]
# A group of columns, and the key of a rule's cells under it.
CELLS: Mapping[str, str] = {"inputs": "when", "outputs": "then", "annotations": "annotations"}
EMPTY: Mapping[str, str] = {"inputs": "-", "outputs": "null", "annotations": ""}
POLICIES = ("UNIQUE", "FIRST", "PRIORITY", "ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER")
AGGREGATORS = ("", "SUM", "COUNT", "MIN", "MAX")


def row_key(rule: Mapping[str, Any], index: int) -> str:
    """What a row is addressed by: its name, else its number."""
    return str(rule.get("name") or f"#{index}")


def row_index(table: Mapping[str, Any], key: str) -> int:
    """Where the row is; ``InputError`` where somebody removed it meanwhile."""
    found = [index for index, rule in enumerate(table["rules"]) if row_key(rule, index) == key]
    if not found:
        raise InputError([InputProblem(pointer="/rule", code="release.no_such_place", params={"path": key})])
    return found[0]


def columns(table: Mapping[str, Any], group: str) -> list[Any]:
    """The columns of a group: clauses, or headings of annotations."""
    return list(table.get(group) or [])


def cells(table: Mapping[str, Any], rule: Mapping[str, Any], group: str) -> list[str]:
    """A row's cells of a group, one for each column; missing ones are empty."""
    count, found = len(columns(table, group)), list(rule.get(CELLS[group]) or [])
    return [*found, *[EMPTY[group]] * (count - len(found))][:count]


def with_cell(table: Table, row: int, group: str, column: int, text: str) -> Table:
    """One cell changed; an emptied one says so in FEEL."""
    _require(0 <= column < len(columns(table, group)))
    changed = copy.deepcopy(table)
    found = cells(table, table["rules"][row], group)
    found[column] = text.strip() or EMPTY[group]
    changed["rules"][row][CELLS[group]] = found
    return changed


def with_row(table: Table, at: int, values: Mapping[int, str] | None = None, like: int | None = None) -> Table:
    """A new row at ``at``: as row ``like``, else empty but for the input cells ``values``."""
    changed = copy.deepcopy(table)
    rule: Table = copy.deepcopy(table["rules"][like]) if like is not None else {}
    rule = {"name": _free_name({str(r.get("name")) for r in table["rules"]}, "rule"), **_without(rule, "name", "label")}
    for group, key in CELLS.items():
        if columns(table, group) or group != "annotations":
            rule[key] = cells(table, rule, group)
    for column, text in (values or {}).items():
        rule["when"][column] = text
    changed["rules"].insert(at, rule)
    return changed


def without_row(table: Table, row: int) -> Table:
    """A row taken away."""
    changed = copy.deepcopy(table)
    changed["rules"].pop(row)
    return changed


def with_row_at(table: Table, row: int, to: int) -> Table:
    """A row moved to another place."""
    changed = copy.deepcopy(table)
    changed["rules"].insert(min(max(to, 0), len(changed["rules"]) - 1), changed["rules"].pop(row))
    return changed


def with_column(table: Table, group: str, at: int, clause: Any) -> Table:
    """A new column of a group; every row gets an empty cell in it."""
    changed = copy.deepcopy(table)
    rows = [cells(table, rule, group) for rule in table["rules"]]
    changed[group] = [*columns(table, group)[:at], clause, *columns(table, group)[at:]]
    for rule, found in zip(changed["rules"], rows, strict=True):
        rule[CELLS[group]] = [*found[:at], EMPTY[group], *found[at:]]
    return changed


def without_column(table: Table, group: str, column: int) -> Table:
    """A column taken away with its cells; the last output stays."""
    _require(0 <= column < len(columns(table, group)))
    if group == "outputs" and len(columns(table, group)) == 1:
        raise InputError([InputProblem(pointer="/column", code="studio.last_output")])
    return _rearranged(table, group, [i for i in range(len(columns(table, group))) if i != column])


def with_column_at(table: Table, group: str, column: int, to: int) -> Table:
    """A column moved to another place of its group, with its cells."""
    _require(0 <= column < len(columns(table, group)))
    order = [i for i in range(len(columns(table, group))) if i != column]
    order.insert(min(max(to, 0), len(order)), column)
    return _rearranged(table, group, order)


def new_clause(table: Mapping[str, Any], group: str, expressions: Sequence[str]) -> Any:
    """A column to begin with: an input over the first of ``expressions`` that no column tests yet, or an output."""
    if group == "annotations":
        return "说明 / Note"
    taken = {str(clause.get("name")) for clause in columns(table, group)}
    if group == "outputs":
        name = _free_name(taken, "output")
        return {"name": name, "type": "text", "label": {"zh": "结果", "en": "Result"}}
    used = {clause.get("expression") for clause in columns(table, group)}
    expression = next((text for text in expressions if text not in used), "")
    name = expression if expression.isidentifier() and expression not in taken else _free_name(taken, "input")
    return {"name": name, "expression": expression}


def literal(value: Any) -> str:
    """A plain value as FEEL, for a cell that takes exactly it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal() | int():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case date():
            return f'date("{value.isoformat()}")'
    return "-"


def _rearranged(table: Table, group: str, order: Sequence[int]) -> Table:
    changed = copy.deepcopy(table)
    rows = [cells(table, rule, group) for rule in table["rules"]]
    changed[group] = [columns(table, group)[i] for i in order]
    for rule, found in zip(changed["rules"], rows, strict=True):
        rule[CELLS[group]] = [found[i] for i in order]
    return changed


def _free_name(taken: set[str], stem: str) -> str:
    return next(name for name in (f"{stem}_{n}" for n in range(1, 10_000)) if name not in taken)


def _without(rule: Mapping[str, Any], *keys: str) -> Table:
    return {key: value for key, value in rule.items() if key not in keys}


def _require(fits: bool) -> None:
    if not fits:
        raise InputError([InputProblem(pointer="/column", code="release.no_such_place", params={"path": "column"})])

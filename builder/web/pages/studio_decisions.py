"""The editor of decisions: tables as grids, expressions, and a try-out of the draft beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.studio import decision_grid as grid
from builder.web.studio.acting import answered, perform, require_unchanged, set_property
from builder.web.studio.cases import cases_of
from builder.web.studio.decision_trial import trial
from builder.web.studio.decision_view import (
    TYPES,
    column_path,
    formulas,
    grids,
    selected_column,
)
from builder.web.studio.differences import below, put
from builder.web.studio.drafting import DraftView, problems_of, shown, view
from builder.web.studio.properties import parse
from engines.core import InputError, InputProblem

# How a column's property is read; plain text where nothing is said.
_KINDS = {"values": "names"}
Frame = Callable[[DraftView, str], dict[str, Any]]


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the editor to the studio."""

    @blueprint.get("/<app>/decision/<decision>")
    def decision(app: str, decision: str) -> str:
        """The tables of a decision."""
        found = view(app)
        told = context(found, decision, selected_at(found, decision, request.args.get("at", "")))
        return render_template("studio/decision.html", **frame(found, "overview"), **told)

    @blueprint.post("/<app>/decision/<decision>/act")
    def decision_act(app: str, decision: str) -> Response:
        """One action on the decision: a cell, a row, a column, the hit policy, an expression."""
        key = f"decision:{decision}"
        before = view(app)
        before.data(key)
        outcome = perform(app, lambda draft: act(draft, key, before))
        found = view(app)
        told = {**frame(found, "overview"), **context(found, decision, outcome.selected)}
        return answered("studio/decision_parts.html", outcome, told)

    @blueprint.post("/<app>/decision/<decision>/try")
    def decision_try(app: str, decision: str) -> str:
        """What the draft's decision gives for values that somebody tries; changes nothing."""
        found = view(app)
        found.data(f"decision:{decision}")
        return render_template("studio/decision_try.html", **trial(found, decision, request.form))


def act(draft: Draft, key: str, found: DraftView) -> str:
    """Carries out what the request asks; gives what is selected afterwards."""
    given = request.form
    if given.get("action") == "expression":
        path = join_path(key, "decisions", given["decision"], "expression")
        _require(draft.value(path) is not MISSING)
        set_property(draft, path, "text", given["value"])
        return given.get("sel", "")
    path = join_path(key, "decisions", given.get("table", ""), "table")
    table = draft.value(path)
    _require(isinstance(table, Mapping))
    if given.get("action") == "column":
        return _set_column(draft, path, given["table"])
    changed, selected = _changed(table, path, draft, key, found)
    put(draft, path, changed)
    return selected


def _changed(table: Any, path: str, draft: Draft, key: str, found: DraftView) -> tuple[Any, str]:
    """The table as the request wants it, and what is selected afterwards."""
    given = request.form
    selected = given.get("sel", "")
    match given.get("action"):
        case "cell" | "label":
            return _with_text(table, path, draft), selected
        case "policy":
            return _with_policy(table), selected
        case "add-column" | "remove-column" | "left" | "right" as what:
            return _with_columns(table, what, key, found)
        case "mend":
            return _mended(table, key, found), selected
        case what:
            return _with_rows(table, str(what)), selected


def _with_text(table: Any, path: str, draft: Draft) -> Any:
    """A cell, or the name that people read beside a row."""
    given = request.form
    row = grid.row_index(table, given["rule"])
    group, column = given.get("group", ""), given.get("column", type=int)
    if group not in grid.CELLS or column is None or not 0 <= column < len(grid.columns(table, group)):
        abort(400)
    now = grid.cells(table, table["rules"][row], group)[column]
    require_unchanged(draft, _row_path(path, table, row), now, given.get("value", "").strip())
    return grid.with_cell(table, row, group, column, given.get("value", ""))


def _row_path(path: str, table: Any, row: int) -> str:
    """Path of a row, or of all rows where it has no name."""
    name = table["rules"][row].get("name")
    return below(f"{path}/rules", name) if name else f"{path}/rules"


def _with_policy(table: Any) -> Any:
    policy, aggregator = request.form.get("hit_policy", ""), request.form.get("aggregator", "")
    if policy not in grid.POLICIES or aggregator not in grid.AGGREGATORS:
        abort(400)
    changed = {**table, "hit_policy": policy}
    if policy == "COLLECT" and aggregator:
        return {**changed, "aggregator": aggregator}
    return {key: value for key, value in changed.items() if key != "aggregator"}


def _with_rows(table: Any, what: str) -> Any:
    given = request.form
    if what == "add":
        return grid.with_row(table, len(table["rules"]))
    row = grid.row_index(table, given.get("rule") or given.get("item", ""))
    match what:
        case "below":
            return grid.with_row(table, row + 1)
        case "copy":
            return grid.with_row(table, row + 1, like=row)
        case "remove":
            return grid.without_row(table, row)
        case "up" | "down":
            return grid.with_row_at(table, row, row + (-1 if what == "up" else 1))
        case "row":
            return grid.with_row_at(table, row, given.get("index", 0, type=int))
    abort(400)


def _with_columns(table: Any, what: str, key: str, found: DraftView) -> tuple[Any, str]:
    given = request.form
    name, group = given["table"], given.get("group", "")
    if group not in grid.CELLS:
        abort(400)
    if what == "add-column":
        at = len(grid.columns(table, group))
        clause = grid.new_clause(table, group, expressions(found.data(key), name))
        return grid.with_column(table, group, at, clause), column_path(name, group, at)
    column = given.get("column", -1, type=int)
    if what == "remove-column":
        return grid.without_column(table, group, column), ""
    to = min(max(column + (-1 if what == "left" else 1), 0), len(grid.columns(table, group)) - 1)
    return grid.with_column_at(table, group, column, to), column_path(name, group, to)


def _mended(table: Any, key: str, found: DraftView) -> Any:
    """A row for the example of a gap, at the end."""
    place = [item["name"] for item in found.data(key)["decisions"]].index(request.form["table"])
    findings = [
        item
        for item in problems_of(found.definitions(), key)
        if item.code.startswith("rules.table_") and item.pointer.startswith(f"/decisions/{place}/table")
    ]
    number = request.form.get("number", -1, type=int)
    _require(0 <= number < len(findings) and findings[number].code == "rules.table_gap")
    example = findings[number].params["values"]
    values = {
        index: grid.literal(example[clause["expression"]])
        for index, clause in enumerate(grid.columns(table, "inputs"))
        if clause.get("expression") in example
    }
    return grid.with_row(table, len(table["rules"]), values)


def _set_column(draft: Draft, path: str, table: str) -> str:
    """One property of a column: label, expression, type, values."""
    given = request.form
    group, index, prop = given.get("group", ""), given.get("column", -1, type=int), given.get("property", "")
    found = grid.columns(draft.value(path), group) if group in grid.CELLS else []
    _require(0 <= index < len(found))
    if group == "annotations":
        changed = [*found[:index], given.get("value", "").strip() or _("Note"), *found[index + 1 :]]
        put(draft, f"{path}/annotations", changed)
        return column_path(table, group, index)
    if prop not in {"label/zh", "label/en", "expression", "type", "values", "default"}:
        abort(400)
    name = found[index].get("name")
    if name:
        at = below(f"{path}/{group}", name)
        set_property(draft, f"{at}/{prop}", _KINDS.get(prop, "text"), given["value"])
    else:
        put(draft, f"{path}/{group}", _with_property(found, index, prop, given["value"]))
    return column_path(table, group, index)


def _with_property(clauses: Sequence[Any], index: int, prop: str, text: str) -> list[Any]:
    """A clause without a name is known by its place only: all clauses are given anew."""
    value = parse(_KINDS.get(prop, "text"), text)
    clause = dict(clauses[index])
    key, _slash, language = prop.partition("/")
    if language:
        texts = clause.get("label")
        clause["label"] = {**(texts if isinstance(texts, dict) else {}), language: text}
    elif value is MISSING:
        clause.pop(key, None)
    else:
        clause[key] = value
    return [*clauses[:index], clause, *clauses[index + 1 :]]


def expressions(data: Mapping[str, Any], decision: str) -> list[str]:
    """Names that a decision's columns may test: what it requires, and what the caller gives."""
    item = next((d for d in data.get("decisions") or [] if d["name"] == decision), {})
    return [*(item.get("requires") or ()), *(given["name"] for given in data.get("inputs") or [])]


def selected_at(found: DraftView, decision: str, pointer: str) -> str:
    """The column that a problem's pointer is about; "" for any other."""
    parts = pointer.strip("/").split("/")
    data = found.data(f"decision:{decision}")
    if len(parts) < 5 or parts[:1] != ["decisions"] or parts[3] not in {"inputs", "outputs"}:
        return ""
    if not parts[1].isdigit() or int(parts[1]) >= len(data["decisions"]):
        return ""
    return f"{data['decisions'][int(parts[1])]['name']}|{parts[3]}|{parts[4]}"


def context(found: DraftView, decision: str, selected: str) -> dict[str, Any]:
    """What the editor's template shows."""
    key = f"decision:{decision}"
    data = found.data(key)
    definitions = found.definitions()
    problems = [shown(item) for item in problems_of(definitions, key)]
    return {
        "cases": cases_of(definitions, key),
        "decision": decision,
        "decision_label": site().text(data.get("label")) or decision,
        "description": site().text(data.get("description")) if data.get("description") else "",
        "grids": grids(data, problems, selected),
        "formulas": formulas(data, problems),
        "inputs": data.get("inputs") or [],
        "policies": policies(),
        "aggregators": grid.AGGREGATORS,
        "problems": problems,
        "selected": selected,
        "panel": _panel(data, selected),
    }


def policies() -> list[tuple[str, str, str]]:
    """Hit policies: value, letter of DMN, meaning."""
    return [
        ("UNIQUE", "U", _("one row matches, never two")),
        ("FIRST", "F", _("the first row that matches")),
        ("PRIORITY", "P", _("the row with the highest output")),
        ("ANY", "A", _("any row: those that match agree")),
        ("COLLECT", "C", _("all rows that match, collected")),
        ("RULE ORDER", "R", _("all rows that match, in their order")),
        ("OUTPUT ORDER", "O", _("all rows that match, by output")),
    ]


def _panel(data: Mapping[str, Any], selected: str) -> dict[str, Any] | None:
    """The properties of the selected column."""
    place = selected_column(selected)
    if place is None:
        return None
    table, group, index = place
    item = next((d for d in data["decisions"] if d["name"] == table and "table" in d), None)
    clauses = grid.columns(item["table"], group) if item else []
    if index >= len(clauses):
        return None
    clause = clauses[index]
    plain = {"table": table, "group": group, "index": index, "count": len(clauses)}
    if group == "annotations":
        return {**plain, "title": clause, "heading": clause}
    label = clause.get("label")
    return {
        **plain,
        "title": site().text(label) or clause.get("name") or clause.get("expression", ""),
        "labels": {code: label.get(code, "") if isinstance(label, dict) else label or "" for code in ("zh", "en")},
        "expression": clause.get("expression", ""),
        "expressions": expressions(data, table),
        "type": clause.get("type", ""),
        "types": TYPES,
        "values": ", ".join(map(str, clause.get("values") or [])),
        "default": clause.get("default", ""),
    }


def _require(fits: bool) -> None:
    if not fits:
        params = {"path": request.form.get("table", "")}
        raise InputError([InputProblem(pointer="/table", code="release.no_such_place", params=params)])

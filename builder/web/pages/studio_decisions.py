"""The editor of decision tables: a grid whose cells say at once what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from builder.definitions import join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.studio.drafting import DraftView, ProblemShown, edit, problems_of, shown, view
from builder.web.wording import problem_text
from engines.core import InputError, StateConflict

Frame = Callable[[DraftView, str], dict[str, Any]]
_CELL = re.compile(r"/decisions/(\d+)/table/rules/(\d+)/(when|then)/(\d+)(?:/|$)")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the editor to the studio."""

    @blueprint.get("/<app>/decision/<decision>")
    def decision(app: str, decision: str) -> str:
        """The tables of a decision."""
        found = view(app)
        return render_template("studio/decision.html", **frame(found, "overview"), **context(found, decision))

    @blueprint.post("/<app>/decision/<decision>/act")
    def decision_act(app: str, decision: str) -> Response:
        """One action in a table: cell, label, add, copy, remove, up, down."""
        found = view(app)
        found.data(f"decision:{decision}")
        problem, status = "", 200
        try:
            edit(app, lambda draft: act(draft, f"decision:{decision}"))
        except InputError as error:
            problem, status = " ".join(problem_text(item, site().locale) for item in error.problems), 422
        except StateConflict:
            problem, status = _("Somebody else changed the draft just now. This is what it looks like."), 409
        found = view(app)
        shown_context = {**frame(found, "overview"), **context(found, decision), "problem": problem}
        html = render_template("studio/decision_parts.html", **shown_context)
        return make_response(html, status)


def act(draft: Draft, key: str) -> None:
    """Carries out what the request asks."""
    given = request.form
    rules = join_path(key, "decisions", given["table"], "table", "rules")
    rule = join_path(rules, given.get("rule", "")) if given.get("rule") else ""
    match given.get("action"):
        case "cell":
            _set_cell(draft, rule, given["part"], given.get("index", type=int) or 0, given.get("value", ""))
        case "add":
            _add_rule(draft, rules, given.get("rule", ""))
        case "remove":
            draft.remove(rule)
        case "up" | "down" as way:
            _shift(draft, rules, given["rule"], -1 if way == "up" else 1)
        case _:
            abort(400)


def _set_cell(draft: Draft, rule: str, part: str, index: int, text: str) -> None:
    if part not in {"when", "then"}:
        abort(400)
    cells = list(draft.value(join_path(rule, part)))
    if not 0 <= index < len(cells):
        abort(400)
    cells[index] = text.strip() or ("-" if part == "when" else "null")
    draft.edit(join_path(rule, part), cells)


def _add_rule(draft: Draft, rules: str, after: str) -> None:
    table = draft.value(rules.rpartition("/")[0])
    taken = {rule["name"] for rule in table["rules"]}
    name = next(f"rule_{n}" for n in range(1, 10_000) if f"rule_{n}" not in taken)
    rule = {"name": name, "when": ["-"] * len(table["inputs"]), "then": ["null"] * len(table["outputs"])}
    draft.edit(join_path(rules, name), rule, after=after or None)


def _shift(draft: Draft, rules: str, name: str, by: int) -> None:
    names = [rule["name"] for rule in draft.value(rules)]
    rest = [other for other in names if other != name]
    place = min(max(names.index(name) + by, 0), len(rest))
    draft.move(join_path(rules, name), after=rest[place - 1] if place else "")


def context(found: DraftView, decision: str) -> dict[str, Any]:
    """The decision's tables with the problems of each cell."""
    key = f"decision:{decision}"
    data = found.data(key)
    problems = [shown(item) for item in problems_of(found.definitions(), key)]
    by_cell: dict[tuple[int, int, str, int], list[ProblemShown]] = {}
    for item in problems:
        match = _CELL.match(item.pointer)
        if match:
            by_cell.setdefault((int(match[1]), int(match[2]), match[3], int(match[4])), []).append(item)
    return {
        "decision": decision,
        "decision_label": site().text(data.get("label")) or decision,
        "description": site().text(data.get("description")) if data.get("description") else "",
        "tables": [_table(place, item, by_cell) for place, item in enumerate(data["decisions"]) if "table" in item],
        "expressions": [{"name": d["name"], "text": d["expression"]} for d in data["decisions"] if "expression" in d],
        "problems": problems,
        "problem": "",
    }


def _table(
    place: int, item: Mapping[str, Any], by_cell: Mapping[tuple[int, int, str, int], list[ProblemShown]]
) -> dict[str, Any]:
    table = item["table"]
    rows = []
    for number, rule in enumerate(table["rules"]):
        cells = [
            _cell(rule, part, index, by_cell.get((place, number, part, index), []))
            for part in ("when", "then")
            for index in range(len(rule[part]))
        ]
        rows.append(
            {
                "name": rule["name"],
                "number": number + 1,
                "cells": cells,
                "label": site().text(rule.get("label")) if rule.get("label") else "",
            }
        )
    return {
        "name": item["name"],
        "label": site().text(item.get("label")) or item["name"],
        "hit_policy": table.get("hit_policy", "UNIQUE"),
        "inputs": [
            {
                "label": site().text(i.get("label")) or i["name"],
                "expression": i.get("expression", ""),
                "type": i.get("type", ""),
            }
            for i in table["inputs"]
        ],
        "outputs": [
            {
                "label": site().text(o.get("label")) or o["name"],
                "type": o.get("type", ""),
                "values": o.get("values") or [],
            }
            for o in table["outputs"]
        ],
        "rows": rows,
    }


def _cell(rule: Mapping[str, Any], part: str, index: int, problems: list[ProblemShown]) -> dict[str, Any]:
    return {"part": part, "index": index, "value": rule[part][index], "problems": problems}

"""What the pages of an import show, and what its form has sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for

from builder.imports.sheets.mapping import (
    MODES,
    ORDERS,
    ColumnChoice,
    SheetMapping,
    Target,
    keys_of,
    suggested,
    targets_of,
)
from builder.imports.sheets.runs import ImportRun
from builder.storage.values import decode
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, reading, site
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import column_label
from builder.web.wording import problem_text
from engines.core import InputProblem, LocalizedText
from engines.form import Rights

SAMPLES = 3


def place_context(place: FormPlace) -> dict[str, Any]:
    """What every page of an import says about its form."""
    return {
        "app": place.app.name,
        "form": place.local,
        "app_label": place.app_label,
        "plural": place.plural,
        "may_see": place.may("see"),
    }


def state_label(state: str) -> tuple[str, str]:
    """The words for a state, and the colour of its badge."""
    return {
        "uploaded": (_("not looked over yet"), "gray"),
        "checking": (_("being tried out"), "blue"),
        "checked": (_("tried out"), "blue"),
        "running": (_("being taken in"), "blue"),
        "done": (_("taken in"), "green"),
        "stopped": (_("stopped"), "amber"),
        "failed": (_("failed"), "red"),
        "undoing": (_("being taken back"), "blue"),
        "undone": (_("taken back"), "gray"),
    }[state]


def line(run: ImportRun) -> dict[str, Any]:
    """An import in the list of those brought before."""
    words, colour = state_label(run.state)
    app, _dot, form = run.form.partition(".")
    return {
        "href": url_for("imports.page", app=app, form=form, id=run.id),
        "name": run.file_name,
        "at": site().formats.instant(run.created_at),
        "state": words,
        "colour": colour,
        "created": run.counts.get("created", 0),
        "updated": run.counts.get("updated", 0),
        "refused": run.counts.get("refused", 0),
    }


# ---------------------------------------------------------------------------------------------------- columns


def column_heading(place: FormPlace, target: Target) -> str:
    """What a field is called as a heading; a column of a sub-table with the table's name before it."""
    text = site().text
    own = text(target.field.definition.label) or target.field.name
    return f"{column_label(place.form, target.table)} / {own}" if target.table else own


def mapping_context(
    place: FormPlace, run: ImportRun, memory: Mapping[str, Any], given: SheetMapping | None
) -> dict[str, Any]:
    """The page on which columns are chosen: as they were sent, as they were chosen before, else as they seem to be."""
    targets = targets_of(place.form, Rights(place.form, site().principal))
    sheet, heading = _sheet(run, given or run.mapping)
    lines = {number: cells for number, cells in sheet["lines"]}
    headers = [str(cell).strip() for cell in lines.get(heading, ())]
    mapping = given or _kept(run, sheet["name"], heading, headers)
    if mapping is None:
        keep = {key: memory[key] for key in ("mode", "key", "clear", "order") if key in memory}
        mapping = SheetMapping(
            sheet=sheet["name"], heading=heading, columns=tuple(suggested(headers, targets, memory)), **keep
        )
    below = [cells for number, cells in sheet["lines"] if number > heading]
    chosen = {column.place: column for column in mapping.columns}
    return {
        **place_context(place),
        "id": run.id,
        "file_name": run.file_name,
        "encoding": {"gb18030": "GB18030", "utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16"}.get(
            run.inspected["encoding"], ""
        ),
        "sheets": [each["name"] for each in run.inspected["sheets"] if each["lines"]],
        "sheet": sheet["name"],
        "merged": sheet["merged"],
        "heading": heading,
        "headings": [(n, " · ".join(c for c in cells if c)[:60]) for n, cells in sheet["lines"][:20]],
        "mapping": mapping,
        "columns": [_column(place, at, name, chosen.get(at), below) for at, name in enumerate(headers)],
        "targets": [(t.path, column_heading(place, t), t.field.required, t.writable) for t in targets],
        "by": {t.path: _by_choices(t) for t in targets if t.field.target or t.field.list_target},
        "keys": [(t.path, column_heading(place, t)) for t in targets if t.is_key],
        "may_edit": place.may("edit"),
    }


def _sheet(run: ImportRun, mapping: SheetMapping | None) -> tuple[Mapping[str, Any], int]:
    """The sheet that the address names, else the chosen or the first that holds anything, and its line of headings."""
    sheets = [each for each in run.inspected["sheets"] if each["lines"]]
    wanted = request.args.get("sheet") or (mapping.sheet if mapping else "")
    sheet = next((each for each in sheets if each["name"] == wanted), sheets[0])
    numbers = [number for number, _cells in sheet["lines"]]
    heading = request.args.get("heading", type=int) or (
        mapping.heading if mapping and mapping.sheet == sheet["name"] else 0
    )
    # A title above the table fills one cell; headings fill several.
    likely = next((n for n, cells in sheet["lines"] if sum(bool(str(c).strip()) for c in cells) > 1), numbers[0])
    return sheet, heading if heading in numbers else likely


def _kept(run: ImportRun, sheet: str, heading: int, headers: Sequence[str]) -> SheetMapping | None:
    """What was chosen before, where the same headings are meant."""
    kept = run.mapping
    same = kept is not None and (kept.sheet, kept.heading) == (sheet, heading) and len(kept.columns) == len(headers)
    return kept if same else None


def _column(
    place: FormPlace, at: int, header: str, chosen: ColumnChoice | None, below: Sequence[Sequence[str]]
) -> dict[str, Any]:
    samples = [cells[at] for cells in below if at < len(cells) and cells[at].strip()]
    return {
        "place": at,
        "header": header or _("Column %(number)s", number=at + 1),
        "samples": [text[:40] for text in dict.fromkeys(samples)][:SAMPLES],
        "field": chosen.field if chosen else "",
        "by": chosen.by if chosen else "",
    }


def _by_choices(target: Target) -> list[tuple[str, str]]:
    """By what the records that a field points to may be named in a cell."""
    other = place_of(target.field.target or target.field.list_target)
    return [(name, column_label(other.form, name)) for name in keys_of(other.form)] if other else []


def read_mapping(run: ImportRun, form: Any) -> SheetMapping:
    """What the page of columns sent; what it cannot have sent is left as it is from the beginning."""
    name = form.get("sheet", "")
    sheets = run.inspected["sheets"]
    sheet = next((each for each in sheets if each["name"] == name), next(s for s in sheets if s["lines"]))
    numbers = [number for number, _cells in sheet["lines"]]
    heading = form.get("heading", type=int)
    heading = heading if heading in numbers else numbers[0]
    headers = next(cells for number, cells in sheet["lines"] if number == heading)
    mode, order = form.get("mode", ""), form.get("order", "")
    columns = []
    for place, header in enumerate(headers):
        field = form.get(f"field.{place}", "")
        by = form.get(f"by.{field}", "") if field else ""
        columns.append(ColumnChoice(place=place, header=str(header).strip(), field=field, by=by))
    return SheetMapping(
        sheet=sheet["name"],
        heading=heading,
        columns=tuple(columns),
        mode=mode if mode in MODES else "create",
        key=form.get("key", "") if mode in MODES[1:] else "",
        atomic="atomic" in form,
        silent="silent" in form,
        clear="clear" in form,
        order=order if order in ORDERS else "ymd",
    )


def mapping_problem(place: FormPlace, problem: InputProblem) -> str:
    """What keeps a mapping from being used, with the field in the visitor's language."""
    params = dict(problem.params)
    if "label" in params:
        params["label"] = LocalizedText.of(params["label"]).get(site().locale)
    return problem_text(InputProblem(pointer=problem.pointer, code=problem.code, params=params), site().locale)


# ------------------------------------------------------------------------------------------- preview and result


def run_context(place: FormPlace, run: ImportRun) -> dict[str, Any]:
    """The page of an import that is tried out, being taken in, or over."""
    words, colour = state_label(run.state)
    counts = run.counts
    tried = run.state in {"checking", "checked"}
    return {
        **place_context(place),
        "id": run.id,
        "run": run,
        "file_name": run.file_name,
        "state": words,
        "colour": colour,
        "percent": 100 * run.done // run.total if run.total else 0,
        "facts": _facts(counts, tried=tried),
        "started": _started(counts) if tried or run.state in {"done", "running", "stopped"} else [],
        "tried": tried,
        "rows": _preview(place, run) if run.state == "checked" else None,
        "nothing": not any(counts.get(name) for name in ("created", "updated")),
        "blocked": bool(run.mapping and run.mapping.atomic and counts.get("refused")),
        "may_undo": _may_undo(run),
    }


def _may_undo(run: ImportRun) -> bool:
    written = any(run.counts.get(name) for name in ("created", "updated"))
    return bool(run.blob) and written and run.state in {"done", "stopped", "failed"}


def _facts(counts: Mapping[str, int], *, tried: bool) -> list[tuple[str, str, str]]:
    """Label, number and colour of what happened, or would."""
    words = {
        "created": _("would be made") if tried else _("made"),
        "updated": _("would be changed") if tried else _("changed"),
        "same": _("the same already"),
        "refused": _("refused"),
        "undone": _("taken back"),
        "kept": _("kept, changed since"),
    }
    colours = {"refused": "red", "kept": "amber"}
    number = site().formats.number
    shown = [name for name in words if counts.get(name) or name == "created"]
    return [(words[name], number(counts.get(name, 0)), colours.get(name, "")) for name in shown]


def _started(counts: Mapping[str, int]) -> list[str]:
    number = site().formats.number
    told = {name: number(counts.get(name, 0)) for name in ("processes", "tasks", "messages")}
    words = {
        "processes": _("processes: %(count)s", count=told["processes"]),
        "tasks": _("tasks: %(count)s", count=told["tasks"]),
        "messages": _("notices and messages: %(count)s", count=told["messages"]),
    }
    return [word for name, word in words.items() if counts.get(name)]


def _preview(place: FormPlace, run: ImportRun) -> dict[str, Any]:
    """The first records as they would be."""
    shown = run.shown.get("rows", [])
    names = [name for name in place.form.fields if any(name in row["values"] for row in shown)]
    with reading() as work:
        display = Display(site().formats, WorkNames(work), place.app.name)
        rows = []
        for row in shown:
            cells = []
            for name in names:
                field, value = place.form.fields[name], decode(row["values"].get(name))
                if field.rows is not None:
                    cells.append(_("%(count)s rows", count=len(value or ())))
                else:
                    cells.append(display.short(field.definition, value))
            rows.append({"line": row["line"], "new": row["action"] == "created", "cells": cells})
    return {"columns": [column_label(place.form, name) for name in names], "rows": rows}

"""The pages of the process designer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.studio import process_designer as designer
from builder.web.studio.drafting import DraftView, edit, problems_of, shown, view
from builder.web.studio.process_limits import add_action, add_limit, has_limits
from builder.web.studio.process_parts import set_property
from builder.web.studio.properties import parse
from builder.web.wording import diagnostic_text, problem_text
from engines.core import DefinitionError, InputError, StateConflict

Frame = Callable[[DraftView, str], dict[str, Any]]
# Largest drawing that is taken, in bytes.
LARGEST = 2_000_000


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the designer to the studio."""

    @blueprint.get("/<app>/process/<process>")
    def process(app: str, process: str) -> str:
        """The designer."""
        found = view(app)
        return render_template("studio/process.html", **frame(found, "overview"), **context(found, process))

    @blueprint.get("/<app>/process/<process>.bpmn")
    def process_xml(app: str, process: str) -> Response:
        """The process as BPMN 2.0 XML, for other tools and for the diagram."""
        found = view(app)
        response = make_response(designer.to_xml(found.data(f"process:{process}")))
        response.mimetype = "application/xml"
        if "download" in request.args:
            response.headers["Content-Disposition"] = f"attachment; filename={process}.bpmn"
        return response

    @blueprint.post("/<app>/process/<process>.bpmn")
    def process_drawn(app: str, process: str) -> Response:
        """Keeps what was drawn in the draft."""
        found = view(app)
        key = f"process:{process}"
        found.data(key)
        if (request.content_length or 0) > LARGEST:
            abort(413)
        xml, version = request.get_data(as_text=True), request.args.get("version", -1, type=int)
        return _answer(found, frame, process, lambda draft: designer.take_over(draft, found, key, xml, version))

    @blueprint.post("/<app>/process/<process>/act")
    def process_act(app: str, process: str) -> Response:
        """One action in the panel: set, rename, outcome, remove."""
        found = view(app)
        selected = request.form.get("sel", "")
        if request.form.get("action") == "rename":
            return _answer(found, frame, process, lambda draft: act(draft, found, process, selected), new_name=True)
        return _answer(found, frame, process, lambda draft: act(draft, found, process, selected), selected=selected)


def _answer(
    found: DraftView,
    frame: Frame,
    process: str,
    action: Callable[[Draft], None],
    *,
    selected: str = "",
    new_name: bool = False,
) -> Response:
    """Does it, and shows what stands beside the diagram: the panel, the steps and the problems."""
    problem, status = "", 200
    try:
        edit(found.app, action)
        selected = request.form.get("value", "").strip() if new_name else selected
    except DefinitionError as error:
        problem, status = " ".join(diagnostic_text(item, site().locale) for item in error.diagnostics), 422
    except InputError as error:
        problem, status = " ".join(problem_text(item, site().locale) for item in error.problems), 422
    except StateConflict:
        problem, status = _("Somebody else changed the draft just now. Reload to see it; your drawing stays here."), 409
    found = view(found.app)
    told = context(found, process, selected=selected, problem=problem)
    return make_response(render_template("studio/process_parts.html", **frame(found, "overview"), **told), status)


def act(draft: Draft, found: DraftView, process: str, selected: str) -> None:
    """Carries out what the panel asks."""
    given, key = request.form, f"process:{process}"
    data = found.data(key)
    part = designer.find(data, key, selected)
    if part is None:
        abort(404)
    path = given.get("path", part.path)
    if path != part.path and not path.startswith(f"{part.path}/"):
        abort(400)
    match given.get("action"):
        case "set":
            set_property(draft, path, _value(given.get("kind", "text"), given.get("value", "")))
        case "remove":
            draft.remove(path)
        case "outcome":
            designer.add_outcome(draft, part)
        case "limit" if has_limits(part):
            add_limit(draft, part)
        case "limit_action":
            add_action(draft, path)
        case "rename":
            designer.rename(draft, data, key, part, given.get("value", "").strip())
        case _:
            abort(400)


def _value(kind: str, text: str) -> Any:
    if kind == "boolean":
        # Absent means true.
        return MISSING if text == "true" else False
    return MISSING if kind == "json" and not text.strip() else parse(kind, text)


def context(found: DraftView, process: str, *, selected: str | None = None, problem: str = "") -> dict[str, Any]:
    """What the designer's templates show."""
    key = f"process:{process}"
    data = found.data(key)
    selected = request.args.get("sel", "") if selected is None else selected
    part = designer.find(data, key, selected)
    languages = tuple(found.documents["app"].data.get("languages", ("zh", "en"))) if "app" in found.documents else ()
    problems = [shown(item) for item in problems_of(found.definitions(), key)]
    steps = [item for item in designer.parts(data, key) if not item.flow]
    return {
        "process": process,
        "process_label": site().text(data.get("label")) or process,
        "xml": designer.to_xml(data),
        "version": found.version,
        "selected": part.name if part else "",
        "part": part,
        "groups": designer.groups(found, part, languages or ("zh", "en")) if part else [],
        "steps": [(item.name, site().text(item.data.get("label")) or item.name, item.data["type"]) for item in steps],
        "problems": problems,
        "limits": part is not None and has_limits(part),
        "faulty": sorted({name for item in problems for name in _named(data, key, item.pointer)}),
        "problem": problem,
        "join": join_path,
    }


def _named(data: Any, key: str, pointer: str) -> list[str]:
    """The innermost node or flow at a JSON pointer into the file."""
    names: list[str] = []
    value = data
    for token in pointer.strip("/").split("/"):
        if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
            if isinstance(value, dict) and "name" in value:
                names.append(str(value["name"]))
        elif isinstance(value, dict):
            value = value.get(token)
    known = {part.name for part in designer.parts(data, key)}
    return [name for name in names if name in known][-1:]

"""The pages of the form designer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from builder.definitions import join_path
from builder.releases import Draft
from builder.web.context import reading, site
from builder.web.forms import Display, form_view
from builder.web.names import WorkNames
from builder.web.studio import form_canvas as canvas
from builder.web.studio import form_designer as designer
from builder.web.studio.acting import answered, perform, set_property
from builder.web.studio.drafting import DraftView, problems_of, shown, view
from builder.web.studio.form_panel import COLOURS, panel
from builder.web.studio.form_views import view_palette, views_shown
from builder.web.studio.properties import NAME
from engines.core import DefinitionError, InputError, InputProblem
from engines.form import compile as compile_form

Frame = Callable[[DraftView, str], dict[str, Any]]


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the designer to the studio."""

    @blueprint.get("/<app>/form/<form>")
    def form(app: str, form: str) -> str:
        """The designer."""
        found = view(app)
        selected = request.args.get("sel") or selected_at(found, form, request.args.get("at", ""))
        return render_template("studio/form.html", **frame(found, "overview"), **context(found, form, selected))

    @blueprint.post("/<app>/form/<form>/act")
    def form_act(app: str, form: str) -> Response:
        """One action in the designer."""
        before = view(app)
        key = f"form:{form}"
        before.data(key)
        outcome = perform(app, lambda draft: act(draft, before, key))
        found = view(app)
        told = {**frame(found, "overview"), **context(found, form, outcome.selected)}
        # Whoever adds something names it next.
        told["fresh"] = outcome.status == 200 and request.form.get("action") in {"add", "column"}
        return answered("studio/form_parts.html", outcome, told)

    @blueprint.get("/<app>/form/<form>/preview")
    def form_preview(app: str, form: str) -> str:
        """The layout as people will see it, made by the renderer of all other pages."""
        found = view(app)
        return render_template("studio/form_preview.html", **frame(found, "overview"), **preview(found, form))


def act(draft: Draft, found: DraftView, key: str) -> str:
    """Carries out what the request asks; gives the path that is selected afterwards."""
    given = request.form
    selected = given.get("sel", "")
    match given.get("action"):
        case "add":
            into, index = _inside(given["into"], key), given.get("index", 0, type=int)
            return designer.add_item(draft, key, into, index, given["item"])
        case "move":
            into, index = _inside(given["into"], key), given.get("index", 0, type=int)
            return designer.move_item(draft, _inside(given["item"], key), into, index)
        case "up" | "down" as way:
            moved = designer.shift_item(draft, _inside(given["item"], key), -1 if way == "up" else 1)
            return selected or moved
        case "remove":
            draft.remove(_inside(given["item"], key))
            return "" if f"{selected}/".startswith(f"{given['item']}/") else selected
        case "delete":
            designer.delete_field(draft, key, given["field"])
            return ""
        case "rename":
            return _rename(draft, found, key, selected)
        case "set":
            return _set(draft, found, key, selected)
        case "option":
            designer.add_option(draft, _inside(given["path"], key))
            return selected
        case "column":
            path = _inside(given["path"], key)
            return f"{path}/{designer.new_field(draft, path, given.get('type', ''))}"
    abort(400)


def _inside(path: str, key: str) -> str:
    """A path that stays in the definition that is edited."""
    if path != key and not path.startswith(f"{key}/"):
        abort(400)
    return path


def _rename(draft: Draft, found: DraftView, key: str, selected: str) -> str:
    path, wanted = _inside(request.form["path"], key), request.form.get("value", "").strip()
    if not NAME.fullmatch(wanted):
        raise InputError([InputProblem(pointer="/name", code="release.bad_name", params={"name": wanted})])
    return _selected_after(selected, path, designer.rename_field(draft, found, key, path, wanted))


def _selected_after(selected: str, before: str, after: str) -> str:
    """What is selected once a field has another name: the field, or where a layout shows it."""
    if selected == before or "/layouts/" not in selected:
        return after if selected == before else selected
    into, _slash, name = selected.rpartition("/")
    return f"{into}/{after.rpartition('/')[2]}" if name == before.rpartition("/")[2] else selected


def _set(draft: Draft, found: DraftView, key: str, selected: str) -> str:
    path, kind = _inside(request.form["path"], key), request.form.get("kind", "text")
    set_property(draft, path, kind.removesuffix("-choice"), request.form.get("value", ""))
    named, slash, _language = path.partition("/label/")
    if slash and "/fields/" in named and "/options/" not in named:
        return _selected_after(selected, named, designer.name_after_label(draft, found, key, named))
    return selected


def context(found: DraftView, form: str, selected: str) -> dict[str, Any]:
    """What the designer's template shows."""
    key = f"form:{form}"
    data = found.data(key)
    layout = canvas.layout_of(data, request.values.get("layout", ""))
    top = join_path(key, "layouts", layout["name"], "items") if layout else ""
    sections = canvas.canvas(data, key, layout, selected) if layout else []
    return {
        "form": form,
        "form_label": site().text(data.get("label")) or form,
        "key": key,
        "layouts": [
            {"name": item["name"], "label": canvas.layout_label(item), "current": item is layout}
            for item in data.get("layouts") or []
        ],
        "layout": layout["name"] if layout else "",
        "sections": sections,
        "items_path": top,
        "target": canvas.target_of(sections, selected, top),
        "palette": canvas.palette(),
        "parts": canvas.parts(data, layout) if layout else [],
        "unused": canvas.unused_fields(data, layout) if layout else [],
        "views": views_shown(data, key, selected),
        "view_kinds": view_palette(),
        "views_path": join_path(key, "views"),
        "selected": selected,
        "panel": panel(found, key, data, selected),
        "colours": COLOURS,
        "problems": [shown(item) for item in problems_of(found.definitions(), key)],
        "problem": "",
        "clash": None,
        "fresh": False,
    }


def selected_at(found: DraftView, form: str, pointer: str) -> str:
    """The path of the field or layout part that a problem's JSON pointer leads to; "" for the form itself."""
    key = f"form:{form}"
    value: Any = found.data(key)
    path, best = key, ""
    for part in pointer.strip("/").split("/"):
        if isinstance(value, list):
            if not part.isdigit() or int(part) >= len(value):
                break
            value = value[int(part)]
            name = (value.get("name") or value.get("field")) if isinstance(value, dict) else None
            if not name:
                break
            path = f"{path}/{name}"
            best = path if "/items/" in path or "/fields/" in path else best
        elif isinstance(value, dict) and part in value:
            value = value[part]
            path = f"{path}/{part}"
        else:
            break
    return best


def preview(found: DraftView, form: str) -> dict[str, Any]:
    """The compiled draft form rendered, or why it cannot be."""
    definitions = found.definitions()
    definition = definitions.get("form", form)
    if definition is None:
        return {"view": None, "problems": [shown(item) for item in problems_of(definitions, f"form:{form}")]}
    try:
        compiled = compile_form(definition, definitions, app=found.app)
    except DefinitionError as error:
        return {"view": None, "problems": [shown(item) for item in error.diagnostics]}
    layout = compiled.layouts.get(request.args.get("layout", "")) or next(iter(compiled.layouts.values()), None)
    if layout is None:
        return {"view": None, "problems": []}
    with reading() as work:
        rendered = form_view(compiled, layout, {}, Display(site().formats, WorkNames(work), found.app))
    return {"view": rendered, "problems": []}

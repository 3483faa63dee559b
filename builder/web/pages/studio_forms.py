"""The pages of the form designer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.context import _, reading, site
from builder.web.forms import Display, form_view
from builder.web.names import WorkNames
from builder.web.studio import form_designer as designer
from builder.web.studio.drafting import DraftView, edit, problems_of, shown, view
from builder.web.studio.properties import NAME, field_properties, parse, text_properties
from builder.web.wording import problem_text
from engines.core import DefinitionError, InputError, StateConflict
from engines.form import compile as compile_form
from engines.form import field_types

Frame = Callable[[DraftView, str], dict[str, Any]]


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the designer to the studio."""

    @blueprint.get("/<app>/form/<form>")
    def form(app: str, form: str) -> str:
        """The designer."""
        found = view(app)
        return render_template("studio/form.html", **frame(found, "overview"), **context(found, form))

    @blueprint.post("/<app>/form/<form>/act")
    def form_act(app: str, form: str) -> Response:
        """One action in the designer: add, move, up, down, remove, delete, set, rename, option."""
        found = view(app)
        key = f"form:{form}"
        found.data(key)
        problem, selected, status = "", request.form.get("sel", ""), 200
        try:
            selected = edit(app, lambda draft: act(draft, found, key, selected))
        except InputError as error:
            problem, status = " ".join(problem_text(item, site().locale) for item in error.problems), 422
        except StateConflict:
            problem, status = _("Somebody else changed the draft just now. This is what it looks like."), 409
        found = view(app)
        shown_context = context(found, form, selected=selected, problem=problem)
        return make_response(
            render_template("studio/form_parts.html", **frame(found, "overview"), **shown_context), status
        )

    @blueprint.get("/<app>/form/<form>/preview")
    def form_preview(app: str, form: str) -> str:
        """The layout as people will see it, made by the renderer of all other pages."""
        found = view(app)
        return render_template("studio/form_preview.html", **frame(found, "overview"), **preview(found, form))


def act(draft: Draft, found: DraftView, key: str, selected: str) -> str:
    """Carries out what the request asks; gives the path that is selected afterwards."""
    given = request.form
    match given.get("action"):
        case "add":
            return designer.add_item(
                draft, key, _inside(given["into"], key), given.get("index", 0, type=int), given["item"]
            )
        case "move":
            path = _inside(given["item"], key)
            return designer.move_item(draft, path, _inside(given["into"], key), given.get("index", 0, type=int))
        case "up" | "down" as way:
            return designer.shift_item(draft, _inside(given["item"], key), -1 if way == "up" else 1)
        case "remove":
            designer.remove_item(draft, _inside(given["item"], key))
            return ""
        case "delete":
            designer.delete_field(draft, key, given["field"])
            return ""
        case "rename":
            return _rename(draft, found, key, selected)
        case "set":
            _set(draft, _inside(given["path"], key), given.get("kind", "text"), given.get("value", ""))
            return selected
        case "option":
            _add_option(draft, _inside(given["path"], key))
            return selected
    abort(400)


def _inside(path: str, key: str) -> str:
    """A path that stays in the definition that is edited."""
    if path != key and not path.startswith(f"{key}/"):
        abort(400)
    return path


def _rename(draft: Draft, found: DraftView, key: str, selected: str) -> str:
    name, wanted = request.form["field"], request.form.get("value", "").strip()
    if not NAME.fullmatch(wanted):
        from engines.core import InputProblem

        raise InputError([InputProblem(pointer="/name", code="release.bad_name", params={"name": wanted})])
    if wanted != name:
        designer.rename_field(draft, found, key, name, wanted)
    return selected.rpartition("/")[0] + "/" + wanted


def _set(draft: Draft, path: str, kind: str, text: str) -> None:
    value = parse(kind, text)
    parent, _slash, last = path.rpartition("/")
    if last in {"zh", "en"} and draft.value(parent) is MISSING:
        if value is not MISSING:
            draft.edit(parent, {last: value})
    elif value is MISSING:
        if draft.value(path) is not MISSING:
            draft.remove(path)
    else:
        draft.edit(path, value)


def _add_option(draft: Draft, path: str) -> None:
    options = draft.value(path)
    taken = {option["name"] for option in options} if isinstance(options, list) else set()
    number = next(n for n in range(1, 10_000) if f"option_{n}" not in taken)
    label = {"zh": f"选项 {number}", "en": f"Option {number}"}
    draft.edit(f"{path}/option_{number}", {"name": f"option_{number}", "label": label})


def context(found: DraftView, form: str, *, selected: str | None = None, problem: str = "") -> dict[str, Any]:
    """What the designer's template shows."""
    key = f"form:{form}"
    data = found.data(key)
    layout = designer.layout_of(data, request.values.get("layout", ""))
    selected = request.args.get("sel", "") if selected is None else selected
    problems = [shown(item) for item in problems_of(found.definitions(), key)]
    return {
        "form": form,
        "form_label": site().text(data.get("label")) or form,
        "key": key,
        "layouts": [{"name": item["name"], "current": item is layout} for item in data.get("layouts") or []],
        "layout": layout["name"] if layout else "",
        "sections": designer.canvas(data, key, layout, selected) if layout else [],
        "items_path": join_path(key, "layouts", layout["name"], "items") if layout else "",
        "palette": designer.palette(),
        "unused": designer.unused_fields(data, layout) if layout else [],
        "selected": selected,
        "panel": panel(found, key, data, selected),
        "problems": problems,
        "problem": problem,
    }


def panel(found: DraftView, key: str, data: Mapping[str, Any], selected: str) -> dict[str, Any] | None:
    """The property panel for what is selected."""
    name = selected.rpartition("/")[2]
    field = next((item for item in data.get("fields") or [] if item["name"] == name), None)
    languages = ("zh", "en")
    if field is not None:
        kind = field_types().get(field["type"])
        if kind is None:
            return None
        published = found.published.get(key)
        old = {item["name"] for item in published.data.get("fields") or []} if published else set()
        forms = {
            k.partition(":")[2]: site().text(d.data.get("label"))
            for k, d in found.documents.items()
            if k.startswith("form:")
        }
        base = join_path(key, "fields", name)
        options = field.get("options")
        return {
            "title": site().text(field.get("label")) or name,
            "type": designer.type_label(kind),
            "name": name,
            "base": base,
            "is_new": name not in old,
            "field": True,
            "properties": field_properties(field, kind, languages, forms),
            "options": options if isinstance(options, list) else None,
            "span": _span(found, selected),
        }
    item = _value(found, selected)
    if not isinstance(item, Mapping):
        return None
    properties = text_properties(item, "label", _("Label"), languages)
    return {
        "title": site().text(item.get("label")) or name,
        "type": str(item.get("type", "")),
        "name": name,
        "base": selected,
        "properties": properties,
        "columns": item.get("columns", 2) if "items" in item else None,
    }


def _span(found: DraftView, selected: str) -> int:
    item = _value(found, selected)
    return int(item.get("span", 1)) if isinstance(item, Mapping) else 1


def _value(found: DraftView, path: str) -> Any:
    from builder.definitions import value_at

    return value_at(found.documents, path) if path else None


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

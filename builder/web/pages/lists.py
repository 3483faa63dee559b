"""The list of a form's records: views, search, conditions, sorting, keyset paging."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.reports import Drilled, drilled
from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, reading, site
from builder.web.exporting import KINDS as FILES
from builder.web.exporting import export_list
from builder.web.list_tools import builder_data, editable, grouped, groupings, may_bulk
from builder.web.listing import (
    PAGE_SIZE,
    STANDS,
    ListState,
    columns_of,
    condition_chips,
    count_text,
    filter_groups,
    read_state,
    simple,
    views_of,
)
from builder.web.pages.list_saved import opened, saved_context
from builder.web.rows import SYSTEM_COLUMNS, column_label, table_rows
from builder.web.views.kinds import KINDS, icon_of, missing
from builder.web.views.sheet import Sheet
from builder.workspace import Work
from engines.core import InputError
from engines.form import Page


def show(app: str, form: str) -> str | BaseResponse:
    """The list page."""
    place = form_or_404(app, form)
    if not place.may("see"):
        abort(404)
    access = field_access(place.form, site().principal)
    known = [name for name in place.form.fields if access[name] in {"read", "write", "masked"}]
    if (there := opened(place)) is not None:
        return there
    state = read_state(place, known)
    body: dict[str, Any] = {"rows": [], "count": "", "next_href": "", "back_href": ""}
    with reading() as work:
        mark, problem = _fitting_mark(work, place)
        sheet = Sheet(work, place, state, access, narrowed=mark.drill.filter if mark else "")
        if not problem:
            try:
                body = _body(sheet)
            except InputError:
                problem = _unfit()
        told = _context(sheet, known, mark)
    return render_template(
        "pages/list.html",
        **told,
        columns=columns_of(place, state),
        kind=state.view.kind if not problem else "list",
        problem=problem,
        **body,
    )


def _fitting_mark(work: Work, place: FormPlace) -> tuple[Drilled | None, str]:
    """The mark of a dashboard whose records are listed, and what is wrong with its values."""
    try:
        return mark_of(work, place), ""
    except InputError:
        return None, _unfit()


def _unfit() -> str:
    return _("One of the conditions has a value that does not fit.")


def _body(sheet: Sheet) -> dict[str, Any]:
    """What the view itself shows: the rows of a table, or what its kind draws."""
    kind = KINDS.get(sheet.view.kind)
    if kind is None:
        return _table(sheet)
    if reason := missing(sheet):
        return {"drawing": None, "reason": reason, **_paging(sheet.state, Page(records=(), next=None))}
    drawing = kind.draw(sheet)
    drawing["query"] = sheet.state.query
    return {"drawing": drawing, "reason": "", **_paging(sheet.state, drawing.get("page"))}


def _table(sheet: Sheet) -> dict[str, Any]:
    place, state = sheet.place, sheet.state
    if state.group:
        return {"rows": [], **grouped(sheet), **_paging(state, None)}
    query = sheet.query(columns=_columns(place, state), after=state.after, limit=PAGE_SIZE, count=True)
    page = sheet.page(query)
    rows = table_rows(place, page.records, columns_of(place, state), sheet.display, editable(sheet))
    return {"rows": rows, **_paging(state, page)}


def export(app: str, form: str, kind: str) -> Response:
    """The list as a file, with its filters, search, order and columns."""
    place = form_or_404(app, form)
    if kind not in FILES:
        abort(404)
    if not (place.may("see") and place.may("export")):
        abort(403)
    access = field_access(place.form, site().principal)
    known = [name for name in place.form.fields if access[name] in {"read", "write", "masked"}]
    state = read_state(place, known)
    with reading() as work:
        mark = mark_of(work, place)
        sheet = Sheet(work, place, state, access, narrowed=mark.drill.filter if mark else "")
        query = sheet.query(columns=_columns(place, state))
    return export_list(place, query, columns_of(place, state), kind)


def mark_of(work: Work, place: FormPlace) -> Drilled | None:
    """The mark of a dashboard whose records are listed, if any; one of another form's is not found."""
    found = drilled(work, place.app, request.args.to_dict(flat=False), site().locale)
    if found is not None and found.form != place.name:
        abort(404)
    return found


def _columns(place: FormPlace, state: ListState) -> tuple[str, ...]:
    """The fields to read: those shown, and the one that names the record."""
    shown = [name for name in state.columns if name in place.form.fields]
    return tuple(dict.fromkeys([*shown, *([place.form.title] if place.form.title else [])]))


def _context(sheet: Sheet, known: list[str], mark: Drilled | None) -> dict[str, Any]:
    place, state = sheet.place, sheet.state
    views = views_of(place)
    filters = filter_groups(place, known)
    kept = [("view", state.view.name), *(("f", item.encoded) for item in state.conditions)]
    kept += [("where", state.where.encoded)] if state.where else []
    kept += [("group", request.args.get("group", "")), ("saved", state.saved)]
    kept += state.stands
    kept += state.mark
    if state.sort:
        kept.append(("sort", f"{'-' if state.sort[1] else ''}{state.sort[0]}"))
    return {
        "app": place.app.name,
        "form": place.local,
        "app_label": place.app_label,
        "plural": place.plural,
        "view": {"label": site().text(state.view.label) or place.plural},
        "views": [
            {
                "href": state.href(
                    view=name, f=[], sort="", q="", where="", group="", saved="", **dict.fromkeys(STANDS, "")
                ),
                "label": site().text(view.label) or name,
                "current": view is state.view and not state.saved,
                "icon": icon_of(view.kind),
            }
            for name, view in views.items()
        ],
        "kept": [(name, value) for name, value in kept if value or (name, value) in state.mark],
        "behind": {
            "label": mark.title,
            "href": url_for("dashboards.page", app=place.app.name, dashboard=mark.dashboard, **_chosen(mark)),
            "without": state.href(mark=()),
        }
        if mark
        else None,
        "search": state.search,
        "conditions": condition_chips(place, state, sheet.called),
        "filterable": simple(filters),
        "builder": builder_data(sheet, filters),
        "groupings": groupings(sheet, known),
        **saved_context(sheet.work, place, state),
        "all_columns": [
            {"name": n, "label": column_label(place.form, n), "shown": n in state.columns}
            for n in (*known, *SYSTEM_COLUMNS)
            if n in SYSTEM_COLUMNS or place.form.fields[n].rows is None
        ],
        "filtered": bool(state.search or state.conditions or state.where or mark),
        "clear_href": state.href(f=[], q="", where="", mark=()),
        "may_create": place.may("create"),
        "may_delete": place.may("delete"),
        "may_edit": place.may("edit"),
        "bulk": may_bulk(sheet) and state.view.kind == "list",
        "link_href": _link_href(place),
        "exports": _exports(place),
        "may_import": place.may("import"),
    }


def _exports(place: FormPlace) -> list[tuple[str, str]]:
    """What the list may be kept as: name of the kind, and the address with all that the list's own says."""
    if not place.may("export"):
        return []
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "after"]
    return [
        (label, f"{url_for('records.export', app=place.app.name, form=place.local, kind=kind)}?{urlencode(kept)}")
        for kind, label in (("xlsx", "Excel (XLSX)"), ("csv", "CSV"))
    ]


def _chosen(mark: Drilled) -> dict[str, Any]:
    """The filters of the dashboard as they were, for the way back."""
    found: dict[str, list[str]] = {}
    for name, value in mark.filters:
        found.setdefault(name, []).append(value)
    return found


def _link_href(place: FormPlace) -> str:
    """Where a public link is made that needs no prefilled field; empty where that cannot be."""
    public = place.form.definition.public
    needed = [name for name in public.get("prefill") or () if place.form.fields[name].required]
    if not public or needed or not place.may("share"):
        return ""
    return url_for("public.make", app=place.app.name, form=place.local)


def _paging(state: ListState, page: Page | None) -> dict[str, Any]:
    if page is None:
        return {"count": "", "next_href": "", "back_href": ""}
    return {
        "count": count_text(page.count.value, page.count.capped) if page.count else "",
        "next_href": state.href(after=page.next) if page.next else "",
        "back_href": state.href() if state.after else "",
    }


def register(blueprint: Blueprint) -> None:
    """Adds the list to the pages of records."""
    blueprint.add_url_rule("/", "list", show)
    blueprint.add_url_rule("/export.<kind>", "export", export)

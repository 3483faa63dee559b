"""The list of a form's records: views, search, conditions, sorting, keyset paging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from builder.reports import Drilled, drilled
from builder.web.access import field_access
from builder.web.catalogue import FormPlace, form_or_404
from builder.web.context import _, reading, site
from builder.web.filters import to_filter
from builder.web.forms import Display
from builder.web.listing import (
    PAGE_SIZE,
    ListState,
    columns_of,
    condition_chips,
    count_text,
    filter_groups,
    read_state,
    views_of,
)
from builder.web.names import WorkNames
from builder.web.rows import SYSTEM_COLUMNS, column_label, table_rows
from builder.workspace import Work
from engines.core import InputError
from engines.form import ListQuery, Page, SortDefinition, to_feel


def show(app: str, form: str) -> str:
    """The list page."""
    place = form_or_404(app, form)
    if not place.may("see"):
        abort(404)
    access = field_access(place.form, site().principal)
    known = [name for name in place.form.fields if access[name] in {"read", "write", "masked"}]
    state = read_state(place, known)
    problem, page, rows = "", Page(records=(), next=None), []
    mark: Drilled | None = None
    columns = columns_of(place, state)
    try:
        with reading() as work:
            names = WorkNames(work)
            mark = _mark(work, place)
            page = work.records.page(place.name, query_of(place, state, mark))
            names.learn(place.form, page.records)
            rows = table_rows(place, page.records, columns, Display(site().formats, names, app))
    except InputError:
        problem = _("One of the conditions has a value that does not fit.")
    return render_template(
        "pages/list.html",
        **_context(place, state, known, mark),
        columns=columns,
        rows=rows,
        problem=problem,
        **_paging(state, page),
    )


def _mark(work: Work, place: FormPlace) -> Drilled | None:
    """The mark of a dashboard whose records are listed, if any; one of another form's is not found."""
    found = drilled(work, place.app, request.args.to_dict(flat=False), site().locale)
    if found is not None and found.form != place.name:
        abort(404)
    return found


def query_of(place: FormPlace, state: ListState, mark: Drilled | None) -> ListQuery:
    """What the list asks the records for."""
    sort = (SortDefinition(field=state.sort[0], direction="desc" if state.sort[1] else "asc"),) if state.sort else ()
    return ListQuery(
        view=state.view.name,
        filter=_filter(place, state, mark),
        search=state.search,
        sort=sort,
        after=state.after or None,
        limit=PAGE_SIZE,
        columns=_columns(place, state),
        count=True,
    )


def _filter(place: FormPlace, state: ListState, mark: Drilled | None) -> str | Mapping[str, Any] | None:
    """The conditions chosen, together with those of the mark."""
    chosen = to_filter(state.conditions)
    if mark is None or not mark.drill.filter:
        return chosen
    if chosen is None:
        return mark.drill.filter
    today = site().formats.now.astimezone(site().formats.zone).date()
    return f"({mark.drill.filter}) and ({to_feel(chosen, place.form.scope.variables, today)})"


def _columns(place: FormPlace, state: ListState) -> tuple[str, ...]:
    """The fields to read: those shown, and the one that names the record."""
    shown = [name for name in state.columns if name in place.form.fields]
    return tuple(dict.fromkeys([*shown, *([place.form.title] if place.form.title else [])]))


def _context(place: FormPlace, state: ListState, known: list[str], mark: Drilled | None) -> dict[str, Any]:
    views = views_of(place)
    kept = [("view", state.view.name), *(("f", item.encoded) for item in state.conditions)]
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
                "href": state.href(view=name, f=[], sort="", q=""),
                "label": site().text(view.label) or name,
                "current": view is state.view,
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
        "conditions": condition_chips(place, state),
        "filterable": filter_groups(place, known),
        "all_columns": [
            {"name": n, "label": column_label(place.form, n), "shown": n in state.columns}
            for n in (*known, *SYSTEM_COLUMNS)
            if n in SYSTEM_COLUMNS or place.form.fields[n].rows is None
        ],
        "filtered": bool(state.search or state.conditions or mark),
        "clear_href": state.href(f=[], q="", mark=()),
        "may_create": place.may("create"),
        "may_delete": place.may("delete"),
        "link_href": _link_href(place),
    }


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


def _paging(state: ListState, page: Page) -> dict[str, Any]:
    return {
        "count": count_text(page.count.value, page.count.capped) if page.count else "",
        "next_href": state.href(after=page.next) if page.next else "",
        "back_href": state.href() if state.after else "",
    }


def register(blueprint: Blueprint) -> None:
    """Adds the list to the pages of records."""
    blueprint.add_url_rule("/", "list", show)

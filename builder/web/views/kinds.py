"""The kinds of views: what each is drawn by, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import render_template
from markupsafe import Markup

from builder.web.context import _, site
from builder.web.views.board import board
from builder.web.views.calendar import calendar
from builder.web.views.gallery import gallery
from builder.web.views.gantt import gantt
from builder.web.views.graph import graph
from builder.web.views.sheet import Sheet
from builder.web.views.tree import organisation, tree
from engines.form import view_needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of view."""

    icon: str
    draw: Callable[[Sheet], dict[str, Any]]


KINDS: Mapping[str, Kind] = {
    "kanban": Kind(icon="columns", draw=board),
    "calendar": Kind(icon="calendar", draw=calendar),
    "gantt": Kind(icon="gantt", draw=gantt),
    "tree": Kind(icon="tree", draw=tree),
    "organisation": Kind(icon="organisation", draw=organisation),
    "graph": Kind(icon="graph", draw=graph),
    "gallery": Kind(icon="image", draw=gallery),
}


def kind_label(kind: str) -> str:
    """What a kind of view is called."""
    return {
        "list": _("List"),
        "kanban": _("Board"),
        "calendar": _("Calendar"),
        "gantt": _("Gantt chart"),
        "tree": _("Tree"),
        "organisation": _("Organisation chart"),
        "graph": _("Relationship graph"),
        "gallery": _("Gallery"),
    }[kind]


def icon_of(kind: str) -> str:
    """The sign of a kind of view."""
    return KINDS[kind].icon if kind in KINDS else "list"


def drawn(sheet: Sheet) -> Markup:
    """A view as it looks on another page, such as that of a record; a sentence where it cannot be drawn."""
    if reason := missing(sheet):
        return Markup('<p class="muted">{}</p>').format(reason)
    place, view = sheet.place, sheet.view
    drawing = {**KINDS[view.kind].draw(sheet), "query": sheet.state.query}
    html = render_template(
        f"parts/views/{view.kind}.html",
        app=place.app.name,
        form=place.local,
        view={"label": site().text(view.label) or place.plural},
        drawing=drawing,
        filtered=False,
        may_create=False,
    )
    return Markup(html)  # noqa: S704 - made by the template


def missing(sheet: Sheet) -> str:
    """Why a view cannot be drawn for its reader, in words; "" where it can."""
    for key in view_needs(sheet.view.kind):
        if not (sheet.keys(key) if key == "links" else sheet.key(key)):
            return _("This view is drawn from a field that you may not see.")
    return ""

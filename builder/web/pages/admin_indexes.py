"""Indexes that reports would gain by: measured on the workspace's own rows, made with one click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from builder.releases.index_advice import Measured, advise, make_indexes, measure
from builder.web.catalogue import apps, place_of
from builder.web.context import _, reading, site
from builder.web.notices import notify
from builder.web.rows import column_label

Page = Callable[..., str]


def register(blueprint: Blueprint, page: Page) -> None:
    """Adds the page to the administration."""

    @blueprint.get("/indexes")
    def indexes() -> str:
        """What reports ask for; measured only on demand, because that keeps writers waiting for a moment."""
        with reading() as work:
            waiting = len(advise(work))
        return page("indexes", "indexes", waiting=waiting, rows=None)

    @blueprint.post("/indexes")
    def indexes_act() -> str | Response:
        """Measures, or makes the chosen ones."""
        here = site()
        if request.form.get("_do") != "make":
            found = measure(here.workspace, here.principal)
            return page("indexes", "indexes", waiting=len(found), rows=[_row(item) for item in found])
        made = make_indexes(here.workspace, here.principal, request.form.getlist("name"))
        notify(_("Indexes made: %(count)s", count=len(made)))
        return redirect(url_for("admin.indexes"))


def _row(item: Measured) -> dict[str, Any]:
    place = place_of(item.advice.form)
    fields = [column_label(place.form, name) if place else name for name in item.advice.fields]
    return {
        "name": item.advice.index.name,
        "form": place.plural if place else item.advice.form,
        "fields": fields,
        "reports": [_dataset(name) for name in item.advice.datasets],
        "records": item.records,
        "before": site().formats.number(round(item.before_ms, 1)),
        "after": site().formats.number(round(item.after_ms, 1)),
        "gain": site().formats.number(round(item.gain, 1)),
        "pays": item.pays,
    }


def _dataset(name: str) -> str:
    app, _dot, local = name.partition(".")
    return site().text(apps()[app].datasets[local].definition.label) or local

"""Searching all apps at once: what may be seen of each form, the words found marked."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup, escape

from builder.web.catalogue import apps, place_of
from builder.web.context import reading, require_person, site
from builder.web.forms import Display
from builder.web.names import WorkNames
from builder.web.rows import column_label
from builder.workspace import Work
from engines.form import SearchGroup, search_words

blueprint = Blueprint("search", __name__, url_prefix="/search")
blueprint.before_request(require_person)
# Hits of one form on the page; its list shows all.
HITS = 5
# Characters before and behind what was found in a long text.
AROUND = 50
LONGEST = 200


@blueprint.get("/")
def index() -> str:
    """What was found, by form."""
    words = request.args.get("q", "").strip()[:LONGEST]
    chosen = request.args.get("app", "")
    names = list(apps())
    groups = []
    if words:
        with reading() as work:
            found = work.records.search_groups(words, [chosen] if chosen in names else names, HITS)
            groups = [_group(work, group, words) for group in found]
    return render_template(
        "pages/search.html",
        words=words,
        groups=groups,
        apps=[
            {
                "label": site().text(app.definition.label),
                "href": url_for("search.index", q=words, app=name),
                "current": name == chosen,
            }
            for name, app in apps().items()
            if any(item["app"] == name for item in groups) or name == chosen
        ],
        all_href=url_for("search.index", q=words),
        chosen=chosen in names,
    )


def _group(work: Work, group: SearchGroup, words: str) -> dict[str, Any]:
    place = place_of(group.form)
    assert place is not None  # noqa: S101 - it was searched a moment ago
    here = {"app": place.app.name, "form": place.local}
    display = Display(site().formats, WorkNames(work), place.app.name)
    hits = []
    for hit in group.hits:
        parts = [
            {"label": column_label(place.form, name), "shown": snippet(_plain(display, place.form, name, value), words)}
            for name, value in hit.texts.items()
            if name != place.form.title and _holds(_plain(display, place.form, name, value), words)
        ]
        title = hit.title or str(hit.id)[:8]
        hits.append(
            {
                "href": url_for("records.page", **here, id=hit.id),
                "title": marked(title, words),
                "parts": parts[:2],
            }
        )
    number = site().formats.number(group.count.value)
    return {
        "app": place.app.name,
        "app_label": place.app_label,
        "label": place.plural,
        "count": f"{number}{'+' if group.count.capped else ''}",
        "hits": hits,
        "list_href": url_for("records.list", **here, q=words),
        "more": group.count.value > len(group.hits),
    }


def _plain(display: Display, form: Any, name: str, value: Any) -> str:
    """A text without what only shapes it."""
    return " ".join(display.text(form.fields[name].definition, value).split())


def _pattern(words: str) -> re.Pattern[str] | None:
    parts = sorted({re.escape(word) for word in search_words(words)}, key=len, reverse=True)
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _holds(text: str, words: str) -> bool:
    pattern = _pattern(words)
    return bool(pattern and pattern.search(text))


def marked(text: str, words: str) -> Markup:
    """A text with the words that were searched for marked."""
    pattern = _pattern(words)
    if pattern is None:
        return escape(text)
    shown, at = Markup(""), 0
    for found in pattern.finditer(text):
        shown += escape(text[at : found.start()]) + Markup("<mark>{}</mark>").format(found[0])
        at = found.end()
    return shown + escape(text[at:])


def snippet(text: str, words: str) -> Markup:
    """The part of a long text around what was found first, with it marked."""
    pattern = _pattern(words)
    found = pattern.search(text) if pattern else None
    start = max(0, found.start() - AROUND) if found else 0
    end = (found.end() if found else 0) + AROUND
    cut = text[start:end]
    return ("…" if start else "") + marked(cut, words) + ("…" if end < len(text) else "")

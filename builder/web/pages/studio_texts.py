"""The text editor for rules and for files without an editor of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.definitions import AppDefinitions, source_from
from builder.definitions.documents import Document, parse
from builder.web.context import _, site
from builder.web.notices import notify
from builder.web.studio.cases import CASED, cases_of
from builder.web.studio.drafting import DraftView, edit, problems_of, shown, view
from builder.web.wording import diagnostic_text
from engines.core import DefinitionError, Diagnostic

Frame = Callable[[DraftView, str], dict[str, Any]]
LARGEST = 2_000_000


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the editors to the studio."""

    @blueprint.get("/<app>/text/<key>")
    def text(app: str, key: str) -> Response:
        """A definition as text."""
        found = view(app)
        found.data(key)
        return _page(found, key, found.documents[key].text(), frame(found, "overview"))

    @blueprint.post("/<app>/text/<key>")
    def text_save(app: str, key: str) -> BaseResponse:
        """Keeps the text in the draft; a file that is no JSON at all is shown again with what is wrong."""
        found = view(app)
        found.data(key)
        written = request.form.get("text", "").replace("\r\n", "\n")
        try:
            data = parse(found.documents[key].file, written)
        except DefinitionError as error:
            return _page(found, key, written, frame(found, "overview"), error.diagnostics)
        edit(app, lambda draft: draft.edit(key, data))
        notify(_("Kept in the draft."))
        return redirect(url_for("studio.text", app=app, key=key))

    @blueprint.post("/<app>/text/<key>/check")
    def text_check(app: str, key: str) -> Response:
        """What is wrong with a text that is being typed, as JSON for the editor."""
        found = view(app)
        found.data(key)
        written = request.get_data(as_text=True)[:LARGEST]
        definitions = _with(found, key, written)
        problems = problems_of(definitions, key)
        return jsonify(problems=[_mark(item) for item in problems], cases=cases_of(definitions, key))


def _with(found: DraftView, key: str, written: str) -> AppDefinitions:
    """The draft's definitions with the text that is being typed."""
    documents = dict(found.documents)
    documents[key] = Document(file=documents[key].file, data=None, written=written)
    return AppDefinitions(source_from(documents))


def _mark(item: Diagnostic) -> dict[str, Any]:
    message = diagnostic_text(item, site().locale)
    extra = " ".join(part for part in (item.expected and f"→ {item.expected}", item.hint) if part)
    severity = {"warning": "warning", "hint": "info"}.get(str(item.severity), "error")
    return {
        "line": item.line or 1,
        "column": item.column or 1,
        "length": item.length,
        "severity": severity,
        "message": f"{message} {extra}".strip(),
    }


def _page(
    found: DraftView, key: str, written: str, around: dict[str, Any], diagnostics: tuple[Diagnostic, ...] | None = None
) -> Response:
    problems = diagnostics if diagnostics is not None else problems_of(found.definitions(), key)
    html = render_template(
        "studio/text.html",
        **around,
        key=key,
        file=found.documents[key].file,
        text=written,
        names=_names(found),
        problems=[shown(item) for item in problems],
        cases=cases_of(found.definitions(), key) if key.startswith(CASED) else None,
        proof=key.startswith(("rules:", "decision:")),
    )
    return make_response(html, 422 if diagnostics else 200)


def _names(found: DraftView) -> list[str]:
    """Words that the editor proposes: names of forms and of their fields."""
    words: set[str] = set()
    for key, document in found.documents.items():
        if key.startswith("form:") and isinstance(document.data, dict):
            words.add(key.partition(":")[2])
            words |= {field["name"] for field in document.data.get("fields") or []}
    return sorted(words)

"""The draft as the studio's pages see it: documents with the edits in them, and what is wrong with one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import abort

from builder.definitions import AppDefinitions, AppSource, Document, documents_of, source_from
from builder.releases import Draft, find_draft, open_draft
from builder.web.catalogue import app_or_404, apps
from builder.web.context import change, reading, site
from builder.web.wording import diagnostic_text
from builder.workspace import Work
from builder.workspace.release_store import active_release, content_of
from engines.core import AccessDenied, Diagnostic, StateConflict

Result = TypeVar("Result")
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """An app as its builders see it now."""

    app: str
    label: str
    documents: Mapping[str, Document]
    # How many edits there are; 0 without a draft.
    edits: int
    undone: int
    version: int
    # Files of the release in force, by key: what is new in the draft may still be renamed.
    published: Mapping[str, Document]

    def data(self, key: str) -> Any:
        """A definition's data; 404 where there is none."""
        if key not in self.documents:
            abort(404)
        return self.documents[key].data

    def source(self) -> AppSource:
        """The app as it would be published."""
        return source_from(self.documents)

    def definitions(self) -> AppDefinitions:
        """The draft's definitions, loaded, beside the other apps' in force."""
        installed = apps()
        others = {name: app.definitions for name, app in installed.items() if name != self.app}
        return AppDefinitions(self.source(), others, known=installed[self.app].definitions)


def view(app: str) -> DraftView:
    """The draft, or the release in force where nobody has begun one."""
    found = app_or_404(app)
    if not site().may_build(app):
        abort(404)
    with reading() as work:
        published = _published(work, app)
        draft = find_draft(work, app)
        return DraftView(
            app=app,
            label=site().text(found.definition.label),
            documents=draft.documents() if draft else published,
            edits=len(draft.edits) if draft else 0,
            undone=len(draft.undone) if draft else 0,
            version=draft.version if draft else 0,
            published=published,
        )


def _published(work: Work, app: str) -> dict[str, Document]:
    release = active_release(work.connection, app)
    return documents_of(content_of(work.connection, release)) if release else {}


def edit(app: str, action: Callable[[Draft], Result], *, key: str | None = None) -> Result:
    """What ``action`` returns (JSON data), done to the app's draft (begun now where there is none).

    With a ``key`` seen before, what the first call returned.
    """
    app_or_404(app)
    if not site().may_build(app):
        raise AccessDenied("release.draft", app)

    def act(work: Work) -> Result:
        result = action(open_draft(work, app))
        if key:
            work.result = result
        return result

    for _attempt in range(_ATTEMPTS - 1):
        try:
            return change(act, "release.edit", key=key)
        except StateConflict as error:
            # Two edits at one moment: the second is made again over the first.
            if error.code != "release.draft_changed":
                raise
    return change(act, "release.edit", key=key)


def problems_of(definitions: AppDefinitions, key: str) -> list[Diagnostic]:
    """What is wrong with one definition, itself and in what it refers to."""
    file = definitions.source.files.get(key)
    if file is None or file.kind is None:
        return []
    loaded = definitions.of_file(key)
    if loaded is None:
        return []
    found = list(loaded.diagnostics)
    if loaded.definition is not None:
        found += file.kind.validate(loaded.definition, definitions)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemShown:
    """A problem in words, with where to mend it."""

    severity: str
    message: str
    place: str
    found: str
    expected: str
    hint: str
    pointer: str
    line: int
    column: int
    length: int
    href: str = ""
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def shown(diagnostic: Diagnostic, href: str = "") -> ProblemShown:
    """A diagnostic for people."""
    line = f":{diagnostic.line}:{diagnostic.column}" if diagnostic.line else ""
    return ProblemShown(
        severity=str(diagnostic.severity),
        message=diagnostic_text(diagnostic, site().locale),
        place=f"{diagnostic.file}{line}",
        found=diagnostic.found,
        expected=diagnostic.expected,
        hint=diagnostic.hint,
        pointer=diagnostic.pointer,
        line=diagnostic.line,
        column=diagnostic.column,
        length=diagnostic.length,
        href=href,
        code=diagnostic.code,
        params=diagnostic.params,
    )

"""What a publish would bring, worked out before any lock is taken: the folded app, its problems and its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from builder.definitions import (
    AppDefinitions,
    AppSource,
    CompiledApp,
    Conflict,
    Edit,
    check_definitions,
    condense,
    documents_of,
    fold,
)
from builder.definitions.changes import Change, changes_between
from builder.releases.drafts import Draft
from builder.workspace import Work
from builder.workspace.release_store import Release, active_release, content_of, layer_in, package_of
from engines.core import DefinitionError, Diagnostic, Severity
from engines.form import Change as DataChange


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An app ready to be published over the release that was in force when it was prepared."""

    app: str
    # The release it changes; None for a first one.
    base: Release | None
    package: AppSource
    layer: list[Edit]
    content: AppSource
    definitions: AppDefinitions
    diagnostics: list[Diagnostic]
    changes: list[Change]
    # Where the package and the customer's layer changed the same place.
    conflicts: tuple[Conflict, ...]
    # The definitions of the other apps in force, beside which it was checked, and the numbers of their releases.
    others: Mapping[str, AppDefinitions]
    beside: Mapping[str, int]

    @property
    def sound(self) -> bool:
        """Whether nothing that was found stops a publish."""
        return all(d.severity != Severity.ERROR for d in self.diagnostics)

    @cached_property
    def compiled(self) -> CompiledApp:
        """The app compiled, all kinds; ``DefinitionError`` where it cannot be."""
        definitions = AppDefinitions(self.content.as_checked(), self.others) if self.sound else self.definitions
        app = CompiledApp(definitions)
        app.compile_all()
        return app


def prepare(work: Work, app: str, what: AppSource | Draft) -> Prepared:
    """The package or the draft as it would come into force; checks everything, changes nothing."""
    base = active_release(work.connection, app)
    package, layer = (what, []) if isinstance(what, AppSource) else (None, [])
    if base is not None:
        layer = layer_in(work.connection, base)
        package = package or package_of(work.connection, base)
    if isinstance(what, Draft):
        layer = condense([*layer, *(item.edit for item in what.edits)])
    if package is None:
        raise DefinitionError([Diagnostic(code="release.no_app", found=app, expected="an app that is installed")])
    _require_readable(package)
    folded = fold(package, layer)
    others = {name: other.definitions for name, other in work.apps.items() if name != app}
    current = work.apps.get(app)
    definitions = AppDefinitions(folded.source, others, known=current.definitions if current else None)
    return Prepared(
        app=app,
        base=base,
        package=package,
        layer=layer,
        content=folded.source,
        definitions=definitions,
        diagnostics=[*_app_problems(app, definitions), *check_definitions(definitions)],
        changes=changes_between(content_of(work.connection, base) if base else None, folded.source),
        conflicts=folded.conflicts,
        others=others,
        beside={name: other.release for name, other in work.apps.items() if name != app},
    )


def app_name(source: AppSource) -> str:
    """The name that a package gives itself; ``DefinitionError`` where its app.json is broken."""
    definitions = AppDefinitions(AppSource(files={k: f for k, f in source.files.items() if k == "app"}))
    if definitions.app is None:
        raise DefinitionError(definitions.diagnostics)
    return definitions.app.name


def _require_readable(source: AppSource) -> None:
    """Files that are no JSON cannot be folded: all of them are told at once, with everything else that is wrong."""
    try:
        documents_of(source)
    except DefinitionError as error:
        raise DefinitionError(check_definitions(AppDefinitions(source))) from error


def _app_problems(app: str, definitions: AppDefinitions) -> list[Diagnostic]:
    if definitions.app is None or definitions.app_name == app:
        return []
    hint = "an app cannot be renamed: publish it as a new one"
    found = Diagnostic(code="release.other_app", found=definitions.app_name, expected=app, hint=hint)
    return [found.at(definitions.app.source.place("/name"))]


def summary(prepared: Prepared, data: Sequence[DataChange]) -> dict[str, Any]:
    """What a release keeps of its plan, as JSON data."""
    kept = 200
    return {
        "changes": [{"path": change.path, "kind": change.kind} for change in prepared.changes[:kept]],
        "conflicts": [{"path": conflict.path, "kind": conflict.kind} for conflict in prepared.conflicts],
        "data": [
            {"code": c.code, "impact": c.impact.value, "form": c.form, "field": c.field, "rows": c.rows}
            for c in data[:kept]
        ],
    }

"""The plan of a publish: what changes in definitions, tables, rows and rights, and what would break."""

from __future__ import annotations

from dataclasses import dataclass

from builder.definitions import AppSource, Change, Conflict
from builder.identity import require_admin, require_builder
from builder.releases.drafts import find_draft
from builder.releases.preparing import Prepared, prepare
from builder.releases.tables import plan_tables
from builder.workspace import Work
from builder.workspace.release_store import active_release
from engines.core import Diagnostic, Severity, StateConflict
from engines.form import Change as DataChange
from engines.form import Impact


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a publish would do; nothing has happened yet."""

    app: str
    base_release: int
    changes: list[Change]
    # What it means for tables, rows and rights; sentences: ``form.plan.<code>`` in the form engine's catalogue.
    data: tuple[DataChange, ...]
    # Everything the check found: errors stop the publish, warnings do not.
    diagnostics: list[Diagnostic]
    # Where a package's upgrade meets the customer's own changes.
    conflicts: tuple[Conflict, ...]

    @property
    def impact(self) -> Impact:
        """The gravest of what happens to the data."""
        order = list(Impact)
        return max((change.impact for change in self.data), key=order.index, default=Impact.ADDITIVE)

    @property
    def may_publish(self) -> bool:
        """Whether no error stands in the way."""
        return all(d.severity != Severity.ERROR for d in self.diagnostics)


def plan(work: Work, app: str, what: AppSource | None = None) -> Plan:
    """What publishing the package, or with None the open draft, would do; works in a ``read``."""
    installed = active_release(work.connection, app) is not None
    require_builder(work.principal, app, "release.plan") if installed else require_admin(work.principal, "release.plan")
    draft = None if what is not None else find_draft(work, app)
    if what is None and draft is None:
        raise StateConflict("release.no_draft", app=app)
    prepared = prepare(work, app, what if what is not None else draft)  # type: ignore[arg-type]
    return Plan(
        app=app,
        base_release=prepared.base.number if prepared.base else 0,
        changes=prepared.changes,
        data=_data_changes(work, app, prepared) if prepared.sound else (),
        diagnostics=prepared.diagnostics,
        conflicts=prepared.conflicts,
    )


def _data_changes(work: Work, app: str, prepared: Prepared) -> tuple[DataChange, ...]:
    others = {name: other for name, other in work.apps.items() if name != app}
    return plan_tables(work.connection, work.apps.get(app), prepared.compiled, others).changes

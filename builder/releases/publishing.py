"""Publishing and rolling back: one transaction that makes a release, its tables and its place in force."""

from __future__ import annotations

import sqlalchemy as sa

from builder.definitions import AppSource, require_sound
from builder.identity import require_admin, require_builder
from builder.releases.drafts import Draft, find_draft
from builder.releases.following import finish
from builder.releases.followups import add_followups, follow_later, open_followups
from builder.releases.preparing import Prepared, app_name, prepare, summary
from builder.releases.tables import apply_tables
from builder.storage import ConcurrentChange, DatabaseBusy
from builder.workspace import Work, Workspace
from builder.workspace.physical_names import DatabasePhysicalNames
from builder.workspace.release_store import (
    Release,
    active_release,
    active_releases,
    add_release,
    get_release,
    note_checked,
    package_of,
    put_in_force,
)
from engines.core import Principal, StateConflict

# Others may publish or write at the same moment.
_ATTEMPTS = 4


def publish(
    workspace: Workspace,
    app: str,
    what: AppSource | Draft | None,
    principal: Principal,
    *,
    note: str = "",
    accept_conflicts: bool = False,
    later: bool = False,
) -> Release:
    """The release now in force: a package (installed or upgraded), or a draft (None: the app's open one).

    ``DefinitionError`` with all problems where there are errors, ``StateConflict`` "release.conflicts" where an upgrade
    meets the customer's changes and that is not accepted. Either way nothing has changed. What differs from the release
    in force in nothing gives that one back. Indexes, conversions and backfills are done on return; with ``later`` they
    are left to the runner, and nobody waits for them.
    """
    require_publisher(workspace, app, principal)
    for attempt in range(_ATTEMPTS):
        try:
            prepared = _prepared(workspace, app, what, principal)
            require_sound(prepared.diagnostics)
            _require_accepted(prepared, accept_conflicts)
            # Before the write lock is asked for.
            ready = prepared.compiled
            with workspace.work(principal, command="release.publish", reason=note) as work:
                found = _publish(work, prepared, from_draft=not isinstance(what, AppSource), note=note)
                if later and open_followups(work.connection, app):
                    follow_later(work, app)
            break
        except (ConcurrentChange, DatabaseBusy):
            if attempt == _ATTEMPTS - 1:
                raise
    workspace.catalogue.remember(ready.numbered(found.number))
    if not later:
        finish(workspace)
    return found


def rollback(workspace: Workspace, app: str, release: int, principal: Principal, *, note: str = "") -> Release:
    """The older release, in force again. Its data are all there: publishing only ever adds tables and columns."""
    require_builder(principal, app, "release.rollback")
    with workspace.work(principal, command="release.rollback", reason=note) as work:
        _lock(work)
        found = get_release(work.connection, app, release)
        put_in_force(work.connection, found, kind="rollback", at=work.instant, by=principal.id)
        work.audit("release.rolled_back", app, {"release": release, "note": note})
        return found


def install(workspace: Workspace, source: AppSource, principal: Principal, *, note: str = "") -> Release:
    """``publish`` under the name that the package gives itself."""
    return publish(workspace, app_name(source), source, principal, note=note)


def require_publisher(workspace: Workspace, app: str, principal: Principal) -> None:
    """``AccessDenied`` unless ``principal`` may publish: builders of the app, and admins alone for a first release."""
    with workspace.database.read() as connection:
        installed = active_release(connection, app) is not None
    if installed:
        require_builder(principal, app, "release.publish")
    else:
        require_admin(principal, "release.install")


def _prepared(workspace: Workspace, app: str, what: AppSource | Draft | None, principal: Principal) -> Prepared:
    with workspace.read(principal) as work:
        return prepare(work, app, what if isinstance(what, AppSource) else _draft(work, app))


def _draft(work: Work, app: str) -> Draft:
    found = find_draft(work, app)
    if found is None:
        raise StateConflict("release.no_draft", app=app)
    return found


def _require_accepted(prepared: Prepared, accepted: bool) -> None:
    if prepared.conflicts and not accepted:
        places = [conflict.path for conflict in prepared.conflicts]
        raise StateConflict("release.conflicts", app=prepared.app, places=places)


def _publish(work: Work, prepared: Prepared, *, from_draft: bool, note: str) -> Release:
    _lock(work)
    base = active_release(work.connection, prepared.app)
    if (base.number if base else 0) != (prepared.base.number if prepared.base else 0):
        # Somebody published in between: what was prepared is worked out again.
        raise ConcurrentChange
    if from_draft:
        _draft(work, prepared.app).close("published")
    if base is not None and not prepared.changes and prepared.package.hash == _package_hash(work, base):
        return base
    app = prepared.compiled
    names = DatabasePhysicalNames(work.connection, at=work.instant)
    others = {name: other for name, other in work.apps.items() if name != prepared.app}
    tables = apply_tables(work.connection, work.apps.get(prepared.app), app, others, names)
    definition = app.definition
    found = add_release(
        work.connection,
        package=prepared.package,
        layer=prepared.layer,
        content=prepared.content,
        name=prepared.app,
        version=definition.version,
        plan=summary(prepared, tables.changes),
        note=note,
        at=work.instant,
        by=work.principal.id,
    )
    add_followups(work.connection, app=prepared.app, release=found.number, steps=tables.followups, at=work.instant)
    put_in_force(work.connection, found, kind="publish", at=work.instant, by=work.principal.id)
    _note_checked(work, prepared, found)
    work.audit("release.published", prepared.app, {"release": found.number, "hash": found.hash, "note": note})
    return found


def _note_checked(work: Work, prepared: Prepared, found: Release) -> None:
    """Spares the next start the check, unless another app was published since this one was checked beside it."""
    releases = active_releases(work.connection)
    beside = {name: release.number for name, release in releases.items() if name != found.app}
    if beside == prepared.beside:
        note_checked(work.connection, found, releases)


def _package_hash(work: Work, base: Release) -> str:
    return package_of(work.connection, base).hash


def _lock(work: Work) -> None:
    """One publish at a time in a workspace; on SQLite every write is that already."""
    if work.connection.dialect.name == "postgresql":
        statement = "SELECT pg_advisory_xact_lock(hashtextextended('dougong.publish.' || current_schema(), 0))"
        work.connection.execute(sa.text(statement))

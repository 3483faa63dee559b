"""What a server does in the background for its workspace.

It finishes publishes, compiles what is in force, seals the audit trail, forgets old visits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
import structlog

from builder.files.sweeping import sweep
from builder.storage.errors import DatabaseBusy
from builder.storage.identity_tables import attempt, session
from builder.workspace.audit_chain import seal
from builder.workspace.warming import warm_up
from builder.workspace.workspace import Workspace

log = structlog.get_logger(__name__)


class Housekeeper:
    """A thread that looks after one workspace; several processes may each have one."""

    def __init__(self, workspace: Workspace, *, every_s: float = 20) -> None:
        self._workspace = workspace
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="dougong-housekeeper", daemon=True)

    def start(self) -> None:
        """Begins in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after what is being done."""
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        self._attempt(lambda: keep_house(self._workspace, resume=True))
        # Nobody waits for this: what is not compiled now is compiled when it is asked for.
        self._attempt(lambda: warm_up(self._workspace))
        while not self._stopped.wait(self._every_s):
            self._attempt(lambda: keep_house(self._workspace))

    def _attempt(self, action: Callable[[], None]) -> None:
        """One round; a database that is busy or away is tried again in the next one."""
        try:
            action()
        except (DatabaseBusy, sa.exc.OperationalError) as error:
            log.warning("housekeeping.postponed", reason=str(error).splitlines()[0])
        except Exception:
            # The last edge of the thread: a fault of one round must not end all that come after it.
            log.exception("housekeeping.unexpected")


def _resume(workspace: Workspace) -> None:
    """Leaves the rest of an interrupted publish to the runner; where there is none, it is done here."""
    from builder.releases import following

    if workspace.settings.runner != "none":
        following.resume(workspace)
        return
    for failed in following.finish(workspace):
        log.error("release.followup_failed", app=failed.app, step=failed.step, reason=failed.error)


def keep_house(workspace: Workspace, *, resume: bool = False) -> None:
    """One round of everything; ``resume``: also finishes what an interrupted publish left."""
    if resume:
        _resume(workspace)
    while seal(workspace.database):
        pass
    sweep(workspace)
    # Imported here: imports stand on the workspace.
    from builder.imports.sheets.forgetting import forget_old_imports

    forget_old_imports(workspace)
    now = workspace.clock.base.now()
    with workspace.database.write() as connection:
        connection.execute(sa.delete(session).where(session.c.expires_at < now))
        connection.execute(sa.delete(attempt).where(attempt.c.first_at < now - timedelta(days=1)))

"""What a server does in the background for its workspace: finish publishes, seal the audit trail, forget old visits."""

from __future__ import annotations

import threading
from datetime import timedelta

import sqlalchemy as sa
import structlog

from builder.files.sweeping import sweep
from builder.storage.errors import DatabaseBusy
from builder.storage.identity_tables import attempt, session
from builder.workspace.audit_chain import seal
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
        self._attempt(first=True)
        while not self._stopped.wait(self._every_s):
            self._attempt(first=False)

    def _attempt(self, *, first: bool) -> None:
        """One round; a database that is busy or away is tried again in the next one."""
        try:
            keep_house(self._workspace, resume=first)
        except (DatabaseBusy, sa.exc.OperationalError) as error:
            log.warning("housekeeping.postponed", reason=str(error).splitlines()[0])


def keep_house(workspace: Workspace, *, resume: bool = False) -> None:
    """One round of everything; ``resume``: also finishes what an interrupted publish left."""
    if resume:
        from builder.releases.followups import finish

        for failed in finish(workspace):
            log.error("release.followup_failed", app=failed.app, step=failed.step, reason=failed.error)
    while seal(workspace.database):
        pass
    sweep(workspace)
    now = workspace.clock.base.now()
    with workspace.database.write() as connection:
        connection.execute(sa.delete(session).where(session.c.expires_at < now))
        connection.execute(sa.delete(attempt).where(attempt.c.first_at < now - timedelta(days=1)))

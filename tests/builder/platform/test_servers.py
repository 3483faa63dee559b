"""Several servers on one SQLite workspace: one of them runs the jobs, and another when that one is gone."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from builder.jobs import outbox
from builder.storage.runtime_tables import effect, runner_lease
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.runtime.test_embedded import until
from tests.builder.workspaces import settings_for, workspace_url
from tests.servers import Server


def holder(workspace: Workspace) -> int:
    """The process that has the runner's lease; 0 where nobody has ever had it."""
    with workspace.database.read() as connection:
        found = connection.execute(sa.select(runner_lease.c.holder)).scalar_one_or_none()
    return int(found.split("/")[-2]) if found else 0


def send(workspace: Workspace, key: str) -> None:
    """Queues a mail, as any command does."""
    with workspace.work(SYSTEM, command="test.send") as work:
        outbox.put(work.connection, channel="mail", key=key, payload={"to": ["a@example.com"]})


def looked_at(workspace: Workspace, key: str) -> bool:
    """Whether a runner has had the mail in its hands: without a mail server it is held."""
    with workspace.database.read() as connection:
        return bool(connection.execute(sa.select(effect.c.state).where(effect.c.key == key)).scalar_one() == "held")


def test_two_servers_share_a_sqlite_workspace_and_kill_9_of_one_hands_its_jobs_to_the_other(
    tmp_path: Path, sqlite_image: Path
) -> None:
    with workspace_url("sqlite", tmp_path, sqlite_image) as url:
        workspace = Workspace.open(settings_for(url, tmp_path))
        with Server(url, tmp_path) as first, Server(url, tmp_path) as second:
            send(workspace, "one")
            until(lambda: looked_at(workspace, "one"), 60)
            running = {first.pid: first, second.pid: second}
            at_work = holder(workspace)
            assert at_work in running
            running.pop(at_work).kill()
            send(workspace, "two")
            until(lambda: looked_at(workspace, "two"), 60)
            assert holder(workspace) in running
        workspace.close()

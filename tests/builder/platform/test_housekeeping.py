"""What goes on in the background, and the chain over the audit trail."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from builder.identity import Identity, create_person
from builder.storage.identity_tables import session
from builder.storage.workspace_tables import audit
from builder.workspace import Workspace
from builder.workspace.audit_chain import seal, verify
from builder.workspace.housekeeping import Housekeeper, keep_house
from engines.core import SYSTEM, FixedClock


def write(workspace: Workspace, *actions: str) -> None:
    with workspace.work(SYSTEM, command="test") as work:
        for action in actions:
            work.audit(action, "中", {"b": 1, "a": [None, "x"]})


def test_lines_are_sealed_in_order_and_hold(workspace: Workspace) -> None:
    write(workspace, "a", "b")
    assert seal(workspace.database) == 2
    write(workspace, "c")
    assert (seal(workspace.database), seal(workspace.database)) == (1, 0)
    with workspace.read(SYSTEM) as work:
        state = verify(work.connection)
        lines = work.connection.execute(sa.select(audit.c.action).order_by(audit.c.position)).scalars().all()
    assert (state.sealed, state.waiting, state.broken_at, lines) == (3, 0, None, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("harm", "broken_at"),
    [
        (sa.update(audit).where(audit.c.position == 2).values(action="z"), 2),
        (sa.update(audit).where(audit.c.position == 1).values(detail={"b": 2}), 1),
        (sa.delete(audit).where(audit.c.position == 2), 2),
        (sa.update(audit).where(audit.c.position == 3).values(hash="0" * 64), 3),
    ],
)
def test_a_changed_or_missing_line_is_noticed(workspace: Workspace, harm: sa.Executable, broken_at: int) -> None:
    write(workspace, "a", "b", "c")
    seal(workspace.database)
    with workspace.database.write() as connection:
        connection.execute(harm)
    with workspace.read(SYSTEM) as work:
        assert verify(work.connection).broken_at == broken_at


def test_old_visits_are_forgotten_and_the_trail_sealed(workspace: Workspace) -> None:
    identity = Identity(workspace)
    with workspace.work(SYSTEM, command="test") as work:
        create_person(work, login="ann", name="Ann", password_hash=identity.passwords.hash("correct horse"))
    identity.sign_in("ann", "correct horse")
    assert isinstance(workspace.clock.base, FixedClock)
    workspace.clock.base.advance(timedelta(days=8))
    keep_house(workspace, resume=True)
    with workspace.read(SYSTEM) as work:
        assert work.connection.execute(sa.select(session)).all() == []
        assert verify(work.connection).waiting == 0


def test_the_housekeeper_begins_at_once_and_stops_when_told(workspace: Workspace) -> None:
    write(workspace, "a")
    keeper = Housekeeper(workspace, every_s=3600)
    keeper.start()
    keeper.stop()
    with workspace.read(SYSTEM) as work:
        assert verify(work.connection).sealed == 1

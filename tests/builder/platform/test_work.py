"""Units of work: all or nothing, one instant, repeated calls answered once, collisions retried."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from builder.storage import ConcurrentChange, DatabaseUnreachable, open_database
from builder.storage.workspace_tables import audit, command, setting
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import AlreadyDone, Work, Workspace
from engines.core import SYSTEM, Event, Principal, PrincipalKind, new_id
from tests.builder.workspaces import START, settings_for

ANN = Principal(kind=PrincipalKind.PERSON, id=new_id())
BEN = Principal(kind=PrincipalKind.PERSON, id=new_id())


def put(work: Work, name: str) -> None:
    work.connection.execute(sa.insert(setting).values(app="", name=name, value=1, updated_at=work.instant))


def names(workspace: Workspace) -> list[str]:
    with workspace.read(SYSTEM) as work:
        return list(work.connection.execute(sa.select(setting.c.name).order_by(setting.c.name)).scalars())


def test_a_work_commits_with_who_what_and_when(workspace: Workspace) -> None:
    with workspace.work(ANN, command="test.put", reason="because") as work:
        put(work, "a")
        work.audit("test.done", "a", {"x": 1})
    with workspace.read(SYSTEM) as read:
        row = read.connection.execute(sa.select(command)).one()
        line = read.connection.execute(sa.select(audit)).one()
    assert (row.id, row.name, row.actor, row.reason, row.at) == (work.command_id, "test.put", ANN.id, "because", START)
    assert (line.command, line.action, line.detail, line.position) == (work.command_id, "test.done", {"x": 1}, None)


def test_an_error_leaves_nothing_behind(workspace: Workspace) -> None:
    called: list[str] = []

    def fail(work: Work) -> None:
        put(work, "a")
        work.after_commit(lambda: called.append("after"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        workspace.run(fail, ANN, command="test.put")
    with workspace.read(SYSTEM) as read:
        assert read.connection.execute(sa.select(sa.func.count()).select_from(command)).scalar_one() == 0
    assert (names(workspace), called) == ([], [])


def test_hooks_run_inside_and_after_the_transaction(workspace: Workspace) -> None:
    seen: list[list[str]] = []
    with workspace.work(ANN, command="test.put") as work:
        work.before_commit(lambda: put(work, "inside"))
        work.after_commit(lambda: seen.append(names(workspace)))
    assert seen == [["inside"]]


def test_a_repeated_key_gives_the_first_result_and_changes_nothing(workspace: Workspace) -> None:
    def act(work: Work) -> str:
        put(work, "once")
        work.result = {"id": 7}
        return "first"

    assert workspace.run(act, ANN, command="test.put", key="k") == "first"
    assert workspace.run(act, ANN, command="test.put", key="k") == {"id": 7}
    with pytest.raises(AlreadyDone), workspace.work(ANN, command="test.put", key="k"):
        pytest.fail("the block of a repeated command must not run")


def test_keys_of_two_people_never_meet(workspace: Workspace) -> None:
    workspace.run(lambda work: put(work, "a"), ANN, command="test.put", key="k")
    workspace.run(lambda work: put(work, "b"), BEN, command="test.put", key="k")
    assert names(workspace) == ["a", "b"]


def test_a_collision_is_retried_three_times_and_then_told(workspace: Workspace) -> None:
    tries: list[int] = []

    def collide(work: Work) -> None:
        tries.append(1)
        raise ConcurrentChange

    with pytest.raises(ConcurrentChange):
        workspace.run(collide, ANN, command="test.put")
    assert len(tries) == 4


def test_the_clock_follows_the_offset_of_a_sandbox(workspace: Workspace) -> None:
    two_days = timedelta(days=2) // timedelta(microseconds=1)
    with workspace.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(clock_offset=two_days))
    with workspace.read(ANN) as work:
        assert work.instant == START + timedelta(days=2)
        assert work.zone.key == "Asia/Shanghai"


def test_events_reach_the_rounds_service_of_their_work(workspace: Workspace) -> None:
    taken: list[tuple[Work, Event]] = []

    class Rounds:
        def __init__(self, work: Work) -> None:
            self.work = work

        def emit(self, events: list[Event]) -> None:
            taken.extend((self.work, event) for event in events)

    workspace.services.register("rounds", Rounds, replace=True)
    with workspace.work(ANN, command="test.emit") as work:
        event = Event(id=new_id(), type="record.created", at=work.instant)
        work.emit([event])
    assert taken == [(work, event)]
    assert work.events == [event]


def test_a_database_without_a_workspace_is_refused_with_the_remedy(tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path}/empty.db")
    with empty.write():
        pass
    empty.close()
    with pytest.raises(DatabaseUnreachable, match="dougong init"):
        Workspace.open(settings_for(f"sqlite:///{tmp_path}/empty.db", tmp_path))

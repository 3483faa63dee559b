"""Instances kept in memory between commands are never older, and never newer, than the database."""

import pytest

from builder.runtime.install import install
from builder.runtime.process.instances import begin
from builder.runtime.process.kept import KeptInstances
from builder.workspace import Workspace
from engines.core import StateConflict, new_id
from tests.builder.runtime.desk import Desk


def test_what_was_rolled_back_is_not_remembered(desk: Desk) -> None:
    desk.start("chain", who=desk.people["ann"])
    ((_, one),) = desk.todo("ann")

    def fail() -> None:
        with desk.work("ann") as work:
            work.processes.complete(one)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [node for node, _ in desk.todo("ann")] == ["one"]
    desk.complete("ann", one)
    assert [node for node, _ in desk.todo("ann")] == ["two"]


def test_a_step_of_another_process_is_seen(desk: Desk) -> None:
    desk.start("chain", who=desk.people["ann"])
    other = Workspace(desk.workspace.settings, desk.workspace.database, desk.workspace.clock.base)
    install(other)
    elsewhere = Desk(workspace=other, people=desk.people, roles=desk.roles)
    for place, node in ((desk, "one"), (elsewhere, "two"), (desk, "three")):
        ((found, task),) = place.todo("ann")
        assert found == node
        place.complete("ann", task)
    assert desk.todo("ann") == []
    with pytest.raises(StateConflict):
        elsewhere.complete("ann", task)


def test_only_so_many_are_kept_and_none_that_has_ended(desk: Desk) -> None:
    kept = KeptInstances(most=2)
    now = desk.workspace.clock.now()
    made = [
        begin(
            app="desk", process="chain", definition_hash="", release=1, subject=None, parent=None, now=now, by=new_id()
        )
        for _ in range(3)
    ]
    for instance in made:
        kept.put(instance)
    assert [kept.take(instance.id) for instance in made] == [None, made[1], made[2]]
    # Taken out: one command at a time has it.
    assert kept.take(made[1].id) is None

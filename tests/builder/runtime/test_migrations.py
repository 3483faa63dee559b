"""Running instances on their way to another release: tried first, moved with tasks and timers, taken back."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.storage.runtime_tables import job, process_instance, task
from engines.core import AccessDenied, StateConflict
from tests.builder.runtime.desk import FILES, Desk, node, process, put_app

ANSWERED = {"label": {"en": "Answer soon"}, "assignment": {"role": "reviewer"}}


def republish(desk: Desk, *nodes: dict[str, object], flows: list[str]) -> None:
    """Another version of "escalation" in force."""
    ends = (node("start", "startEvent"), node("end", "endEvent"))
    put_app(desk.workspace, dict([*FILES, process("escalation", [*ends, *nodes], flows)]))


def in_force(desk: Desk, instance: UUID) -> int:
    with desk.read("root") as work:
        query = sa.select(process_instance.c.release).where(process_instance.c.id == instance)
        return int(work.connection.execute(query).scalar_one())


def timers(desk: Desk) -> int:
    with desk.read("root") as work:
        query = sa.select(sa.func.count()).select_from(job).where(job.c.kind == "process.timer")
        return int(work.connection.execute(query).scalar_one())


def test_an_instance_goes_on_in_the_release_in_force_with_its_task(desk: Desk) -> None:
    instance = desk.start("escalation")
    assert timers(desk) == 1
    republish(desk, node("reply", "userTask", **ANSWERED), flows=["start > reply > end"])
    with desk.work("root") as work:
        migrations = work.service("migrations")
        assert migrations.waiting("desk", "escalation") == [instance]
        assert migrations.nodes_in_use([instance]) == ["answer"]
        (blind,) = migrations.try_out([instance], {})
        assert [problem.code for problem in blind.obstacles] == ["process.migration.no_such_node"]
        (seeing,) = migrations.try_out([instance], {"answer": "reply"})
        assert seeing.obstacles == []
        migrations.migrate(instance, {"answer": "reply"})
    assert (in_force(desk, instance), timers(desk)) == (2, 0)
    (todo,) = desk.todo("ann")
    assert todo[0] == "reply"
    with desk.read("root") as work:
        assert work.connection.execute(sa.select(task.c.title, task.c.release)).one() == ({"en": "Answer soon"}, 2)
    desk.complete("ann", todo[1])
    with desk.read("root") as work:
        assert work.service("migrations").waiting("desk", "escalation") == []


def test_what_cannot_be_moved_stays_and_says_why(desk: Desk) -> None:
    instance = desk.start("escalation")
    republish(desk, node("reply", "userTask", **ANSWERED), flows=["start > reply > end"])
    with pytest.raises(StateConflict) as caught, desk.work("root") as work:
        work.service("migrations").migrate(instance, {})
    assert (caught.value.code, caught.value.params["node"]) == ("process.migration.no_such_node", "answer")
    assert (in_force(desk, instance), timers(desk)) == (1, 1)


def test_a_migration_is_taken_back_until_something_happens(desk: Desk) -> None:
    instance = desk.start("escalation")
    republish(desk, node("reply", "userTask", **ANSWERED), flows=["start > reply > end"])
    with desk.work("root") as work:
        work.service("migrations").migrate(instance, {"answer": "reply"})
    with desk.work("root") as work:
        work.service("migrations").undo(instance)
    assert (in_force(desk, instance), timers(desk), [name for name, _ in desk.todo("ann")]) == (1, 1, ["answer"])
    with desk.work("root") as work:
        work.service("migrations").migrate(instance, {"answer": "reply"})
    with desk.work("ann") as work:
        work.service("processes").claim(desk.todo("ann")[0][1])
    with pytest.raises(StateConflict, match=r"process\.migration\.moved_on"), desk.work("root") as work:
        work.service("migrations").undo(instance)


@pytest.mark.parametrize("login", ["ann", "dan"])
def test_nobody_else_migrates(desk: Desk, login: str) -> None:
    instance = desk.start("escalation")
    with desk.work(login) as work:
        migrations = work.service("migrations")
        for attempt in (
            lambda: migrations.waiting("desk", "escalation"),
            lambda: list(migrations.try_out([instance], {})),
            lambda: migrations.migrate(instance, {}),
            lambda: migrations.undo(instance),
        ):
            with pytest.raises(AccessDenied):
                attempt()

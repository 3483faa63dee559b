"""The inbox: pages by due time without gaps or repetitions, filters, boxes, nobody else's."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from builder.runtime.inbox import InboxFilter
from builder.storage.runtime_tables import task, task_candidate
from engines.core import InputError
from tests.builder.runtime.desk import Desk


def many(desk: Desk, count: int = 23) -> None:
    """Reviews and personal tasks, with due times that meet."""
    for number in range(count):
        desk.start("chain", who=desk.people["cleo"]) if number % 3 == 0 else desk.start("review")
    with desk.work() as work:
        ids = list(work.connection.execute(sa.select(task.c.id).order_by(task.c.id)).scalars())
        for number, own in enumerate(ids):
            due = work.instant + timedelta(hours=number % 5 - 2)
            work.connection.execute(task.update().where(task.c.id == own).values(due_at=due, sort_at=due))
            mine = task_candidate.c.task_id == own
            work.connection.execute(task_candidate.update().where(mine).values(sort_at=due))


@pytest.mark.parametrize("filter", [None, InboxFilter(app="desk")])
def test_pages_follow_each_other_by_due_time_without_gap_or_repetition(desk: Desk, filter: InboxFilter | None) -> None:
    many(desk)
    seen, after = [], None
    with desk.read("cleo") as work:
        inbox = work.service("inbox")
        while True:
            page = inbox.page(filter=filter, after=after, limit=4)
            seen += page.items
            after = page.next
            if after is None:
                break
        everything = inbox.page(limit=200).items
        counts = inbox.counts()
    assert [item.id for item in seen] == [item.id for item in everything]
    assert len({item.id for item in seen}) == len(seen) == counts["todo"] == 8 + 2 * 15
    assert [item.due_at for item in seen] == sorted(item.due_at for item in seen if item.due_at)
    assert counts["late"] == sum(item.due == "late" for item in seen) > 0


def test_filters_narrow(desk: Desk) -> None:
    many(desk)
    with desk.read("cleo") as work:
        inbox = work.service("inbox")
        assert {i.process for i in inbox.page(filter=InboxFilter(process="desk.chain")).items} == {"chain"}
        assert {i.due for i in inbox.page(filter=InboxFilter(overdue=True)).items} == {"late"}
        assert inbox.page(filter=InboxFilter(priority=1)).items == []


def test_each_box_holds_what_it_says(desk: Desk) -> None:
    with desk.work("root") as work:
        work.service("processes").start("desk.review")
    task_id = dict(desk.todo("ann"))["left"]
    with desk.work("ann") as work:
        work.service("processes").claim(task_id)
        work.service("processes").copy(task_id, [desk.people["dan"]], "look")
    desk.complete("ann", task_id, "approve")
    boxes = {}
    for login in ("ann", "root", "dan"):
        with desk.read(login) as work:
            boxes[login] = {
                box: len(work.service("inbox").page(box).items) for box in ("todo", "mine", "done", "copied")
            }
    assert boxes["ann"] == {"todo": 0, "mine": 0, "done": 1, "copied": 0}
    assert boxes["root"] == {"todo": 0, "mine": 2, "done": 0, "copied": 0}
    assert boxes["dan"] == {"todo": 0, "mine": 0, "done": 0, "copied": 1}
    with desk.work("dan") as work:
        work.service("inbox").mark_read(task_id)
        assert work.service("inbox").counts()["copied"] == 0


@pytest.mark.parametrize(("box", "after"), [("other", None), ("todo", "nonsense")])
def test_a_box_or_a_cursor_that_is_none_is_refused(desk: Desk, box: str, after: str | None) -> None:
    with pytest.raises(InputError), desk.read("ann") as work:
        work.service("inbox").page(box, after=after)

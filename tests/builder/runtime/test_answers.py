"""Answer links: one answer each, from whoever got the mail and nobody else, back to the process that waits for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity import public_principal
from builder.runtime.answers import LIFE
from builder.storage.runtime_tables import answer_link, effect, process_instance, timeline_entry
from builder.storage.values import decode
from builder.workspace import Workspace
from engines.core import InputError, StateConflict
from tests.builder.runtime.desk import APP, ROLES, Desk, node, open_desk, process
from tests.builder.runtime.items import BOX, ITEM, create

ASKING = process(
    "asking",
    [
        node("start", "startEvent"),
        node(
            "ask",
            "serviceTask",
            service="ask",
            input={"to": '"out@example.com"', "template": '"solved"', "answer": "kind", "message": '"replied"'},
        ),
        node("wait", "eventBasedGateway"),
        node("replied", "intermediateCatchEvent", event={"message": "replied"}),
        node("late", "intermediateCatchEvent", event={"timer": {"duration": 'duration("P5D")'}}),
        node("well", "exclusiveGateway", default="f8"),
        node("again", "userTask", label={"en": "Again"}, assignment={"role": "reviewer"}),
        node("end", "endEvent"),
        node("over", "endEvent"),
    ],
    [
        "start > ask > wait > replied > well",
        "wait > late > over",
        ("well", "end", "answer = true or answer > 6"),
        "well > again > end",
    ],
    subject="item",
    variables=[
        {"name": "kind", "type": "text"},
        {"name": "answer", "type": "any"},
        {"name": "answer_comment", "type": "text"},
    ],
)
SOLVED = (
    "solved.template.json",
    {"name": "solved", "subject": {"en": "Solved?", "zh": "解决了吗？"}, "body": {"en": "Hello <you>", "zh": "您好"}},
)


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    workspace.settings = replace(workspace.settings, public_url="https://desk.example.com/")
    return open_desk(workspace, (APP, ROLES, ASKING, SOLVED, ITEM, BOX))


def ask(desk: Desk, kind: str = "yes_no") -> UUID:
    """The id of a record whose process has just asked."""
    record = create(desk, name="a")
    with desk.work() as work:
        work.processes.start("desk.asking", subject=("desk.item", record), variables={"kind": kind})
    return record


def mail(desk: Desk) -> Any:
    """The newest mail."""
    with desk.workspace.database.read() as connection:
        query = sa.select(effect.c.payload).where(effect.c.channel == "mail").order_by(effect.c.id.desc()).limit(1)
        return decode(connection.execute(query).scalar_one())


def token_of(payload: Any) -> str:
    found = re.search(r"https://desk\.example\.com/answer/([\w-]+)", payload["text"])
    assert found
    return found[1]


def give(desk: Desk, token: str, answer: str, comment: str = "") -> None:
    with desk.workspace.work(public_principal("desk", "en"), command="answer.give") as work:
        work.service("answers").give(token, answer, comment)


def running(desk: Desk) -> list[str]:
    with desk.workspace.database.read() as connection:
        return list(connection.execute(sa.select(process_instance.c.status)).scalars())


def test_a_mail_asks_with_absolute_links_and_buttons(desk: Desk) -> None:
    ask(desk)
    payload = mail(desk)
    token = token_of(payload)
    assert f"是: https://desk.example.com/answer/{token}?a=yes" in payload["text"]
    assert f'href="https://desk.example.com/answer/{token}?a=no"' in payload["html"]
    assert payload["subject"] == "解决了吗？"
    with desk.workspace.database.read() as connection:
        row = connection.execute(sa.select(answer_link)).one()
    assert token not in repr(row)


@pytest.mark.parametrize(
    ("kind", "answer", "again"),
    [("yes_no", "yes", False), ("yes_no", "no", True), ("score", "7", False), ("score", "0", True)],
)
def test_the_answer_goes_back_to_the_process(desk: Desk, kind: str, answer: str, again: bool) -> None:
    record = ask(desk, kind)
    give(desk, token_of(mail(desk)), answer, " still broken ")
    assert running(desk) == (["running"] if again else ["completed"])
    assert [name for name, _ in desk.todo("ann")] == (["again"] if again else [])
    with desk.workspace.database.read() as connection:
        entry = connection.execute(sa.select(timeline_entry).where(timeline_entry.c.record_id == record)).one()
    assert "Solved?" in entry.title["en"]
    assert decode(entry.data) == {"text": "still broken"}


def test_a_link_takes_one_answer(desk: Desk) -> None:
    ask(desk)
    token = token_of(mail(desk))
    give(desk, token, "yes")
    with pytest.raises(StateConflict) as second:
        give(desk, token, "no")
    assert second.value.code == "answer.closed"
    assert running(desk) == ["completed"]


@pytest.mark.parametrize("token", ["", "x", "A" * 32])
def test_nobody_answers_with_a_token_that_was_not_given(desk: Desk, token: str) -> None:
    ask(desk)
    with pytest.raises(StateConflict):
        give(desk, token, "yes")
    assert running(desk) == ["running"]


def test_a_link_ends(desk: Desk) -> None:
    ask(desk)
    token = token_of(mail(desk))
    desk.advance(seconds=LIFE.total_seconds())
    with pytest.raises(StateConflict):
        give(desk, token, "yes")


def test_an_answer_that_comes_too_late_for_the_process_changes_nothing(desk: Desk) -> None:
    record = ask(desk)
    token = token_of(mail(desk))
    with desk.work() as work:
        (instance,) = work.connection.execute(sa.select(process_instance.c.id)).scalars()
        work.processes.cancel(instance)
    with pytest.raises(StateConflict):
        give(desk, token, "no")
    with desk.workspace.database.read() as connection:
        assert connection.execute(sa.select(answer_link.c.answered_at)).scalar_one() is None
        about = sa.select(timeline_entry).where(timeline_entry.c.record_id == record)
        assert connection.execute(about).all() == []


@pytest.mark.parametrize(
    ("answer", "comment", "pointer"), [("maybe", "", "/answer"), ("", "", "/answer"), ("yes", "x" * 2001, "/comment")]
)
def test_an_answer_that_was_not_asked_for_is_refused(desk: Desk, answer: str, comment: str, pointer: str) -> None:
    ask(desk)
    with pytest.raises(InputError) as refused:
        give(desk, token_of(mail(desk)), answer, comment)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert running(desk) == ["running"]


def test_an_unknown_kind_of_answer_stops_the_process_where_everybody_sees_it(desk: Desk) -> None:
    ask(desk, "essay")
    with desk.read("root") as work:
        bodies = [notice.body[""] for notice in work.notifications.page()]
    assert any("answer.unknown_kind" in body for body in bodies)

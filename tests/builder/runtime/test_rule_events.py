"""What rules wait for beyond records: tasks of rules, messages, signals; answers that come back as messages."""

import re
from uuid import UUID

import pytest

from builder.storage.runtime_tables import answer_link, effect, notification, process_instance
from builder.workspace import Workspace
from engines.core import DefinitionError, StateConflict
from tests.builder.runtime.desk import Desk, node, open_desk, process
from tests.builder.runtime.items import WITH_RECORDS, all_values, create, values
from tests.builder.runtime.test_rules import rows, with_rules

HEARD = """
rule heard
  when message paid arrives
  if event.amount > 5 and me = null
  then
    create box with name: "paid " + string(event.amount)
end
rule storm
  when signal storm arrives
  then
    for each i of item where i.grade = event.where do
      update i with note: "wet"
    end
end
rule pays
  when item.note changes to "pay"
  then
    send message paid on record with amount: size
    send signal storm with where: "here"
end
"""


def test_messages_and_signals_set_rules_off_with_what_they_carry(workspace: Workspace) -> None:
    desk = with_rules(workspace, HEARD)
    item = create(desk, name="lamp", size=6, grade="here")
    for size in (5, 6):
        with desk.work() as work:
            work.records.update("desk.item", item, {"size": size, "note": "pay"})
        assert values(desk, item)["note"] == "wet"
    assert [box["name"] for box in all_values(desk, "box")] == ["paid 6.00"]
    with desk.work() as work:
        work.service("processes").message("desk", "paid", variables={"amount": 7})
    assert sorted(box["name"] for box in all_values(desk, "box")) == ["paid 6.00", "paid 7"]


TASK_EVENTS = """
rule give
  when item is created
  then
    assign task "Look" to role reviewer
end
rule claimed
  when task give is claimed
  then
    create box with name: "claimed"
end
rule done
  when task give is completed with outcome "done"
  then
    create box with name: "done " + event.outcome
end
rule born
  when task give is created
  then
    create box with name: "born"
end
"""


def test_a_task_of_a_rule_raises_its_events_under_the_name_of_the_rule(workspace: Workspace) -> None:
    desk = with_rules(workspace, TASK_EVENTS)
    create(desk, name="lamp")
    ((_, task_id),) = desk.todo("ann")
    with desk.work("ann") as work:
        work.service("processes").claim(task_id)
    desk.complete("ann", task_id, "done")
    assert {box["name"] for box in all_values(desk, "box")} == {"born", "claimed", "done done"}


ASKING = process(
    "solving",
    [
        node("start", "startEvent"),
        node("work", "userTask", assignment={"role": "reviewer"}),
        node("wait", "intermediateCatchEvent", event={"message": "solved"}),
        node(
            "note",
            "serviceTask",
            service="record.update",
            input={"values": {"grade": 'if answer then "yes" else "no"', "note": "answer_comment"}},
        ),
        node("end", "endEvent"),
    ],
    ["start > work > wait > note > end"],
    subject="item",
    variables=[{"name": "answer", "type": "boolean"}, {"name": "answer_comment", "type": "text"}],
)
ASK = """
rule ask
  when task solving.work is completed
  then
    ask address "customer@example.com" for answer yes_no via mail saying "Is it solved?" replying with message solved
end
rule answered
  when message solved arrives
  then
    create box with name: if event.answer then "yes" else "no"
end
"""


def asking(workspace: Workspace, text: str = ASK) -> Desk:
    return open_desk(workspace, (*WITH_RECORDS, ASKING, ("items.rules", text)))


def tokens(desk: Desk) -> list[str]:
    """The tokens in the mails, in the order sent."""
    texts = [e.payload["text"] for e in sorted(rows(desk, effect), key=lambda e: e.id)]
    return [found[1] for text in texts if (found := re.search(r"/answer/([\w-]+)", text))]


def answer(desk: Desk, token: str, sent: str, comment: str = "") -> None:
    with desk.work() as work:
        work.service("answers").give(token, sent, comment)


def ask(desk: Desk, item: UUID) -> None:
    """A process about an item asks."""
    with desk.work() as work:
        work.service("processes").start("desk.solving", subject=("desk.item", item))
    for _, task_id in desk.todo("ann"):
        desk.complete("ann", task_id)


def test_an_answer_comes_back_to_the_process_that_asked_and_no_other(workspace: Workspace) -> None:
    """Both processes wait for the same message about the same record."""
    desk = asking(workspace)
    item = create(desk, name="lamp")
    ask(desk, item)
    ask(desk, item)
    first, second = sorted(rows(desk, process_instance), key=lambda row: row.id)
    assert [row.instance_id for row in sorted(rows(desk, answer_link), key=lambda row: row.id)] == [first.id, second.id]
    answer(desk, tokens(desk)[1], "yes", "fine")
    assert (values(desk, item)["grade"], values(desk, item)["note"]) == ("yes", "fine")
    status = {row.id: row.status for row in rows(desk, process_instance)}
    assert (status[first.id] == "running", status[second.id] == "running") == (True, False)
    assert [box["name"] for box in all_values(desk, "box")] == ["yes"]


ASK_ALONE = """
rule ask
  when item is created
  then
    ask person keeper for answer score via mail, in_app saying "How was it?" replying with message score
end
rule scored
  when message score arrives
  if event.answer < 7
  then
    create box with name: string(event.answer) + " " + event.answer_comment
end
"""


def test_an_answer_without_a_process_is_heard_by_rules(workspace: Workspace) -> None:
    desk = asking(workspace, ASK_ALONE)
    for name in ("one", "two"):
        create(desk, name=name, keeper=desk.people["bob"])
    (told, _) = [n for n in rows(desk, notification) if n.kind == "rule"]
    assert "/answer/" in told.body["en"]
    first, second = tokens(desk)
    answer(desk, first, "7", "good")
    answer(desk, second, "6", "late")
    assert [box["name"] for box in all_values(desk, "box")] == ["6 late"]
    with pytest.raises(StateConflict):
        answer(desk, second, "0")


@pytest.mark.parametrize(
    ("text", "code", "found"),
    [
        (ASK.replace("yes_no", "perhaps"), "rules.unknown_answer", "perhaps"),
        (ASK.replace("via mail", "via pigeon"), "rules.unknown_channel", "pigeon"),
        (ASK.replace("via mail", "via webhook"), "rules.unknown_setting", "webhook_url"),
    ],
)
def test_a_channel_or_kind_of_answer_that_is_not_there_is_refused(
    workspace: Workspace, text: str, code: str, found: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        asking(workspace, text)
    assert [(d.code, d.found) for d in caught.value.diagnostics] == [(code, found)]


OTHER_APP = {
    "app.json": '{"name": "other", "version": "1.0.0", "label": "Other"}',
    "same.rules": "rule late every hour then send signal from_other end\nrule paid when message paid arrives then "
    "send signal from_other end",
}


def test_rules_of_another_app_with_the_same_names_stay_quiet(workspace: Workspace) -> None:
    from builder.definitions import source_of
    from builder.releases import publish
    from engines.core import SYSTEM

    desk = with_rules(workspace, "rule late every day then stop end")
    publish(workspace, "other", source_of(OTHER_APP), SYSTEM)
    seen: list[str] = []
    with desk.work() as work:
        work.service("around").listeners = (lambda _around, event: seen.append(event.type),)
        work.service("around").raise_event("rule.due", app="desk", subject=None, name="late", trigger=0)
        work.service("processes").message("desk", "paid")
    assert "signal.arrived" not in seen
    with desk.work() as work:
        work.service("around").listeners = (lambda _around, event: seen.append(event.type),)
        work.service("processes").message("other", "paid")
    assert seen.count("signal.arrived") == 1


LATEST = """
rule seen
  when item is created
  then
    create box with name: "size " + string(size) + " note " + note
end
"""


def test_a_rule_sees_the_record_as_the_command_left_it(workspace: Workspace) -> None:
    """What happened first is looked at when the block has ended: what was written since counts."""
    desk = with_rules(workspace, LATEST)
    with desk.work() as work:
        first = work.records.create("desk.item", {"name": "one", "size": 6, "note": "a"}).record.id
        work.records.create("desk.item", {"name": "two", "size": 7, "note": "b"})
        work.records.update("desk.item", first, {"size": 8})
    assert {box["name"] for box in all_values(desk, "box")} == {"size 8.00 note a", "size 7.00 note b"}

"""Who gets a task, on both databases: chosen by the initiator, by a decision, the former performer, the least busy."""

from typing import Any

import pytest

from builder.identity import create_department, set_active, set_departments, update_person
from builder.workspace import Workspace
from engines.core import InputError
from tests.builder.runtime.desk import FILES, Desk, node, open_desk, process
from tests.builder.runtime.items import BOX, ITEM, create

WHO = (
    "who.decision.json",
    {
        "name": "who",
        "inputs": [{"name": "size", "type": "number"}],
        "decisions": [
            {
                "name": "who",
                "type": "text",
                "table": {
                    "hit_policy": "UNIQUE",
                    "inputs": [{"name": "size", "expression": "size", "type": "number"}],
                    "outputs": [{"name": "who", "type": "text"}],
                    "rules": [
                        {"name": "small", "when": ["< 10"], "then": ['"clerk"']},
                        {"name": "large", "when": [">= 10"], "then": ['"editor"']},
                    ],
                },
            }
        ],
    },
)


def one_step(name: str, assignment: dict[str, Any], **more: Any) -> Any:
    """A process with the step "check" for whom ``assignment`` says."""
    step = node("check", "userTask", assignment=assignment, **more)
    return process(
        name,
        [node("start", "startEvent"), step, node("end", "endEvent")],
        ["start > check > end"],
        subject="item",
        variables=[{"name": "who", "type": "any"}, {"name": "size", "type": "number"}],
    )


AGAIN = process(
    "again",
    [
        node("start", "startEvent"),
        node("first", "userTask", assignment={"role": "reviewer"}),
        node("second", "userTask", assignment={"performer_of": "first"}),
        node("end", "endEvent"),
    ],
    ["start > first > second > end"],
)
PROCESSES = (
    one_step("chosen", {"role": "reviewer", "initiator_chooses": True}),
    one_step("free", {"initiator_chooses": True}, approval={"mode": "all"}),
    one_step("decided", {"decision": "who"}),
    one_step("least", {"role": "reviewer", "distribute": "least_busy"}),
    one_step("turns", {"role": "reviewer", "distribute": "in_turn"}),
    one_step("given", {"person": "who"}),
    one_step("skipped", {"person": "who", "nobody": "skip"}),
    one_step("to_admin", {"person": "who", "nobody": "admin"}),
    one_step("up", {"person": "who", "nobody": "escalate"}),
    one_step("to_role", {"person": "who", "nobody": "role:clerk"}),
    AGAIN,
)


@pytest.fixture
def staff(workspace: Workspace) -> Desk:
    """Ann and Cleo review; Bob, who starts processes, reports to Dan."""
    desk = open_desk(workspace, (*FILES, ITEM, BOX, WHO, *PROCESSES))
    with desk.work("root") as work:
        update_person(work, desk.people["bob"], manager=desk.people["dan"])
    return desk


def start(desk: Desk, name: str, login: str = "root", **more: Any) -> Any:
    item = create(desk, name="lamp")
    with desk.work(login) as work:
        return work.processes.start(f"desk.{name}", subject=("desk.item", item), **more)


def holders(desk: Desk) -> list[str]:
    """Who has something to do."""
    return [login for login in desk.people if desk.todo(login)]


def test_the_initiator_chooses_among_the_candidates(staff: Desk) -> None:
    ann, cleo = staff.people["ann"], staff.people["cleo"]
    item = create(staff, name="lamp")
    with staff.work("root") as work:
        (choice,) = work.processes.choices("desk.chosen", subject=("desk.item", item))
    assert (choice.node, set(choice.candidates or ()), choice.several) == ("check", {ann, cleo}, False)
    start(staff, "chosen", choices={"check": [cleo]})
    assert holders(staff) == ["cleo"]


WRONG = [
    ({}, "process.choice_missing"),
    ({"check": ["bob"]}, "process.not_a_candidate"),
    ({"check": ["ann", "cleo"]}, "process.one_choice"),
    ({"check": ["ann"], "other": ["ann"]}, "process.no_choice"),
]


@pytest.mark.parametrize(("made", "code"), WRONG)
def test_a_choice_that_is_missing_or_wrong_starts_nothing(staff: Desk, made: dict[str, list[str]], code: str) -> None:
    choices = {step: [staff.people[login] for login in people] for step, people in made.items()}
    with pytest.raises(InputError) as refused:
        start(staff, "chosen", choices=choices)
    assert [problem.code for problem in refused.value.problems] == [code]
    assert holders(staff) == []


def test_where_nothing_narrows_the_choice_anybody_is_chosen_and_several_decide_together(staff: Desk) -> None:
    start(staff, "free", choices={"check": [staff.people["dan"], staff.people["ann"]]})
    assert holders(staff) == ["ann", "dan"]


def test_what_nobody_has_chosen_goes_to_all_candidates(staff: Desk) -> None:
    """A rule, a message or the clock starts the process: there is nobody to ask."""
    item = create(staff, name="lamp")
    with staff.work() as work:
        work.processes.start("desk.chosen", subject=("desk.item", item))
    assert holders(staff) == ["ann", "cleo"]


@pytest.mark.parametrize(("size", "expected"), [(5, []), (50, ["bob", "cleo"])])
def test_a_decision_table_names_the_role(staff: Desk, size: int, expected: list[str]) -> None:
    start(staff, "decided", variables={"size": size})
    assert holders(staff) == expected


def test_the_former_performer_gets_it_again_and_their_substitute_while_they_are_away(staff: Desk) -> None:
    for _ in range(2):
        staff.start("again")
    first, other = staff.todo("ann")
    staff.complete("ann", first[1])
    assert sorted(name for name, _ in staff.todo("ann")) == ["first", "second"]
    with staff.work("ann") as work:
        now = work.instant
        update_person(work, staff.people["ann"], substitute=staff.people["dan"], absent_from=now)
        work.processes.complete(other[1])
    assert [name for name, _ in staff.todo("dan")] == ["second"]


def test_work_goes_to_whoever_has_least(staff: Desk) -> None:
    start(staff, "given", variables={"who": staff.people["ann"]})
    start(staff, "least")
    assert [len(staff.todo(login)) for login in ("ann", "cleo")] == [1, 1]
    for _ in range(4):
        start(staff, "least")
    assert [len(staff.todo(login)) for login in ("ann", "cleo")] == [3, 3]


def test_in_turn_gives_every_candidate_as_many(staff: Desk) -> None:
    for _ in range(4):
        start(staff, "turns")
        staff.advance(seconds=1)
    assert [len(staff.todo(login)) for login in ("ann", "cleo")] == [2, 2]


NOBODY = [("skipped", []), ("to_admin", ["root"]), ("up", ["dan"]), ("given", [])]


@pytest.mark.parametrize(("name", "expected"), NOBODY)
def test_the_rule_for_nobody(staff: Desk, name: str, expected: list[str]) -> None:
    item = create(staff, name="lamp")
    with staff.work() as work:
        work.processes.shell.work.principal = staff.as_("bob")
        work.processes.shell.begin(f"desk.{name}", subject=("desk.item", item))
    assert holders(staff) == expected


def test_a_role_that_nobody_holds_is_an_incident_and_no_lost_task(staff: Desk) -> None:
    start(staff, "to_role")
    with staff.read("root") as work:
        assert [notice.kind for notice in work.notifications.page()] == ["process"]


def test_who_has_left_gets_nothing_but_whoever_stands_in_does(staff: Desk) -> None:
    ann, dan = staff.people["ann"], staff.people["dan"]
    with staff.work("root") as work:
        set_active(work, ann, False)
    start(staff, "to_admin", variables={"who": ann})
    assert holders(staff) == ["root"]
    with staff.work("root") as work:
        update_person(work, ann, substitute=dan)
    start(staff, "to_admin", variables={"who": ann})
    assert holders(staff) == ["dan", "root"]


def test_without_a_manager_the_head_of_the_department_is_asked(staff: Desk) -> None:
    with staff.work("root") as work:
        unit = create_department(work, code="unit", name={"en": "Unit"}, head=staff.people["cleo"])
        set_departments(work, staff.people["root"], [unit])
    start(staff, "up")
    assert holders(staff) == ["cleo"]

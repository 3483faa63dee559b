"""User tasks: who gets them, who may act, how several people decide, and every verb of approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from engines.core import AccessDenied, InputError, Principal, StateConflict
from engines.process import effects, events
from tests.process.games import CONTEXT, NOW, Game, body, node, number, person, process

ANN, BOB, CAT, DAN = (person(n) for n in (1, 2, 3, 4))
# Has left.
GONE = person(5)
OUTCOMES = [{"name": "approve"}, {"name": "reject", "comment": "required"}]


def ids(*people: Principal) -> list[Any]:
    """Their ids, as variables hold them."""
    return [p.id for p in people]


class Staff:
    """A small organisation: Ann and Bob are clerks, Cat leads them, Dan leads Cat; Bob is away when ``away``."""

    def __init__(self, away: bool = False) -> None:
        self.away = away

    def people_with_role(self, role: str) -> Sequence[UUID]:
        return {"shop.clerk": ids(ANN, BOB), "shop.chief": ids(CAT)}.get(role, [])

    def manager_of(self, person: UUID, level: int = 1) -> UUID | None:
        line = {ANN.id: CAT.id, BOB.id: CAT.id, CAT.id: DAN.id}
        found: UUID | None = person
        for _ in range(level):
            found = line.get(found)
        return found

    def department_of(self, person: UUID) -> UUID | None:
        return UUID(int=100)

    def head_of(self, department: UUID) -> UUID | None:
        return DAN.id

    def members_of(self, department: UUID) -> Sequence[UUID]:
        return ids(ANN, BOB)

    def stand_in(self, person: UUID, at: datetime) -> UUID | None:
        return DAN.id if self.away and person == BOB.id else None if person == GONE.id else person


class Loads:
    """Bob has the least to do."""

    def open_tasks(self, people: Sequence[UUID]) -> Mapping[UUID, int]:
        return {person: 0 if person == BOB.id else 9 for person in people}

    def last_given(self, process: str, node: str, people: Sequence[UUID]) -> Mapping[UUID, datetime]:
        return {ANN.id: NOW}


STAFFED = replace(CONTEXT, app="shop", directory=Staff(), workload=Loads())


def review(**more: Any) -> dict[str, Any]:
    """A user task with two outcomes."""
    return node("u", "review", outcomes=OUTCOMES, **more)


def reviewed(restart: bool, context: Any = STAFFED, variables: Any = None, initiator: Any = ANN, **more: Any) -> Game:
    """An instance at its review, with a way for each outcome."""
    flows = 's>review, review>ok[review.outcome = "approve"], review>no[]'
    graph = process("s:s u:ok u:no", flows, review(**more))
    return Game(graph, restart=restart, context=context).start(variables, initiator=initiator.id)


def opened(game: Game) -> list[effects.TaskOpened]:
    """What the last step told the shell to show."""
    last = game.shell.instances[1].last
    assert last is not None
    return [f for f in last.effects if isinstance(f, effects.TaskOpened)]


# Who gets it


@pytest.mark.parametrize(
    ("assignment", "people"),
    [
        ({"person": "who"}, [BOB]),
        ({"candidates": "many"}, [BOB, CAT]),
        ({"manager_of": "initiator"}, [CAT]),
        ({"manager_of": "initiator", "level": 2}, [DAN]),
        ({"department_head": "dept"}, [DAN]),
        ({"department": "dept"}, [ANN, BOB]),
        ({"initiator": True}, [ANN]),
        ({"field": "owner"}, [CAT]),
        ({"field": "subject.owner", "person": "who"}, [BOB, CAT]),
    ],
    ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
)
def test_assignments_find_people(assignment: Any, people: list[Principal], restart: bool) -> None:
    context = replace(STAFFED, values={"subject": {"owner": {"id": CAT.id, "name": "Cat"}}})
    variables = {"who": BOB.id, "many": ids(BOB, CAT), "dept": UUID(int=100)}
    game = reviewed(restart, context, variables, assignment=assignment)
    (task,) = game.state.tasks.values()
    assert list(task.people or [task.assignee]) == ids(*people)


def test_a_role_is_qualified_by_the_app_and_stays_a_role(restart: bool) -> None:
    game = reviewed(restart, assignment={"role": "clerk"})
    (task,) = game.state.tasks.values()
    assert (task.roles, task.assignee) == (("shop.clerk",), None)


def test_the_absent_are_replaced_by_their_substitutes(restart: bool) -> None:
    game = reviewed(
        restart, replace(STAFFED, directory=Staff(away=True)), {"who": BOB.id}, assignment={"person": "who"}
    )
    assert [t.assignee for t in game.state.tasks.values()] == [DAN.id]


def test_work_goes_to_the_least_busy(restart: bool) -> None:
    game = reviewed(restart, assignment={"role": "clerk", "distribute": "least_busy"})
    assert [t.assignee for t in game.state.tasks.values()] == [BOB.id]


def test_a_former_performer_gets_the_next_step(restart: bool) -> None:
    again = node("u", "again", assignment={"performer_of": "first"})
    game = Game(process("s:s u:first", "s>first>again", again), restart=restart).start().complete("first", who=CAT)
    assert [t.assignee for t in game.state.tasks.values()] == [CAT.id]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("incident", ([], ["process.nobody_found"])), ("skip", (["ok"], [])), ("role:chief", (["review"], []))],
)
def test_the_step_says_what_happens_when_nobody_is_found(rule: str, expected: Any, restart: bool) -> None:
    game = reviewed(restart, assignment={"role": "nobody", "nobody": rule})
    assert (game.open, game.incidents) == expected


def test_opening_tells_form_outcomes_rights_due_time_and_copies(restart: bool) -> None:
    game = reviewed(
        restart, form="order", layout="edit", fields=[{"name": "total", "access": "read"}], due='duration("P1D")',
        priority='"high"', copy={"role": "chief"}, checklist=["photo"],
    )  # fmt: skip
    (shown,) = opened(game)
    assert (shown.form, shown.layout, shown.outcomes[1].comment) == ("order", "edit", "required")
    assert (shown.fields[0].name, shown.checklist, shown.copies) == ("total", ("photo",), (CAT.id,))
    assert (shown.task.due_at, shown.task.priority) == (NOW + timedelta(days=1), "high")


# Who may act


def test_only_candidates_claim_and_only_the_assignee_completes(restart: bool) -> None:
    game = reviewed(restart, assignment={"role": "clerk"})
    _, task = game.task("review")
    clerk, other = person(8, "shop.clerk"), person(9, "shop.clerk")
    with pytest.raises(AccessDenied):
        game.do(events.ClaimTask(task=task), who=DAN)
    game.do(events.ClaimTask(task=task), who=clerk)
    with pytest.raises(StateConflict, match=r"process\.task_taken") as taken:
        game.do(events.ClaimTask(task=task), who=other)
    assert taken.value.params["by"] == clerk.id
    with pytest.raises(AccessDenied):
        game.complete("review", who=DAN, outcome="approve")
    assert game.complete("review", who=clerk, outcome="approve").open == ["ok"]


def test_a_claimed_task_is_released_to_its_candidates(restart: bool) -> None:
    game = reviewed(restart, assignment={"role": "clerk"})
    _, task = game.task("review")
    clerk = person(8, "shop.clerk")
    game.do(events.ClaimTask(task=task), who=clerk).do(events.ReleaseTask(task=task), who=clerk)
    assert next(iter(game.state.tasks.values())).assignee is None
    with pytest.raises(StateConflict, match="not_claimed"):
        game.do(events.ReleaseTask(task=task), who=clerk)


def test_a_step_allows_only_the_verbs_it_names(restart: bool) -> None:
    game = reviewed(restart, variables={"who": BOB.id}, assignment={"person": "who"}, verbs=["comment"])
    _, task = game.task("review")
    with pytest.raises(AccessDenied):
        game.do(events.TransferTask(task=task, to=CAT.id), who=BOB)


# Completing


def test_the_outcome_the_comment_and_the_person_can_be_read(restart: bool) -> None:
    game = reviewed(restart)
    with pytest.raises(InputError, match=r"process\.comment_required"):
        game.complete("review", who=BOB, outcome="reject")
    with pytest.raises(InputError, match=r"process\.unknown_outcome"):
        game.complete("review", who=BOB, outcome="perhaps")
    game.complete("review", who=BOB, outcome="reject", comment="too dear")
    assert game.open == ["no"]
    assert game.variables["review"] == {"outcome": "reject", "comment": "too dear", "by": BOB.id, "at": NOW}


def test_nothing_is_completed_before_the_delivery_standard_is_met(restart: bool) -> None:
    game = reviewed(restart, checklist=["photo", "receipt"], requires="amount > 0")
    with pytest.raises(InputError) as refused:
        game.complete("review", outcome="approve", checked=("photo",))
    assert [p.code for p in refused.value.problems] == ["process.not_delivered", "process.requirement_not_met"]
    game.complete("review", outcome="approve", checked=("photo", "receipt"), variables={"amount": number(5)})
    assert game.open == ["ok"]


# Several people decide


def voting(restart: bool, mode: str, people: int = 3, **approval: Any) -> Game:
    """A review that Ann, Bob and Cat (and Dan) decide together; somebody else has started it."""
    variables = {"board": ids(ANN, BOB, CAT, DAN)[:people]}
    return reviewed(
        restart, variables=variables, initiator=person(9), assignment={"candidates": "board"},
        approval={"mode": mode, **approval},
    )  # fmt: skip


def votes(game: Game, *given: str) -> Game:
    """Ann, Bob, Cat, Dan vote in turn: "+" approves, "-" rejects."""
    for who, sign in zip((ANN, BOB, CAT, DAN), given, strict=False):
        if "review" in game.open:
            task = next(t.id for t in game.state.tasks.values() if t.assignee == who.id)
            outcome = "approve" if sign == "+" else "reject"
            game.do(events.CompleteTask(task=task, outcome=outcome, comment="because"), who=who)
    return game


@pytest.mark.parametrize(
    ("mode", "approval", "given", "expected"),
    [
        ("all", {}, "++", "review"),
        ("all", {}, "+++", "ok"),
        ("all", {}, "+-", "no"),
        ("all", {"veto": False}, "-+", "review"),
        ("all", {"veto": False}, "-++", "no"),
        ("any", {}, "+", "ok"),
        ("any", {}, "-", "no"),
        ("ratio", {"ratio": "0.5"}, "++", "ok"),
        ("ratio", {"ratio": "0.5"}, "-+", "review"),
        ("ratio", {"ratio": "0.5"}, "--", "no"),
        ("ratio", {"ratio": "0.5", "veto": True}, "-", "no"),
        ("sequential", {}, "++", "review"),
        ("sequential", {}, "+++", "ok"),
        ("sequential", {}, "+-", "no"),
    ],
)
def test_votes_are_counted_as_the_step_says(mode: str, approval: Any, given: str, expected: str, restart: bool) -> None:
    game = votes(voting(restart, mode, **approval), *given)
    assert set(game.open) == {expected}


def test_sequential_approvers_are_asked_one_after_the_other(restart: bool) -> None:
    game = voting(restart, "sequential")
    assert [t.assignee for t in game.state.tasks.values()] == ids(ANN)
    votes(game, "+")
    assert [t.assignee for t in game.state.tasks.values()] == ids(BOB)


def test_a_decision_closes_the_other_tasks_and_keeps_every_vote(restart: bool) -> None:
    game = votes(voting(restart, "all"), "+", "-")
    assert [v["outcome"] for v in game.variables["review"]["votes"]] == ["approve", "reject"]
    assert game.state.approvals == {}
    closed = [h for h in game.shell.history(1) if h.kind == "task.cancelled"]
    assert len(closed) == 1


def test_who_has_approved_before_need_not_be_asked_again(restart: bool) -> None:
    second = node("u", "second", outcomes=OUTCOMES, assignment={"person": "who"}, approval={"repeated": "approve"})
    graph = process("s:s u:end", "s>review>second>end", review(assignment={"person": "who"}), second)
    game = Game(graph, restart=restart).start({"who": BOB.id}).complete("review", who=BOB, outcome="approve")
    assert game.open == ["end"]
    assert [h.data["performer"] for h in game.shell.history(1) if h.kind == "task.automatic"] == [BOB.id]


def test_who_started_it_need_not_be_asked(restart: bool) -> None:
    game = reviewed(restart, assignment={"initiator": True}, approval={"own": "approve"})
    assert game.open == ["ok"]


# Verbs


def at_bob(restart: bool, **more: Any) -> tuple[Game, int]:
    """A review that Bob has."""
    game = reviewed(restart, variables={"who": BOB.id}, assignment={"person": "who"}, **more)
    return game, game.task("review")[1]


def holder(game: Game) -> UUID | None:
    """Who has the only task."""
    (task,) = game.state.tasks.values()
    return task.assignee


def test_a_transferred_task_is_somebody_elses(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.TransferTask(task=task, to=CAT.id), who=BOB)
    assert holder(game) == CAT.id
    with pytest.raises(AccessDenied):
        game.complete("review", who=BOB, outcome="approve")
    assert game.complete("review", who=CAT, outcome="approve").open == ["ok"]


def test_a_delegated_task_comes_back_when_it_is_resolved(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.DelegateTask(task=task, to=CAT.id), who=BOB)
    with pytest.raises(StateConflict, match="task_delegated"):
        game.complete("review", who=CAT, outcome="approve")
    game.do(events.ResolveTask(task=task, comment="fine"), who=CAT)
    assert holder(game) == BOB.id
    assert game.complete("review", who=BOB, outcome="approve").open == ["ok"]


def test_people_added_before_decide_first(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.AddApprovers(task=task, people=(CAT.id, DAN.id), where="before"), who=BOB)
    with pytest.raises(StateConflict, match="task_waits"):
        game.do(events.CompleteTask(task=task, outcome="approve"), who=BOB)
    for who in (CAT, DAN):
        added = next(t.id for t in game.state.tasks.values() if t.assignee == who.id)
        game.do(events.CompleteTask(task=added, outcome="approve"), who=who)
    assert game.open == ["review"]
    assert game.do(events.CompleteTask(task=task, outcome="approve"), who=BOB).open == ["ok"]


def test_a_rejection_by_somebody_added_before_decides(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.AddApprovers(task=task, people=(CAT.id,), where="before"), who=BOB)
    added = next(t.id for t in game.state.tasks.values() if t.assignee == CAT.id)
    game.do(events.CompleteTask(task=added, outcome="reject", comment="no"), who=CAT)
    assert game.open == ["no"]


def test_people_added_after_decide_next(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.AddApprovers(task=task, people=(CAT.id, DAN.id), where="after"), who=BOB)
    game.do(events.CompleteTask(task=task, outcome="approve"), who=BOB)
    assert holder(game) == CAT.id
    game.complete("review", who=CAT, outcome="approve")
    assert holder(game) == DAN.id
    assert game.complete("review", who=DAN, outcome="reject", comment="no").open == ["no"]


def test_people_added_beside_make_it_a_countersigning(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.AddApprovers(task=task, people=(CAT.id,), where="beside"), who=BOB)
    game.do(events.CompleteTask(task=task, outcome="approve"), who=BOB)
    assert game.open == ["review"]
    assert game.complete("review", who=CAT, outcome="approve").open == ["ok"]


def test_nobody_is_added_twice(restart: bool) -> None:
    game, task = at_bob(restart)
    with pytest.raises(StateConflict, match="takes_part_already"):
        game.do(events.AddApprovers(task=task, people=(BOB.id,)), who=BOB)


def test_an_approver_taken_out_is_no_longer_waited_for(restart: bool) -> None:
    game = votes(voting(restart, "all"), "+", "+")
    (left,) = game.state.tasks
    with pytest.raises(AccessDenied):
        game.do(events.RemoveApprover(task=left), who=CAT)
    assert game.do(events.RemoveApprover(task=left)).open == ["ok"]


def three_steps(restart: bool) -> Game:
    """Ann fills in, Bob checks, Cat decides in one of two parallel branches."""
    graph = process(
        "s:s u:fill u:check p:f u:decide u:beside p:j u:last", "s>fill>check>f, f>decide>j, f>beside>j, j>last"
    )
    game = Game(graph, restart=restart).start(initiator=ANN.id)
    return game.complete("fill", who=ANN).complete("check", who=BOB)


@pytest.mark.parametrize(
    ("to", "expected", "who"), [("previous", "check", BOB), ("initiator", "fill", ANN), ("fill", "fill", ANN)]
)
def test_a_return_out_of_parallel_branches_ends_the_siblings(to: str, expected: str, who: Any, restart: bool) -> None:
    game = three_steps(restart)
    _, task = game.task("decide")
    game.do(events.ReturnTask(task=task, to=to, comment="again"), who=CAT)
    assert game.open == [expected]
    assert holder(game) == who.id
    if expected == "fill":
        game.complete("fill", who=ANN)
    assert game.complete("check", who=BOB).open == ["beside", "decide"]
    assert game.complete("beside", "decide", "last").ended


def test_return_to_me_leaves_the_siblings_and_comes_straight_back(restart: bool) -> None:
    game = three_steps(restart)
    _, task = game.task("decide")
    game.do(events.ReturnTask(task=task, to="fill", back_to_me=True), who=CAT)
    assert game.open == ["beside", "fill"]
    assert game.complete("fill", who=ANN).open == ["beside", "decide"]
    assert next(t.assignee for t in game.state.tasks.values() if t.node == "decide") == CAT.id
    assert game.complete("decide", "beside", "last").ended


def test_a_return_into_a_joined_branch_is_refused(restart: bool) -> None:
    game = three_steps(restart).complete("decide", who=CAT).complete("beside", who=CAT)
    _, task = game.task("last")
    with pytest.raises(StateConflict, match="branch_is_joined"):
        game.do(events.ReturnTask(task=task, to="decide"), who=DAN)
    game.do(events.ReturnTask(task=task, to="check"), who=DAN)
    assert game.open == ["check"]


def test_a_return_out_of_a_sub_process_and_a_countersigning(restart: bool) -> None:
    inner = body("s:is", "is>review", review(assignment={"candidates": "board"}, approval={"mode": "all"}))
    graph = process("s:s u:fill", "s>fill>sub", node("sub", "sub", **inner))
    game = Game(graph, restart=restart).start({"board": ids(ANN, BOB)}, initiator=CAT.id).complete("fill", who=CAT)
    _, task = game.task("review")
    game.do(events.CompleteTask(task=task, outcome="approve"), who=ANN)
    _, task = game.task("review")
    game.do(events.ReturnTask(task=task, to="fill"), who=BOB)
    assert (game.open, game.state.approvals, len(game.state.scopes)) == (["fill"], {}, 1)
    assert game.complete("fill", who=CAT).open == ["review", "review"]


def test_there_must_be_a_step_to_return_to(restart: bool) -> None:
    game, task = at_bob(restart)
    with pytest.raises(StateConflict, match="no_step_to_return_to"):
        game.do(events.ReturnTask(task=task), who=BOB)


def test_a_step_is_taken_back_as_long_as_nobody_has_acted(restart: bool) -> None:
    game = three_steps(restart)
    with pytest.raises(AccessDenied):
        game.do(events.TakeBack(node="check"), who=ANN)
    with pytest.raises(StateConflict, match="acted_already"):
        game.do(events.TakeBack(node="fill"), who=ANN)
    game.do(events.TakeBack(node="check"), who=BOB)
    assert (game.open, holder(game)) == (["check"], BOB.id)
    game.complete("check", who=BOB).complete("beside", who=CAT)
    with pytest.raises(StateConflict, match="acted_already"):
        game.do(events.TakeBack(node="check"), who=BOB)


def test_the_initiator_withdraws_until_somebody_else_has_acted(restart: bool) -> None:
    graph = process("s:s u:fill u:check u:more", "s>fill>check>more")
    game = Game(graph, restart=restart).start(initiator=ANN.id).complete("fill", who=ANN)
    with pytest.raises(AccessDenied):
        game.do(events.Withdraw(), who=BOB)
    kept = Game(graph, restart=restart).start(initiator=ANN.id).complete("fill", who=ANN).complete("check", who=BOB)
    with pytest.raises(StateConflict, match="acted_already"):
        kept.do(events.Withdraw(), who=ANN)
    assert game.do(events.Withdraw(), who=ANN).state.status == "withdrawn"
    assert game.open == []


def test_reminders_have_a_brake(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.RemindTask(task=task), who=ANN)
    with pytest.raises(StateConflict, match="reminded_already"):
        game.do(events.RemindTask(task=task), who=ANN)
    game.advance(hours=1).do(events.RemindTask(task=task), who=ANN)


def test_copies_and_comments_change_nothing_but_are_kept(restart: bool) -> None:
    game, task = at_bob(restart)
    game.do(events.CopyTask(task=task, people=(CAT.id,)), who=BOB).do(
        events.CommentTask(task=task, comment="hm"), who=CAT
    )
    assert holder(game) == BOB.id
    assert [h.kind for h in game.shell.history(1)][-2:] == ["task.copy", "task.comment"]


def test_all_work_of_a_person_is_handed_over(restart: bool) -> None:
    game = voting(restart, "sequential")
    game.do(events.HandOver(person=ANN.id, to=DAN.id)).do(events.HandOver(person=CAT.id, to=ANN.id))
    assert holder(game) == DAN.id
    (approval,) = game.state.approvals.values()
    assert list(approval.queue) == ids(BOB, ANN)


def test_due_times_count_in_the_working_calendar(restart: bool) -> None:
    class FourTimesSlower:
        """A day of work takes four days."""

        def add(self, start: datetime, working: timedelta) -> datetime:
            return start + 4 * working

        def of_department(self, department: UUID | None) -> FourTimesSlower:
            return self

        def is_working_day(self, day: Any) -> bool:
            return True

    context = replace(STAFFED, calendars={"office": FourTimesSlower()})
    game = reviewed(restart, context, due='duration("P1D")', calendar="office")
    (task,) = game.state.tasks.values()
    assert task.due_at == NOW + timedelta(days=4)

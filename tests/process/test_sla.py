"""Time limits of activities: when they run out, what is done then, what stops their clocks; each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from engines.core import AccessDenied, InputError, StateConflict
from engines.process import CompiledProcess, effects, events
from engines.process.migration import migrate, undo
from tests.process.games import NOW, Game, body, node, person, process
from tests.process.test_people import ANN, BOB, CAT, DAN, OUTCOMES, STAFFED
from tests.process.test_validation import codes


class Mornings:
    """A working calendar: nine to twelve on weekdays; the night shift works all the time."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """Counts in minutes, which is slow and plainly right."""
        step = timedelta(minutes=1 if working >= timedelta() else -1)
        left = abs(working)
        while left > timedelta():
            at = start if step > timedelta() else start + step
            left -= timedelta(minutes=1) if self._open(at) else timedelta()
            start += step
        return start

    def between(self, start: datetime, end: datetime) -> timedelta:
        if end < start:
            return -self.between(end, start)
        minutes = range(int((end - start) / timedelta(minutes=1)))
        return sum((timedelta(minutes=1) for m in minutes if self._open(start + timedelta(minutes=m))), timedelta())

    def _open(self, at: datetime) -> bool:
        return at.weekday() < 5 and time(9) <= at.time() < time(12)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5

    def of_department(self, department: UUID | None) -> Mornings:
        return Nights() if department == UUID(int=200) else self


class Nights(Mornings):
    """Hours of another department."""

    def _open(self, at: datetime) -> bool:
        return True


CONTEXT = replace(STAFFED, calendars={"office": Mornings()})
QUARTER = 'duration("PT15M")'


def limit(*actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A limit of a quarter of an hour."""
    return {"name": "time", "target": QUARTER, "actions": list(actions), **more}


def act(do: str, **more: Any) -> dict[str, Any]:
    """An action."""
    return {"name": more.pop("name", do), "do": do, **more}


def graph(*slas: dict[str, Any], **more: Any) -> CompiledProcess:
    """One review by the clerks that has limits, after a request of who starts it."""
    wanted: dict[str, Any] = {"assignment": {"role": "clerk"}, "outcomes": OUTCOMES, **more}
    return process(
        "s:s u:ask u:next e:e", "s>ask>review>next>e", node("u", "review", sla=list(slas), **wanted), name="p"
    )


def play(restart: bool, *slas: dict[str, Any], context: Any = CONTEXT, variables: Any = None, **more: Any) -> Game:
    """A game at the review."""
    game = Game(graph(*slas, **more), restart=restart, context=context)
    return game.start(variables or {}, initiator=ANN.id).complete("ask", who=ANN)


def happened(game: Game) -> list[str]:
    """What the history tells of limits."""
    return [entry.kind.removeprefix("sla.") for entry in game.shell.history(game.main) if entry.kind.startswith("sla.")]


def task(game: Game) -> Any:
    """The first open task."""
    return next(iter(game.state.tasks.values()))


def test_a_limit_runs_out_at_its_instant_and_not_before(restart: bool) -> None:
    game = play(restart, limit(act("escalate", to={"role": "chief"})))
    assert (task(game).due_at, task(game).sla) == (NOW + timedelta(minutes=15), "running")
    game.advance(minutes=14, seconds=59)
    assert happened(game) == ["started"]
    game.advance(seconds=1)
    assert happened(game) == ["started", "breached", "escalate"]
    assert task(game).sla == "breached"
    game.advance(days=9)
    assert happened(game) == ["started", "breached", "escalate"]
    game.complete("review", outcome="approve")
    assert happened(game)[-1] == "ended"
    assert not game.state.clocks
    assert not game.state.timers


def test_who_is_in_time_stops_the_clock(restart: bool) -> None:
    game = play(restart, limit(act("escalate")))
    game.advance(minutes=14, seconds=59).complete("review", outcome="approve")
    assert happened(game) == ["started", "met"]
    game.advance(hours=1)
    assert happened(game) == ["started", "met"]


def test_a_limit_on_claiming_ends_when_somebody_has_the_task(restart: bool) -> None:
    game = play(restart, limit(act("escalate"), until="claimed"))
    game.advance(minutes=14, seconds=59)
    game.do(events.ClaimTask(task=task(game).id), who=replace(ANN, roles=frozenset({"shop.clerk"})))
    assert happened(game) == ["started", "met"]
    assert (task(game).due_at, task(game).sla) == (None, "")
    given = play(restart, limit(until="claimed"), assignment={"initiator": True})
    assert happened(given) == ["started", "met"]


def test_actions_come_before_at_and_after_the_limit_each_once(restart: bool) -> None:
    game = play(
        restart,
        limit(
            act("escalate", after='duration("PT1H")'),
            act("remind"),
            act("warn", before='duration("PT5M")'),
        ),
    )
    game.advance(minutes=10)
    assert (happened(game)[1:], task(game).sla) == (["warn"], "warned")
    game.advance(hours=3)
    assert happened(game)[1:] == ["warn", "breached", "remind", "escalate"]


def test_a_reminder_comes_again_and_missed_ones_are_made_up_once(restart: bool) -> None:
    game = play(restart, limit(act("remind", every='duration("PT1H")', times=4)))
    game.advance(minutes=15).advance(minutes=59).advance(minutes=1)
    assert happened(game).count("remind") == 2
    game.advance(days=1)
    assert happened(game).count("remind") == 3
    game.advance(days=1)
    assert happened(game).count("remind") == 3


def told(game: Game) -> list[tuple[str, Sequence[UUID], Sequence[str]]]:
    """Who was told by the last step."""
    last = game.shell.instances[game.main].last
    assert last is not None
    return [(f.do, f.people, f.roles) for f in last.effects if isinstance(f, effects.SlaActed)]


def test_it_tells_who_has_the_task_their_managers_or_whom_it_names(restart: bool) -> None:
    actions = [act("remind"), act("escalate"), act("warn", to={"manager_of": "assignee", "level": 2})]
    game = play(restart, limit(*actions), assignment={"person": "who"}, variables={"who": BOB.id})
    game.advance(minutes=15)
    assert told(game) == [("remind", (BOB.id,), ()), ("escalate", (CAT.id,), ()), ("warn", (DAN.id,), ())]


def test_a_passed_limit_hands_the_task_to_the_manager(restart: bool) -> None:
    game = play(restart, limit(act("transfer")), assignment={"initiator": True})
    game.advance(minutes=15)
    assert [t.assignee for t in game.state.tasks.values()] == [CAT.id]
    assert task(game).sla == "breached"
    game = play(restart, limit(act("transfer", to={"role": "chief"})), assignment={"role": "clerk"})
    game.advance(minutes=15)
    assert [(t.assignee, t.roles) for t in game.state.tasks.values()] == [(None, ("shop.chief",))]


def test_a_passed_limit_decides_the_step_and_marks_it_as_automatic(restart: bool) -> None:
    game = play(restart, limit(act("complete", outcome="approve", after='duration("P1D")')))
    game.advance(minutes=15)
    assert game.open == ["review"]
    game.advance(days=1)
    assert (game.open, game.variables["review"]["outcome"]) == (["next"], "approve")
    assert "task.automatic" in [entry.kind for entry in game.shell.history(game.main)]


def test_no_limit_goes_past_a_delivery_standard(restart: bool) -> None:
    game = play(restart, limit(act("complete", outcome="approve")), checklist=["tested"])
    game.advance(minutes=15)
    assert game.open == ["review"]
    assert told(game) == [("complete", (), ())]


def test_an_escalation_event_takes_the_case_further(restart: bool) -> None:
    late = node("b", "late", attached_to="review", interrupting=False, event={"escalation": "late"})
    review = node("u", "review", sla=[limit(act("escalate", code="late"))], assignment={"role": "clerk"})
    game = Game(process("s:s u:chase", "s>review, late>chase", review, late), restart=restart, context=CONTEXT)
    game.start({}, initiator=ANN.id).advance(minutes=15)
    assert game.open == ["chase", "review"]
    assert game.advance(days=1).open == ["chase", "review"]


# Standing still


def test_a_condition_stops_the_clock_and_what_was_left_is_left(restart: bool) -> None:
    game = play(restart, limit(act("warn"), pause_when="asked = true"), variables={"asked": False})
    game.advance(minutes=10).set(asked=True)
    assert (task(game).sla, task(game).due_at, dict(game.state.timers)) == ("paused", None, {})
    game.advance(days=3).set(asked=False)
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=5)
    game.advance(minutes=4, seconds=59)
    assert "breached" not in happened(game)
    game.advance(seconds=1)
    assert happened(game) == ["started", "paused", "resumed", "breached", "warn"]


def test_a_condition_that_holds_from_the_beginning_keeps_the_clock_from_running(restart: bool) -> None:
    game = play(restart, limit(pause_when="asked"), variables={"asked": True})
    assert task(game).sla == "paused"
    game.advance(days=1).set(asked=False)
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=15)


def test_a_suspended_instance_loses_no_time_and_its_timers_wait(restart: bool) -> None:
    event = {"timer": {"duration": 'duration("PT1H")'}}
    late = node("b", "late", attached_to="review", interrupting=False, event=event)
    review = node("u", "review", sla=[limit(act("warn"))], assignment={"role": "clerk"})
    game = Game(process("s:s u:chase", "s>review, late>chase", review, late), restart=restart, context=CONTEXT)
    game.start({}, initiator=ANN.id).advance(minutes=5).do(events.Suspend())
    assert task(game).sla == "paused"
    game.advance(days=2)
    assert game.open == ["review"]
    game.do(events.Resume())
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=10)
    game.advance()
    assert game.open == ["chase", "review"], "what came due meanwhile happens when the instance goes on"
    game.advance(minutes=10)
    assert happened(game)[-2:] == ["breached", "warn"]


def test_a_person_with_the_right_stops_the_clock_and_says_why(restart: bool) -> None:
    game = play(restart, limit(pause_roles=["chief"]))
    number = task(game).id
    chief, clerk = replace(CAT, roles=frozenset({"shop.chief"})), replace(BOB, roles=frozenset({"shop.clerk"}))
    with pytest.raises(InputError):
        game.do(events.PauseClock(task=number, comment=" "), who=chief)
    with pytest.raises(AccessDenied):
        game.do(events.PauseClock(task=number, comment="lunch"), who=clerk)
    game.do(events.PauseClock(task=number, comment="waits for the customer"), who=chief)
    with pytest.raises(StateConflict):
        game.do(events.PauseClock(task=number, comment="again"), who=chief)
    with pytest.raises(AccessDenied):
        game.do(events.ResumeClock(task=number), who=clerk)
    game.advance(days=1).do(events.ResumeClock(task=number), who=chief)
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=15)
    with pytest.raises(StateConflict):
        game.do(events.ResumeClock(task=number), who=chief)


def test_who_has_the_task_may_stop_its_clock_where_the_limit_says_so(restart: bool) -> None:
    game = play(restart, limit(pause_by_assignee=True), assignment={"initiator": True})
    with pytest.raises(AccessDenied):
        game.do(events.PauseClock(task=task(game).id, comment="x"), who=BOB)
    game.do(events.PauseClock(task=task(game).id, comment="x"), who=ANN)
    assert task(game).sla == "paused"


def test_a_clock_stands_for_as_long_as_any_reason_lasts(restart: bool) -> None:
    game = play(restart, limit(pause_when="asked = true", pause_roles=["chief"]), variables={"asked": True})
    game.do(events.PauseClock(task=task(game).id, comment="x"))
    game.set(asked=False)
    assert task(game).sla == "paused"
    game.do(events.ResumeClock(task=task(game).id))
    assert task(game).sla == "running"


@pytest.mark.parametrize("back_to_me", [False, True])
def test_while_the_initiator_has_it_back_the_clock_stands(restart: bool, back_to_me: bool) -> None:
    game = play(restart, limit(act("warn")))
    game.advance(minutes=10)
    game.do(events.ReturnTask(task=task(game).id, to="initiator", back_to_me=back_to_me))
    assert game.open == ["ask"]
    game.advance(days=2).complete("ask", who=ANN)
    assert game.open == ["review"]
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=5)
    assert happened(game) == ["started", "paused", "resumed"]
    game.advance(minutes=5)
    assert happened(game)[-2:] == ["breached", "warn"]


def test_a_limit_may_begin_anew_after_a_return(restart: bool) -> None:
    game = play(restart, limit(after_return="restart"))
    game.advance(minutes=10).do(events.ReturnTask(task=task(game).id, to="initiator"))
    game.advance(days=2).complete("ask", who=ANN)
    assert task(game).due_at == game.shell.context.now + timedelta(minutes=15)
    assert happened(game) == ["started", "cancelled", "started"]


# Working time


def test_working_time_counts_by_the_calendar_and_its_rest_is_kept(restart: bool) -> None:
    late = replace(CONTEXT, now=datetime(2030, 1, 11, 11, 30, tzinfo=UTC))
    game = play(restart, limit(target='duration("PT1H")', calendar="office"), context=late)
    monday = datetime(2030, 1, 14, 9, tzinfo=UTC)
    assert task(game).due_at == monday + timedelta(minutes=30)
    game.advance(minutes=20).do(events.PauseClock(task=task(game).id, comment="x"))
    game.advance(days=30).do(events.ResumeClock(task=task(game).id))
    clock = next(iter(game.state.clocks.values()))
    assert Mornings().between(game.shell.context.now, clock.due_at or NOW) == timedelta(minutes=40)


def test_a_department_has_its_own_hours(restart: bool) -> None:
    late = replace(CONTEXT, now=datetime(2030, 1, 11, 20, tzinfo=UTC))
    limits = limit(target='duration("PT1H")', calendar="office", department="team")
    game = play(restart, limits, context=late, variables={"team": UUID(int=200)})
    assert task(game).due_at == late.now + timedelta(hours=1)
    other = play(restart, limits, context=late, variables={"team": UUID(int=100)})
    assert task(other).due_at == datetime(2030, 1, 14, 10, tzinfo=UTC)


# Where it ends


def test_every_way_out_of_a_step_ends_its_clock(restart: bool) -> None:
    for leave in (events.Cancel(), events.MoveToken(token=0, to="next")):
        game = play(restart, limit())
        if isinstance(leave, events.MoveToken):
            leave = replace(leave, token=next(iter(game.state.tokens)))
        game.do(leave)
        assert (dict(game.state.clocks), dict(game.state.timers)) == ({}, {})
        assert happened(game) == ["started", "cancelled"]


def test_limits_hold_for_activities_without_people(restart: bool) -> None:
    inner = node("sub", "work", sla=[limit(act("warn"))], **body("s:is u:deep", "is>deep"))
    game = Game(process("s:s e:e", "s>work>e", inner), restart=restart, context=CONTEXT)
    game.start({}, initiator=ANN.id)
    assert task(game).due_at == NOW + timedelta(minutes=15), "who works inside sees the limit around it"
    game.advance(minutes=15).complete("deep")
    assert game.ended
    assert happened(game) == ["started", "breached", "warn", "ended"]


def test_a_value_that_is_no_time_is_told_and_holds_nothing_up(restart: bool) -> None:
    game = play(restart, limit(target='"soon"'))
    assert [entry.data["code"] for entry in game.shell.history(game.main) if entry.kind == "error"] == [
        "process.no_time"
    ]
    assert game.complete("review", outcome="approve").open == ["next"]


def test_the_owner_at_every_moment_can_be_told(restart: bool) -> None:
    game = play(restart, limit())
    clerk = replace(BOB, roles=frozenset({"shop.clerk"}))
    game.do(events.ClaimTask(task=task(game).id), who=clerk)
    assert next(iter(game.state.clocks.values())).person == BOB.id
    game.advance(minutes=15).do(events.TransferTask(task=task(game).id, to=CAT.id), who=clerk)
    assert next(iter(game.state.clocks.values())).person == BOB.id, "it was his when it was late"


def sla_codes(kind: str = "u", sla: Any = None, **more: Any) -> list[tuple[str, str]]:
    """Problems of one node with limits."""
    return [p for p in codes("s:s e:e", "s>a>e", node(kind, "a", sla=sla, **more)) if "sla" in p[1]]


LIMIT: Mapping[str, Any] = {"name": "time", "target": QUARTER}


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ({"kind": "x", "sla": [LIMIT]}, "process.sla_not_here", "/nodes/2/sla"),
        ({"sla": [LIMIT, LIMIT]}, "process.repeated_name", "/nodes/2/sla/1/name"),
        ({"sla": [{**LIMIT, "actions": [act("warn"), act("warn")]}]}, "process.repeated_name",
         "/nodes/2/sla/0/actions/1/name"),
        ({"kind": "t", "sla": [{**LIMIT, "until": "claimed"}]}, "process.sla_needs_task", "/nodes/2/sla/0/until"),
        ({"kind": "t", "sla": [limit(act("transfer"))]}, "process.sla_needs_task", "/nodes/2/sla/0/actions/0/do"),
        ({"sla": [limit(act("warn", before=QUARTER, after=QUARTER))]}, "process.sla_unclear",
         "/nodes/2/sla/0/actions/0"),
        ({"sla": [limit(act("complete", outcome="aprove"))], "outcomes": OUTCOMES}, "process.sla_unknown_outcome",
         "/nodes/2/sla/0/actions/0/outcome"),
        ({"sla": [limit(act("complete", outcome="approve"))], "outcomes": OUTCOMES, "checklist": ["x"]},
         "process.sla_past_standard", "/nodes/2/sla/0/actions/0/outcome"),
        ({"sla": [{**LIMIT, "pause_when": "nothing"}]}, "feel.unknown_name", "/nodes/2/sla/0/pause_when"),
        ({"sla": [limit(act("warn", to={"person": "1 +"}))]}, "feel.syntax", "/nodes/2/sla/0/actions/0/to/person"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_place(given: Any, code: str, pointer: str) -> None:
    assert (code, pointer) in sla_codes(**given)


def test_a_reject_may_come_by_itself_whatever_the_standard() -> None:
    assert sla_codes(sla=[limit(act("complete", outcome="reject"))], outcomes=OUTCOMES, checklist=["x"]) == []


def test_nobody_has_a_part_in_a_clock_that_is_not_there(restart: bool) -> None:
    game = play(restart, limit())
    with pytest.raises(StateConflict):
        game.do(events.PauseClock(clock=99, comment="x"), who=person(9))


# Other versions


def test_a_clock_goes_on_under_a_new_version_of_its_limit_and_back(restart: bool) -> None:
    old, new = graph(limit()), graph(limit(act("warn")), {**LIMIT, "name": "more"}, {**LIMIT, "name": "other"})
    game = Game(old, restart=restart, context=CONTEXT).start({}, initiator=ANN.id).complete("ask", who=ANN)
    before = game.state
    game.advance(minutes=10)
    result = migrate(old, new, game.state, {}, game.shell.context)
    assert sorted(clock.sla for clock in result.state.clocks.values()) == ["more", "other", "time"]
    assert min(t.due_at for t in result.state.tasks.values() if t.due_at) == NOW + timedelta(minutes=15)
    assert len({timer.clock for timer in result.state.timers.values()}) == 3
    back = undo(old, before, result.state, game.shell.context)
    ended = {f.clock.sla for f in back.effects if isinstance(f, effects.ClockChanged) and f.status == "cancelled"}
    assert (ended, len(back.state.clocks)) == ({"more", "other"}, 1)
    without = migrate(old, graph(), game.state, {}, game.shell.context)
    assert (dict(without.state.clocks), dict(without.state.timers)) == ({}, {})

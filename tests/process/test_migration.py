"""Migration: an instance goes on in another version where it stands, and comes back unchanged."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from engines.process import CompiledProcess, InstanceState, compile, effects, events, step
from engines.process.loading import read
from engines.process.migration import migrate, obstacles, undo
from tests.process.games import CONTEXT, Game, node, process
from tests.process.models import sound_model
from tests.process.test_properties import next_event

REVIEW = process("s:s u:review e:e", "s>review>e")
LATE = {"timer": {"duration": 'duration("PT1H")'}}


def migrated(game: Game, graph: CompiledProcess, target: CompiledProcess, **mapping: str) -> list[Any]:
    """Takes the game over into ``target``; the effects."""
    instance = game.shell.instances[game.main]
    result = migrate(graph, target, instance.state, mapping, game.shell.context)
    instance.state = result.state
    game.shell.processes["p"] = target
    return list(result.effects)


def codes(graph: CompiledProcess, target: CompiledProcess, state: InstanceState, **mapping: str) -> list[str]:
    return [problem.code.rpartition(".")[2] for problem in obstacles(graph, target, state, mapping)]


def test_a_task_goes_on_under_its_new_name_with_the_steps_that_follow_now() -> None:
    target = process("s:s u:check u:more e:e", "s>check>more>e")
    game = Game(REVIEW).start()
    told = migrated(game, REVIEW, target, review="check")
    assert [effect.opened.task.node for effect in told if isinstance(effect, effects.TaskRedefined)] == ["check"]
    assert game.open == ["check"]
    assert game.complete("check", "more").ended


def test_a_node_that_is_gone_or_something_else_is_an_obstacle_with_its_name() -> None:
    game = Game(REVIEW).start()
    gone, other = process("s:s u:check e:e", "s>check>e"), process("s:s t:review e:e", "s>review>e")
    (problem,) = obstacles(REVIEW, gone, game.state, {})
    assert (problem.code, problem.node) == ("process.migration.no_such_node", "review")
    assert codes(REVIEW, other, game.state) == ["other_type"]
    with pytest.raises(ValueError, match="cannot be migrated"):
        migrate(REVIEW, gone, game.state, {}, CONTEXT)


def test_a_node_that_moved_into_a_sub_process_is_an_obstacle() -> None:
    inner = {"nodes": [node("s", "is"), node("u", "review"), node("e", "ie")]}
    flows = [{"name": "a", "from": "is", "to": "review"}, {"name": "b", "from": "review", "to": "ie"}]
    target = process("s:s e:e", "s>box>e", node("sub", "box", **inner, flows=flows))
    assert codes(REVIEW, target, Game(REVIEW).start().state) == ["other_place"]


def test_a_running_timer_keeps_its_time_and_a_new_one_begins() -> None:
    before = process("s:s u:review e:e e:x", "s>review>e, late>x", node("b", "late", attached_to="review", event=LATE))
    sooner = {"timer": {"duration": 'duration("PT5M")'}}
    after = process(
        "s:s u:review e:e e:x u:hurry e:y",
        "s>review>e, late>x, soon>hurry>y",
        node("b", "late", attached_to="review", event={"timer": {"duration": 'duration("PT9H")'}}),
        node("b", "soon", attached_to="review", interrupting=False, event=sooner),
    )
    game = Game(before).start()
    due = next(iter(game.state.timers.values())).due
    told = migrated(game.advance(minutes=30), before, after)
    assert [type(effect).__name__ for effect in told] == ["TimerSet", "TaskRedefined"]
    assert sorted(timer.due - due for timer in game.state.timers.values()) == [-timedelta(minutes=25), timedelta(0)]
    assert game.advance(minutes=6).open == ["hurry", "review"]


def test_a_timer_that_is_gone_no_longer_fires() -> None:
    before = process("s:s u:review e:e e:x", "s>review>e, late>x", node("b", "late", attached_to="review", event=LATE))
    game = Game(before).start()
    told = migrated(game, before, REVIEW)
    assert isinstance(told[0], effects.TimerCancelled)
    assert game.advance(hours=2).open == ["review"]


def test_a_token_that_waits_at_a_join_needs_the_flow_it_came_by() -> None:
    before = process("s:s p:fork u:a u:b p:join e:e", "s>fork>a>join>e, fork>b>join")
    game = Game(before).start().complete("a")
    assert codes(before, before, game.state) == []
    other = process("s:s p:fork u:a u:b u:c p:join e:e", "s>fork>a>c>join>e, fork>b>join")
    assert codes(before, other, game.state) == ["joined_over"]


def test_what_came_of_it_is_taken_back_exactly() -> None:
    before = process("s:s u:review e:e e:x", "s>review>e, late>x", node("b", "late", attached_to="review", event=LATE))
    target = process("s:s u:check e:e", "s>check>e")
    game = Game(before).start()
    state = game.state
    after = migrate(before, target, state, {"review": "check"}, CONTEXT)
    back = undo(before, state, after.state, CONTEXT)
    assert back.state == state
    assert [type(effect).__name__ for effect in back.effects] == ["TimerSet", "TaskRedefined"]
    assert back.effects[0].timer == next(iter(state.timers.values()))


def test_an_instance_of_the_same_version_is_taken_over_unchanged_at_any_moment() -> None:
    for seed in range(200):
        random = Random(seed)
        graph = compile(read(sound_model(seed, 3 + seed % 12).data()))
        state = step(graph, InstanceState(), events.Start(variables={"again": False}), CONTEXT).state
        for _ in range(30):
            if state.ended:
                break
            assert migrate(graph, graph, state, {}, CONTEXT).state == state, seed
            event, context = next_event(random, state)
            state = step(graph, state, event, context).state

"""Laws that hold for every run: saving and loading changes nothing, nothing is lost, sound models come to their end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from engines.process import CompiledProcess, InstanceState, StepContext, StepResult, compile, events, step
from engines.process.codec import to_plain
from engines.process.loading import read
from tests.process.games import CONTEXT
from tests.process.models import sound_model

LONGEST = 400


def saved(state: InstanceState) -> InstanceState:
    """The state after it was written and read."""
    return InstanceState.from_json(json.loads(json.dumps(state.to_json())))


def next_event(random: Random, state: InstanceState) -> tuple[events.ProcessEvent, StepContext]:
    """Something that can happen next; conditions get new values now and then."""
    choices: list[tuple[events.ProcessEvent, StepContext]] = []
    values = {"again": random.random() < 0.3, **{f"c{i}": random.random() < 0.5 for i in range(3)}}
    for task in state.tasks:
        choices.append((events.CompleteTask(task=task, variables=values), CONTEXT))
    for timer in state.timers.values():
        choices.append((events.TimerFired(timer=timer.id), replace(CONTEXT, now=timer.due)))
    return random.choice(choices)


def check_counts(state: InstanceState) -> None:
    """Each scope knows how much is live in it, and nothing hangs in the air."""
    inside = Counter([t.scope for t in state.tokens.values()] + [s.parent for s in state.scopes.values()])
    assert {s.id: s.live for s in state.scopes.values()} == {s: inside[s] for s in state.scopes}
    owners = {*state.tokens, *state.scopes}
    assert {t.token for t in state.tasks.values()} <= set(state.tokens)
    assert {t.owner for t in state.timers.values()} | {s.owner for s in state.subscriptions.values()} <= owners
    assert set(state.variables) <= owners | {1}


def both(graph: CompiledProcess, left: InstanceState, event: Any, context: StepContext) -> StepResult:
    """One step from the state and from its saved copy; both must do the same."""
    restored = saved(left)
    straight, again = step(graph, left, event, context), step(graph, restored, event, context)
    assert straight.state == again.state
    assert [to_plain(e) for e in straight.effects] == [to_plain(e) for e in again.effects]
    assert straight.history == again.history
    return straight


def test_sound_models_end_whatever_happens_and_wherever_they_are_saved() -> None:
    play(range(1_000))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sound_models_end_for_long() -> None:
    play(range(1_000, 50_000))


def play(seeds: range) -> None:
    """Plays one run for each seed to its end."""
    graphs = [compile(read(sound_model(seed, 3 + seed % 12).data())) for seed in range(100)]
    for seed in seeds:
        random = Random(seed)
        graph = graphs[seed % len(graphs)]
        state = both(graph, InstanceState(), events.Start(variables={"again": False}), CONTEXT).state
        for _ in range(LONGEST):
            check_counts(state)
            assert state.incidents == {}, seed
            if state.ended:
                break
            event, context = next_event(random, state)
            state = both(graph, state, event, context).state
        else:
            pytest.fail(f"seed {seed} does not come to an end")
        assert state.status == "completed"
        assert (state.tokens, state.tasks, state.timers, state.scopes) == ({}, {}, {}, {})


def test_the_same_events_give_the_same_run_and_leave_every_state_alone() -> None:
    for seed in range(50):
        graph = compile(read(sound_model(seed, 10).data()))
        runs = []
        for _ in range(2):
            random = Random(seed)
            states = [step(graph, InstanceState(), events.Start(), CONTEXT).state]
            written = [states[0].to_json()]
            while not states[-1].ended and len(states) < LONGEST:
                event, context = next_event(random, states[-1])
                states.append(step(graph, states[-1], event, context).state)
                written.append(states[-1].to_json())
            assert [s.to_json() for s in states] == written
            runs.append(written)
        assert runs[0] == runs[1]

"""Even the strangest models keep the laws: no crash, counts that add up, a state that can be saved at any point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from engines.core import AccessDenied, BudgetExceeded, DefinitionError, StateConflict
from engines.process import InstanceState, compile, events
from engines.process.kinds import NodeType
from engines.process.loading import read
from engines.process.state import TokenStatus
from tests.process.games import CONTEXT, person
from tests.process.test_properties import both, check_counts
from tests.process.wild import Wild

LENGTH = 25


def happenings(random: Random, state: InstanceState, graph: Any) -> list[Callable[[], events.ProcessEvent]]:
    """Everything that could happen, sensible or not."""
    values = {"n": Decimal(random.randint(0, 3)), "ok": random.random() < 0.4}
    found: list[Callable[[], events.ProcessEvent]] = [
        lambda: events.MessageReceived(name="m", variables=values),
        lambda: events.SignalReceived(name="s"),
        lambda: events.VariablesSet(variables=values),
        lambda: events.ActivityStarted(activity=random.choice(list(graph.nodes))),
        lambda: events.TakeBack(node=random.choice(list(graph.nodes))),
    ]
    for task in state.tasks:
        found += [
            lambda task=task: events.CompleteTask(task=task, variables=values),  # type: ignore[misc]
            lambda task=task: events.CompleteTask(task=task, outcome="reject"),  # type: ignore[misc]
            lambda task=task: events.ErrorThrown(task=task, code="x"),  # type: ignore[misc]
            lambda task=task: events.EscalationThrown(task=task, code="x"),  # type: ignore[misc]
            lambda task=task: events.ReturnTask(task=task, back_to_me=random.random() < 0.3),  # type: ignore[misc]
            lambda task=task: events.AddApprovers(  # type: ignore[misc]
                task=task, people=(person(random.randint(1, 5)).id,), where=random.choice(["before", "after", "beside"])
            ),
        ]
    for timer in state.timers:
        found.append(lambda timer=timer: events.TimerFired(timer=timer))  # type: ignore[misc]
    for incident in state.incidents:
        found.append(lambda incident=incident: events.Retry(incident=incident))  # type: ignore[misc]
    for token in state.tokens.values():
        if graph.nodes[token.node].type is NodeType.SERVICE_TASK and token.status is TokenStatus.ACTIVE:
            found.append(lambda token=token: events.ServiceDone(token=token.id))  # type: ignore[misc]
            found.append(lambda token=token: events.ServiceFailed(token=token.id, message="", code="x"))  # type: ignore[misc]
        found.append(lambda token=token: events.MoveToken(token=token.id, to=random.choice(list(graph.nodes))))  # type: ignore[misc]
    return found


def test_nothing_breaks_the_engine() -> None:
    assert play(range(40)) > 120


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_nothing_breaks_the_engine_for_long() -> None:
    assert play(range(1_000, 2_500)) > 4_500


def play(seeds: range) -> int:
    """Plays one model for each seed; how many steps were taken."""
    steps = refused = 0
    for seed in seeds:
        try:
            graph = compile(read(Wild(seed).process()))
        except DefinitionError:
            continue
        random = Random(seed)
        context = CONTEXT
        try:
            state = both(graph, InstanceState(), events.Start(variables={"n": Decimal(0)}), context).state
        except BudgetExceeded:
            continue
        for _ in range(LENGTH):
            check_counts(state)
            if state.ended:
                break
            event = random.choice(happenings(random, state, graph))()
            if isinstance(event, events.TimerFired):
                context = replace(context, now=max(context.now, state.timers[event.timer].due))
            try:
                state = both(graph, state, event, context).state
                steps += 1
            except (StateConflict, AccessDenied, BudgetExceeded):
                refused += 1
            except Exception as error:
                raise AssertionError(f"seed {seed}: {event}") from error
    return steps

"""Events: timers, messages, signals, conditions, errors, escalations, at boundaries and in event sub-processes."""

from __future__ import annotations

from typing import Any

import pytest

from engines.core import StateConflict
from engines.process import events
from tests.process.games import Game, body, node, number, process

HOUR = {"timer": {"duration": 'duration("PT1H")'}}


def boundary(name: str, host: str, event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A boundary event."""
    return node("b", name, attached_to=host, event=event, **more)


def event_sub(name: str, event: dict[str, Any], task: str, *, interrupting: bool = True) -> dict[str, Any]:
    """An event sub-process with one user task."""
    start = node("s", f"{name}_start", event=event, interrupting=interrupting)
    return node("sub", name, event_triggered=True, **body(f"u:{task}", f"{name}_start>{task}", start))


# Timers


def test_an_interrupting_timer_ends_its_task_and_its_sibling_timers(restart: bool) -> None:
    graph = process("s:s u:a u:late u:on", "s>a>on, b>late", boundary("b", "a", HOUR), boundary("c", "a", HOUR))
    game = Game(graph, restart=restart).start().advance(minutes=59, seconds=59)
    assert game.open == ["a"]
    assert game.advance(seconds=1).open == ["late"]
    assert game.state.timers == {}
    assert game.complete("late").ended


def test_a_completed_task_takes_its_timers_with_it(restart: bool) -> None:
    graph = process("s:s u:a u:late u:on", "s>a>on, b>late", boundary("b", "a", HOUR))
    game = Game(graph, restart=restart).start().complete("a").advance(hours=2)
    assert game.open == ["on"]


def test_a_cycle_repeats_as_often_as_it_says(restart: bool) -> None:
    cycle = {"timer": {"cycle": '"R3/PT1H"'}}
    graph = process("s:s u:a t:ping", "s>a, b>ping", boundary("b", "a", cycle, interrupting=False))
    game = Game(graph, restart=restart).start().advance(hours=10)
    assert game.times("ping") == 3
    assert game.state.timers == {}


def test_a_cron_cycle_goes_on_until_its_task_is_done(restart: bool) -> None:
    cycle = {"timer": {"cycle": '"0 8 * * *"'}}
    graph = process("s:s u:a t:ping", "s>a, b>ping", boundary("b", "a", cycle, interrupting=False))
    game = Game(graph, restart=restart).start().advance(days=3)
    assert game.times("ping") == 3
    assert game.complete("a").ended


def test_timers_read_variables_dates_and_months(restart: bool) -> None:
    for text, days in (("when", 3), ('date("2030-01-09")', 2), ('duration("P1M")', 31), ('"P1W"', 7)):
        key = "date" if "date(" in text else "duration"
        graph = process("s:s u:after", "s>c>after", node("catch", "c", event={"timer": {key: text}}))
        game = Game(graph, restart=restart).start({"when": "P3D"}).advance(days=days, seconds=-10 * 3600)
        assert game.open == [], text
        assert game.advance(hours=10).open == ["after"], text


def test_a_timer_without_a_time_stops_the_token(restart: bool) -> None:
    graph = process("s:s u:after", "s>c>after", node("catch", "c", event={"timer": {"duration": '"soon"'}}))
    game = Game(graph, restart=restart).start()
    assert game.incidents == ["process.no_time"]


# Messages and signals


def test_a_message_goes_to_the_instance_with_its_key(restart: bool) -> None:
    event = {"message": "paid", "correlation": "order"}
    graph = process("s:s u:after", "s>c>after", node("catch", "c", event=event))
    game = Game(graph, restart=restart).start({"order": "A"})
    with pytest.raises(StateConflict, match=r"process\.nobody_waits"):
        game.message("paid", key="B")
    assert game.open == []
    assert game.message("paid", key="A", variables={"sum": number(5)}).open == ["after"]
    assert game.variables["sum"] == number(5)


def test_a_message_starts_a_process_when_nobody_waits() -> None:
    graph = process("u:a", "ms>a", node("s", "ms", event={"message": "go"}))
    shell = Game(graph).shell
    (started,) = shell.message("go", {"x": number(1)})
    assert [t.node for _, t in shell.tasks(started)] == ["a"]
    with pytest.raises(StateConflict, match=r"process\.no_plain_start"):
        shell.start("p")


def test_an_event_gateway_takes_the_first_event_and_forgets_the_others(restart: bool) -> None:
    graph = process(
        "s:s v:g u:a u:b",
        "s>g, g>m>a, g>t>b",
        node("catch", "m", event={"message": "go"}),
        node("catch", "t", event=HOUR),
    )
    game = Game(graph, restart=restart).start().message("go")
    assert game.advance(hours=2).open == ["a"]
    assert "t" not in game.done


def test_a_non_interrupting_message_may_come_again_and_again(restart: bool) -> None:
    graph = process("s:s u:a u:x", "s>a, b>x", boundary("b", "a", {"message": "more"}, interrupting=False))
    game = Game(graph, restart=restart).start().message("more").message("more")
    assert game.open == ["a", "x", "x"]
    game.complete("a")
    with pytest.raises(StateConflict):
        game.message("more")
    assert game.complete("x", "x").ended


def test_a_thrown_signal_reaches_waiting_events_of_its_own_and_other_instances(restart: bool) -> None:
    thrower = process(
        "s:s p:f u:a u:caught",
        "s>f, f>a>throw, f>c>caught",
        node("throw", "throw", event={"signal": "S"}),
        node("catch", "c", event={"signal": "S"}),
    )
    listener = process("s:s u:heard", "s>c>heard", node("catch", "c", event={"signal": "S"}), name="q")
    game = Game(thrower, listener, restart=restart).start()
    other = game.shell.start("q")
    assert game.complete("a").open == ["caught"]
    assert [t.node for _, t in game.shell.tasks(other)] == ["heard"]


def test_a_thrown_message_is_delivered_with_its_payload(restart: bool) -> None:
    event = {"message": "M", "correlation": "k", "payload": {"n": "k + k"}}
    thrower = process("s:s", "s>m", node("throw", "m", event=event))
    receiver = process(
        "s:s u:got", "s>r>got", node("receiveTask", "r", event={"message": "M", "correlation": '"x"'}), name="q"
    )
    game = Game(thrower, receiver, restart=restart)
    other = game.shell.start("q")
    game.start({"k": "x"})
    assert [t.node for _, t in game.shell.tasks(other)] == ["got"]
    assert game.shell.instances[other].state.process_variables["n"] == "xx"


# Conditions


def test_a_condition_fires_when_it_becomes_true_and_again_only_after_it_was_false(restart: bool) -> None:
    graph = process("s:s u:a u:x", "s>a, b>x", boundary("b", "a", {"condition": "n > 5"}, interrupting=False))
    game = Game(graph, restart=restart).start({"n": number(1)}).set(n=number(6)).set(n=number(7))
    assert game.open == ["a", "x"]
    assert game.set(n=number(1)).set(n=number(9)).open == ["a", "x", "x"]


def test_a_condition_that_holds_already_lets_the_token_pass(restart: bool) -> None:
    graph = process("s:s u:after", "s>c>after", node("catch", "c", event={"condition": "n > 5"}))
    assert Game(graph, restart=restart).start({"n": number(6)}).open == ["after"]


def test_a_condition_reacts_to_what_a_task_sets(restart: bool) -> None:
    graph = process("s:s u:a u:b", "s>a>b", event_sub("es", {"condition": "bad = true"}, "fix"))
    game = Game(graph, restart=restart).start().complete("a", variables={"bad": True})
    assert game.open == ["fix"]
    assert game.complete("fix").ended


# Event sub-processes


def test_an_interrupting_event_sub_process_takes_the_place_of_everything_else(restart: bool) -> None:
    graph = process(
        "s:s p:f u:a u:b", "s>f, f>a, f>b", event_sub("es", {"message": "stop"}, "c"), event_sub("other", HOUR, "d")
    )
    game = Game(graph, restart=restart).start().message("stop")
    assert game.open == ["c"]
    assert game.advance(hours=2).open == ["c"]
    assert game.complete("c").ended


def test_a_non_interrupting_event_sub_process_runs_beside_and_keeps_the_scope_alive(restart: bool) -> None:
    graph = process("s:s u:a", "s>a", event_sub("es", {"signal": "S"}, "c", interrupting=False))
    game = Game(graph, restart=restart).start().signal("S").signal("S")
    assert game.open == ["a", "c", "c"]
    game.complete("a", "c")
    assert not game.ended
    assert game.complete("c").ended


def test_an_event_sub_process_inside_a_sub_process_listens_only_while_that_is_live(restart: bool) -> None:
    inner = body("s:is u:a", "is>a", event_sub("es", {"message": "M"}, "c"))
    graph = process("s:s u:after", "s>sub>after", node("sub", "sub", **inner))
    game = Game(graph, restart=restart).start().message("M")
    assert game.open == ["c"]
    assert game.complete("c").open == ["after"]
    with pytest.raises(StateConflict):
        game.message("M")


# Errors and escalations


def error_end(name: str, code: str) -> dict[str, Any]:
    """An error end event."""
    return node("e", name, event={"error": code})


@pytest.mark.parametrize(
    ("thrown", "caught"), [("x", "by_x"), ("y", "by_all"), ("z", "by_all")], ids=["named", "other", "unknown"]
)
def test_an_error_goes_to_its_code_before_the_one_that_catches_all(thrown: str, caught: str, restart: bool) -> None:
    inner = body("s:is", "is>boom", error_end("boom", thrown))
    graph = process(
        "s:s u:by_all u:by_x",
        "s>sub, all>by_all, x>by_x",
        node("sub", "sub", **inner),
        boundary("all", "sub", {"error": ""}),
        boundary("x", "sub", {"error": "x"}),
    )
    assert Game(graph, restart=restart).start().open == [caught]


def test_an_error_passes_scopes_that_do_not_catch_its_code(restart: bool) -> None:
    inner = body("s:is p:f u:other", "is>f, f>other, f>boom", error_end("boom", "x"))
    middle = body("s:ms", "ms>inner", node("sub", "inner", **inner), boundary("no", "inner", {"error": "y"}))
    graph = process(
        "s:s u:fix", "s>outer, b>fix", node("sub", "outer", **middle), boundary("b", "outer", {"error": "x"})
    )
    game = Game(graph, restart=restart).start()
    assert game.open == ["fix"]
    assert game.complete("fix").ended


def test_an_event_sub_process_catches_before_the_boundary_and_may_throw_on(restart: bool) -> None:
    handling = node(
        "sub", "es", event_triggered=True,
        **body("u:repair", "est>repair>again", node("s", "est", event={"error": "x"}), error_end("again", "x")),
    )  # fmt: skip
    inner = body("s:is", "is>boom", error_end("boom", "x"), handling)
    graph = process("s:s u:fix", "s>sub, b>fix", node("sub", "sub", **inner), boundary("b", "sub", {"error": "x"}))
    game = Game(graph, restart=restart).start()
    assert game.open == ["repair"]
    assert game.complete("repair").open == ["fix"]


def test_an_error_nobody_catches_is_an_incident(restart: bool) -> None:
    graph = process("s:s u:a", "s>a>boom", error_end("boom", "x"))
    assert Game(graph, restart=restart).start().complete("a").incidents == ["process.uncaught_error"]


def test_whoever_works_on_a_task_may_report_an_error(restart: bool) -> None:
    graph = process("s:s u:a u:fix", "s>a, b>fix", boundary("b", "a", {"error": "x"}))
    game = Game(graph, restart=restart).start()
    _, task = game.task("a")
    assert game.do(events.ErrorThrown(task=task, code="x")).open == ["fix"]


def test_an_escalation_goes_on_beside_unless_it_interrupts(restart: bool) -> None:
    for interrupting, expected in ((False, ["a", "told"]), (True, ["told"])):
        inner = body("s:is u:a", "is>esc>a", node("throw", "esc", event={"escalation": "E"}))
        graph = process(
            "s:s u:told", "s>sub, b>told", node("sub", "sub", **inner),
            boundary("b", "sub", {"escalation": "E"}, interrupting=interrupting),
        )  # fmt: skip
        assert Game(graph, restart=restart).start().open == expected


def test_an_escalation_nobody_catches_does_nothing(restart: bool) -> None:
    graph = process("s:s u:a", "s>esc>a", node("throw", "esc", event={"escalation": "E"}))
    assert Game(graph, restart=restart).start().open == ["a"]


def test_an_escalation_is_caught_by_the_innermost_and_goes_no_further(restart: bool) -> None:
    inner = body("s:is u:a", "is>esc>a", node("throw", "esc", event={"escalation": "E"}))
    middle = body(
        "s:ms u:near", "ms>inner, b1>near", node("sub", "inner", **inner),
        boundary("b1", "inner", {"escalation": ""}, interrupting=False),
    )  # fmt: skip
    graph = process(
        "s:s u:far", "s>outer, b2>far", node("sub", "outer", **middle),
        boundary("b2", "outer", {"escalation": "E"}, interrupting=False),
    )  # fmt: skip
    assert Game(graph, restart=restart).start().open == ["a", "near"]

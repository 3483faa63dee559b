"""Activities: sub-processes, calls, multi-instances, loops, compensation, transactions, ad-hoc, services."""

from __future__ import annotations

from typing import Any

import pytest

from engines.core import StateConflict
from engines.process import effects, events
from tests.process.games import Game, body, node, number, process


def boundary(name: str, host: str, event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A boundary event."""
    return node("b", name, attached_to=host, event=event, **more)


def undoable(name: str, kind: str = "t", **more: Any) -> list[dict[str, Any]]:
    """An activity that "undo_<name>" compensates."""
    return [
        node(kind, name, **more),
        boundary(f"b_{name}", name, {"compensation": ""}, handler=f"undo_{name}"),
        node("t", f"undo_{name}", for_compensation=True),
    ]


# Multi-instance and loops


def test_parallel_instances_see_their_element_and_their_counter(restart: bool) -> None:
    each = {"mode": "parallel", "each": "people", "as": "one", "collect": {"into": "all", "value": 'one + "!"'}}
    graph = process("s:s u:after", "s>a>after", node("u", "a", multi_instance=each))
    game = Game(graph, restart=restart).start({"people": ["x", "y"]})
    assert [dict(game.state.variables[t.token]) for t in game.state.tasks.values()] == [
        {"loopCounter": number(0), "one": "x"},
        {"loopCounter": number(1), "one": "y"},
    ]
    assert game.complete("a", "a").open == ["after"]
    assert game.variables["all"] == ["x!", "y!"]


def test_a_completion_condition_ends_the_other_instances(restart: bool) -> None:
    many = {"count": "5", "complete_when": "nrOfCompletedInstances / nrOfInstances >= 0.4"}
    graph = process("s:s u:after", "s>a>after", node("u", "a", multi_instance=many))
    game = Game(graph, restart=restart).start()
    assert game.open == ["a"] * 5
    assert game.complete("a", "a").open == ["after"]
    assert game.times("a") == 2


def test_sequential_instances_come_one_after_the_other(restart: bool) -> None:
    graph = process("s:s u:after", "s>a>after", node("u", "a", multi_instance={"mode": "sequential", "count": 3}))
    game = Game(graph, restart=restart).start()
    for _ in range(3):
        assert game.open == ["a"]
        game.complete("a")
    assert game.open == ["after"]


@pytest.mark.parametrize("mode", ["parallel", "sequential"])
def test_no_elements_mean_no_instances(mode: str, restart: bool) -> None:
    graph = process("s:s u:after", "s>a>after", node("u", "a", multi_instance={"mode": mode, "each": "[]"}))
    assert Game(graph, restart=restart).start().open == ["after"]


def test_a_cardinality_that_is_no_number_is_an_incident(restart: bool) -> None:
    graph = process("s:s", "s>a", node("u", "a", multi_instance={"count": "missing"}))
    assert Game(graph, restart=restart).start().incidents == ["process.no_instances"]


def test_multi_instance_sub_processes_have_scopes_of_their_own(restart: bool) -> None:
    inner = body("s:is u:a u:b", "is>a>b", node("e", "ie"))
    graph = process("s:s u:after", "s>m>after", node("sub", "m", multi_instance={"count": 2}, **inner))
    game = Game(graph, restart=restart).start().complete("a")
    assert game.open == ["a", "b"]
    assert game.complete("b", "a", "b").open == ["after"]
    assert game.times("m") == 2


def test_a_standard_loop_repeats_while_its_condition_holds(restart: bool) -> None:
    graph = process("s:s u:after", "s>a>after", node("u", "a", loop={"while": "again"}))
    game = Game(graph, restart=restart).start({"again": True}).complete("a")
    assert game.open == ["a"]
    assert game.complete("a", variables={"again": False}).open == ["after"]


def test_a_loop_may_be_tested_before_and_limited(restart: bool) -> None:
    before = process("s:s u:after", "s>a>after", node("t", "a", loop={"while": "false", "before": True}))
    assert Game(before, restart=restart).start().done == ["s"]
    limited = process("s:s u:after", "s>a>after", node("t", "a", loop={"while": "true", "maximum": 4}))
    assert Game(limited, restart=restart).start().times("a") == 4


# Calls


def test_a_called_process_gets_and_gives_back_what_is_mapped(restart: bool) -> None:
    child = process("s:s u:work", "s>work", name="child")
    call = node("call", "c", process="child", input={"n": "m + 1"}, output={"got": "r"})
    game = Game(process("s:s u:after", "s>c>after", call), child, restart=restart).start({"m": number(1)})
    assert game.shell.instances[2].state.process_variables["n"] == number(2)
    game.complete("work", variables={"r": number(9), "private": True})
    assert game.open == ["after"]
    assert (game.variables["got"], "private" in game.variables) == (number(9), False)


def test_a_call_without_mapping_passes_everything_both_ways(restart: bool) -> None:
    child = process("s:s x:g u:a u:b", "s>g, g>a[m > 5], g>b[]", name="child")
    game = Game(process("s:s u:after", "s>c>after", node("call", "c", process="child")), child, restart=restart)
    assert game.start({"m": number(6)}).open == ["a"]
    game.complete("a", variables={"m": number(1)})
    assert game.variables["m"] == number(1)


def test_an_error_of_a_called_process_is_caught_at_the_call(restart: bool) -> None:
    child = process("s:s u:work", "s>work>boom", node("e", "boom", event={"error": "x"}), name="child")
    graph = process("s:s u:fix", "s>c, b>fix", node("call", "c", process="child"), boundary("b", "c", {"error": "x"}))
    game = Game(graph, child, restart=restart).start().complete("work")
    assert game.open == ["fix"]
    assert game.shell.instances[2].state.ended


def test_interrupting_a_call_cancels_the_called_process(restart: bool) -> None:
    child = process("s:s u:work", "s>work", name="child")
    graph = process("s:s u:x", "s>c, b>x", node("call", "c", process="child"), boundary("b", "c", {"message": "M"}))
    game = Game(graph, child, restart=restart).start().message("M")
    assert game.open == ["x"]
    assert game.shell.instances[2].state.ended


def test_an_escalation_of_a_called_process_reaches_the_caller(restart: bool) -> None:
    child = process("s:s u:work", "s>esc>work", node("throw", "esc", event={"escalation": "E"}), name="child")
    graph = process(
        "s:s u:told", "s>c, b>told", node("call", "c", process="child"),
        boundary("b", "c", {"escalation": "E"}, interrupting=False),
    )  # fmt: skip
    assert Game(graph, child, restart=restart).start().open == ["told", "work"]


def test_a_call_of_an_unknown_process_is_an_incident(restart: bool) -> None:
    graph = process("s:s", "s>c", node("call", "c", process="nowhere"))
    assert Game(graph, restart=restart).start().incidents == ["process.uncaught_error"]


# Compensation and transactions


def test_completed_activities_are_undone_in_reverse_order(restart: bool) -> None:
    graph = process(
        "s:s u:after",
        "s>a>b>back>after",
        *undoable("a"),
        *undoable("b"),
        node("throw", "back", event={"compensation": ""}),
    )
    game = Game(graph, restart=restart).start()
    assert game.done == ["s", "a", "b", "undo_b", "undo_a", "back"]
    assert game.open == ["after"]


def test_only_the_named_activity_is_undone_and_only_once(restart: bool) -> None:
    graph = process(
        "s:s", "s>a>b>back>again", *undoable("a"), *undoable("b"),
        node("throw", "back", event={"compensation": "a"}), node("e", "again", event={"compensation": "a"}),
    )  # fmt: skip
    game = Game(graph, restart=restart).start()
    assert (game.times("undo_a"), game.times("undo_b"), game.ended) == (1, 0, True)


def test_what_was_not_completed_is_not_undone(restart: bool) -> None:
    graph = process(
        "s:s p:f", "s>f, f>a, f>back", *undoable("a", "u"), node("throw", "back", event={"compensation": ""})
    )
    assert Game(graph, restart=restart).start().times("undo_a") == 0


def test_a_waiting_handler_holds_up_the_next_one_and_who_threw(restart: bool) -> None:
    parts = [*undoable("a"), *undoable("b")]
    parts = [p | {"type": "userTask"} if p["name"].startswith("undo") else p for p in parts]
    graph = process("s:s u:after", "s>a>b>back>after", *parts, node("throw", "back", event={"compensation": ""}))
    game = Game(graph, restart=restart).start()
    assert game.open == ["undo_b"]
    assert game.complete("undo_b").open == ["undo_a"]
    assert game.complete("undo_a").open == ["after"]


def test_a_sub_process_is_undone_with_the_variables_it_had(restart: bool) -> None:
    handling = node(
        "sub", "es", event_triggered=True,
        **body("script:sc", "est>sc>inner", node("s", "est", event={"compensation": ""}),
               node("throw", "inner", event={"compensation": ""})),
    )  # fmt: skip
    handling["nodes"][0]["script"] = [{"set": "undone", "value": "one"}]
    inner = body("s:is", "is>a", *undoable("a"), handling)
    each = {"mode": "sequential", "each": '["x", "y"]', "as": "one"}
    graph = process(
        "s:s u:after", "s>m>back>after", node("sub", "m", multi_instance=each, **inner),
        node("throw", "back", event={"compensation": "m"}),
    )  # fmt: skip
    game = Game(graph, restart=restart).start()
    assert game.open == ["after"]
    assert (game.times("undo_a"), game.variables["undone"]) == (2, "x")


def test_a_cancelled_transaction_undoes_what_was_done_and_leaves_by_its_cancel_event(restart: bool) -> None:
    inner = body(
        "s:is p:f u:ask",
        "is>f, f>a>ask>no, f>b",
        *undoable("a"),
        *undoable("b", "u"),
        node("e", "no", event={"cancel": True}),
    )
    graph = process(
        "s:s u:ok u:sorry", "s>tx>ok, c>sorry", node("tx", "tx", **inner), boundary("c", "tx", {"cancel": True})
    )
    game = Game(graph, restart=restart).start()
    assert game.open == ["ask", "b"]
    assert game.complete("ask").open == ["sorry"]
    assert (game.times("undo_a"), game.times("undo_b")) == (1, 0)
    assert game.complete("sorry").ended


# Ad-hoc


def ad_hoc(**more: Any) -> Any:
    """A process with an ad-hoc sub-process of two tasks."""
    inner = body("u:a u:b u:b2", "b>b2")
    return process("s:s u:after", "s>h>after", node("adhoc", "h", **inner, **more))


def test_people_start_activities_of_an_ad_hoc_sub_process_until_its_condition_holds(restart: bool) -> None:
    game = Game(ad_hoc(complete_when="enough"), restart=restart).start()
    assert game.open == []
    game.do(events.ActivityStarted(activity="a")).do(events.ActivityStarted(activity="b"))
    assert game.open == ["a", "b"]
    assert game.complete("b").open == ["a", "b2"]
    assert game.complete("a", variables={"enough": True}).open == ["after"]


def test_remaining_activities_may_be_waited_for(restart: bool) -> None:
    game = Game(ad_hoc(complete_when="enough", cancel_remaining=False), restart=restart).start()
    game.do(events.ActivityStarted(activity="a")).do(events.ActivityStarted(activity="a"))
    assert game.complete("a", variables={"enough": True}).open == ["a"]
    assert game.complete("a").open == ["after"]


def test_one_at_a_time_and_unknown_activities_are_refused(restart: bool) -> None:
    game = Game(ad_hoc(sequential=True), restart=restart).start().do(events.ActivityStarted(activity="a"))
    with pytest.raises(StateConflict, match="one_at_a_time"):
        game.do(events.ActivityStarted(activity="b"))
    with pytest.raises(StateConflict, match="not_startable"):
        game.do(events.ActivityStarted(activity="b2"))
    assert game.do(events.AdHocCompleted(node="h")).open == ["after"]


# Services, scripts, decisions


def service_game(restart: bool, **more: Any) -> Game:
    """A process with a service and an error boundary."""
    call = node("service", "call", service="mail", input={"to": "who", "deep": {"list": ["1", "2"]}}, **more)
    graph = process("s:s u:after u:fix", "s>call>after, b>fix", call, boundary("b", "call", {"error": "bounced"}))
    return Game(graph, restart=restart).start({"who": "x"})


def test_a_service_is_asked_with_its_input_and_its_answer_is_kept(restart: bool) -> None:
    game = service_game(restart, result="answer", output={"half": "result / 2"})
    last = game.shell.instances[1].last
    assert last is not None
    (asked,) = [f for f in last.effects if isinstance(f, effects.ServiceRequested)]
    assert (asked.service, asked.input) == ("mail", {"to": "x", "deep": {"list": [number(1), number(2)]}})
    game.do(events.ServiceDone(token=asked.token, result=number(8)))
    assert (game.open, game.variables["answer"], game.variables["half"]) == (["after"], number(8), number(4))


def test_a_failing_service_is_tried_again_later_and_is_an_incident_in_the_end(restart: bool) -> None:
    game = service_game(restart, retry={"times": 2, "wait_s": 60})
    token = next(iter(game.state.tokens))
    for wait in (60, 120):
        game.do(events.ServiceFailed(token=token, message="down"))
        (timer,) = game.state.timers.values()
        assert (timer.due - game.shell.context.now).total_seconds() == wait
        game.advance(seconds=wait)
    game.do(events.ServiceFailed(token=token, message="down"))
    assert game.incidents == ["process.service_failed"]
    game.do(events.Retry(incident=next(iter(game.state.incidents))))
    assert game.do(events.ServiceDone(token=token)).open == ["after"]


def test_a_services_bpmn_error_goes_to_its_boundary_event(restart: bool) -> None:
    game = service_game(restart)
    token = next(iter(game.state.tokens))
    assert game.do(events.ServiceFailed(token=token, message="", code="bounced")).open == ["fix"]


def test_scripts_set_variables_where_they_are_seen(restart: bool) -> None:
    lines = [{"set": "n", "value": "n + 1"}, {"set": "m", "value": "n * 2"}]
    graph = process("s:s u:after", "s>sc>after", node("script", "sc", script=lines))
    game = Game(graph, restart=restart).start({"n": number(1)})
    assert (game.variables["n"], game.variables["m"]) == (number(2), number(4))


def test_cancelling_one_instance_of_a_transaction_undoes_what_was_done_in_the_others(restart: bool) -> None:
    inner = body("s:is u:ask", "is>a>ask>no", *undoable("a"), node("e", "no", event={"cancel": True}))
    graph = process(
        "s:s u:ok u:sorry", "s>tx>ok, c>sorry", node("tx", "tx", multi_instance={"count": 3}, **inner),
        boundary("c", "tx", {"cancel": True}),
    )  # fmt: skip
    game = Game(graph, restart=restart).start().complete("ask")
    assert (game.open, game.times("undo_a")) == (["sorry"], 3)


def test_a_variable_may_have_the_name_of_a_built_in_function(restart: bool) -> None:
    graph = process("s:s x:g u:a u:b", "s>g, g>a[count > 3], g>b[]")
    assert Game(graph, restart=restart).start({"count": number(4)}).open == ["a"]


def test_a_called_process_that_was_cancelled_is_an_error_of_its_call(restart: bool) -> None:
    child = process("s:s u:work", "s>work", name="child")
    graph = process(
        "s:s u:after u:fix", "s>c>after, b>fix", node("call", "c", process="child"), boundary("b", "c", {"error": ""})
    )
    game = Game(graph, child, restart=restart).start()
    game.shell.apply(2, events.Cancel(reason="no longer wanted"))
    assert game.open == ["fix"]

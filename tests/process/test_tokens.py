"""How tokens move: gateways, forks, joins, implicit starts and ends, loops."""

from __future__ import annotations

import pytest

from engines.core import BudgetExceeded, StateConflict
from engines.process import events
from tests.process.games import Game, body, node, number, process


def test_the_first_true_condition_wins_and_else_the_default(restart: bool) -> None:
    graph = process("s:s x:g u:a u:b u:c", "s>g, g>a[n > 10], g>b[n > 5], g>c[]")
    for n, expected in ((20, "a"), (7, "b"), (1, "c")):
        assert Game(graph, restart=restart).start({"n": number(n)}).open == [expected]


def test_no_true_condition_is_an_incident_that_can_be_mended_and_retried(restart: bool) -> None:
    graph = process("s:s x:g u:a u:b", "s>g, g>a[n > 10], g>b[n > 5]")
    game = Game(graph, restart=restart).start({"n": number(1)})
    assert game.incidents == ["process.no_flow_taken"]
    incident = next(iter(game.state.incidents))
    game.set(n=number(6)).do(events.Retry(incident=incident))
    assert (game.open, game.incidents) == (["b"], [])


def test_a_null_condition_is_not_true_and_the_history_says_so(restart: bool) -> None:
    graph = process("s:s x:g u:a u:b", "s>g, g>a[missing > 1], g>b[]")
    game = Game(graph, restart=restart).start()
    (row,) = [h for h in game.shell.history(1) if h.kind == "chosen"]
    assert game.open == ["b"]
    assert row.data == {"conditions": {"g__a": False}, "taken": ["g__b"]}


def test_a_parallel_join_waits_for_every_flow(restart: bool) -> None:
    graph = process("s:s p:f u:a u:b p:j u:after e:e", "s>f, f>a>j, f>b>j, j>after>e")
    game = Game(graph, restart=restart).start().complete("a")
    assert game.open == ["b"]
    assert game.complete("b").open == ["after"]
    assert game.complete("after").ended
    assert game.times("j") == 1


def test_an_activity_with_several_flows_forks_and_tokens_merge_without_waiting(restart: bool) -> None:
    graph = process("s:s u:a t:b t:c u:d", "s>a, a>b>d, a>c>d")
    game = Game(graph, restart=restart).start().complete("a")
    assert game.open == ["d", "d"]
    assert game.complete("d", "d").ended


def test_conditions_on_the_flows_of_an_activity_choose_any_number(restart: bool) -> None:
    graph = process("s:s u:a u:b u:c u:d", "s>a, a>b[n > 1], a>c[n > 2], a>d[]")
    for n, expected in ((3, ["b", "c"]), (2, ["b"]), (0, ["d"])):
        assert Game(graph, restart=restart).start({"n": number(n)}).complete("a").open == expected


def test_an_inclusive_join_waits_only_for_tokens_that_can_come(restart: bool) -> None:
    graph = process(
        "s:s o:f u:a u:b u:c o:j u:after", "s>f, f>a[n > 1], f>b[n > 2], f>c[n > 3], a>j, b>j, c>j, j>after"
    )
    game = Game(graph, restart=restart).start({"n": number(3)})
    assert game.open == ["a", "b"]
    assert game.complete("a").open == ["b"]
    assert game.complete("b").open == ["after"]
    assert game.times("after") == 0
    assert game.complete("after").ended


def test_an_inclusive_join_goes_on_when_the_awaited_token_takes_another_way(restart: bool) -> None:
    graph = process(
        "s:s o:f u:a u:b x:g o:j u:after e:away", "s>f, f>a[true], f>b[true], a>j, b>g, g>j[ok], g>away[], j>after"
    )
    game = Game(graph, restart=restart).start({"ok": False}).complete("a")
    assert game.open == ["b"]
    assert game.complete("b").open == ["after"]


def test_an_inclusive_join_in_a_loop_does_not_wait_for_itself(restart: bool) -> None:
    graph = process("s:s o:m u:a x:g e:e", "s>m>a>g, g>m[again], g>e[]")
    game = Game(graph, restart=restart).start({"again": True})
    assert game.complete("a").open == ["a"]
    game.set(again=False)
    assert game.complete("a").ended


def test_nested_inclusive_forks_join_inside_out(restart: bool) -> None:
    graph = process(
        "s:s o:f u:a o:f2 u:b u:c o:j2 o:j u:after",
        "s>f, f>a[true], f>f2[true], f2>b[true], f2>c[true], b>j2, c>j2, a>j, j2>j, j>after",
    )
    game = Game(graph, restart=restart).start().complete("a", "b")
    assert game.open == ["c"]
    assert game.complete("c").open == ["after"]


def test_a_process_without_start_event_begins_at_all_nodes_without_incoming_flow(restart: bool) -> None:
    game = Game(process("u:a u:b u:c", "a>c"), restart=restart).start()
    assert game.open == ["a", "b"]
    assert game.complete("a", "b", "c").ended


def test_links_go_on_at_their_catch_event(restart: bool) -> None:
    graph = process(
        "s:s u:a u:b",
        "s>t1, c>a>t2",
        node("throw", "t1", event={"link": "L"}),
        node("catch", "c", event={"link": "L"}),
        node("throw", "t2", event={"link": "M"}),
        node("catch", "c2", event={"link": "M"}),
    )
    game = Game(graph, restart=restart).start()
    assert game.open == ["a"]
    assert game.complete("a").ended


def test_terminate_ends_the_scope_in_which_it_stands_and_no_more(restart: bool) -> None:
    inner = body("s:is p:f u:a u:b", "is>f, f>a>stop, f>b", node("e", "stop", event={"terminate": True}))
    graph = process("s:s p:g u:c u:after", "s>g, g>sub>after, g>c", node("sub", "sub", **inner))
    game = Game(graph, restart=restart).start()
    assert game.open == ["a", "b", "c"]
    assert game.complete("a").open == ["after", "c"]
    assert game.complete("after", "c").ended


def test_an_endless_loop_without_waiting_is_refused_and_changes_nothing() -> None:
    graph = process("s:s u:a x:m t:b x:g e:e", "s>a>m>b>g, g>m[true], g>e[]")
    game = Game(graph).start()
    before = game.state
    with pytest.raises(BudgetExceeded):
        game.complete("a")
    assert game.state is before
    assert game.open == ["a"]


def test_a_step_leaves_the_state_it_was_given_alone() -> None:
    graph = process("s:s p:f u:a u:b", "s>f, f>a, f>b")
    game = Game(graph).start()
    before = game.state
    written = before.to_json()
    game.complete("a")
    assert before.to_json() == written
    assert game.state != before


def test_what_is_over_is_refused(restart: bool) -> None:
    game = Game(process("s:s u:a", "s>a"), restart=restart).start()
    _, task = game.task("a")
    game.complete("a")
    with pytest.raises(StateConflict, match=r"process\.instance_is_over"):
        game.do(events.CompleteTask(task=task))


def test_a_suspended_instance_takes_nothing_until_it_is_resumed(restart: bool) -> None:
    game = Game(process("s:s u:a", "s>a"), restart=restart).start().do(events.Suspend())
    with pytest.raises(StateConflict, match=r"process\.suspended"):
        game.complete("a")
    assert game.do(events.Resume()).complete("a").ended


def test_an_admin_moves_a_token(restart: bool) -> None:
    game = Game(process("s:s u:a u:b", "s>a>b"), restart=restart).start()
    token = next(iter(game.state.tokens))
    assert game.do(events.MoveToken(token=token, to="b")).open == ["b"]
    assert game.complete("b").ended

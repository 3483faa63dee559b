"""Soundness: sound models give no alarm, each seeded fault is found, with the path to it."""

from __future__ import annotations

from typing import Any

import pytest

from engines.process.graph import CompiledProcess, link
from engines.process.loading import read
from engines.process.soundness import soundness
from tests.process.games import body, node
from tests.process.models import faults, sound_model

STUCK = ("process.deadlock", "process.tokens_left_behind")


def judged(data: dict[str, Any]) -> list[Any]:
    """What soundness says about a process file."""
    process = CompiledProcess(read(data))
    link(process)
    return soundness(process)


def test_no_alarm_on_sound_models() -> None:
    alarms = {seed: judged(sound_model(seed, 4 + seed % 14).data()) for seed in range(250)}
    assert {seed: [p.code for p in found] for seed, found in alarms.items() if found} == {}


def test_every_seeded_fault_is_found() -> None:
    missed, tried = [], 0
    for seed in range(120):
        for code, name, data in faults(sound_model(seed, 4 + seed % 10)):
            tried += 1
            codes = {p.code for p in judged(data)}
            wanted = set(STUCK) if code == "stuck" else {code}
            if not codes & wanted:
                missed.append((seed, code, name, codes))
    assert tried > 150
    assert missed == []


def test_a_deadlock_is_told_with_its_join_and_the_path() -> None:
    data = body("s:s x:g u:a u:b p:j e:e", "s>g, g>a[c], g>b[], a>j, b>j, j>e")
    (found,) = [p for p in judged({"name": "p", **data}) if p.code == "process.deadlock"]
    assert (found.element, found.pointer, found.params["path"], found.found) == ("j", "/nodes/4", ["s", "g", "a"], "b")


def test_tokens_left_behind_are_told_when_another_has_ended() -> None:
    data = body("s:s p:f u:a x:g u:b p:j e:e e:e2", "s>f, f>a>j, f>g, g>b[c], g>e2[], b>j, j>e")
    codes = [p.code for p in judged({"name": "p", **data})]
    assert codes == ["process.tokens_left_behind"]


def test_lack_of_synchronisation_is_told_at_the_merge() -> None:
    data = body("s:s p:f u:a u:b x:m u:c e:e", "s>f, f>a>m, f>b>m, m>c>e")
    (found,) = judged({"name": "p", **data})
    assert (found.code, found.element, found.severity) == ("process.lack_of_synchronisation", "m", "warning")


def test_a_loop_without_exit_is_a_livelock_and_what_follows_is_unreachable() -> None:
    data = body("s:s x:m t:a e:e", "s>m>a>m")
    assert [(p.code, p.element) for p in judged({"name": "p", **data})] == [
        ("process.livelock", "m"),
        ("process.unreachable_node", "e"),
    ]


def test_a_sub_process_that_only_fails_makes_its_normal_exit_dead() -> None:
    inner = body("s:is", "is>boom", node("e", "boom", event={"error": "x"}))
    caught = node("b", "b", attached_to="sub", event={"error": "x"})
    data = body("s:s u:ok u:fix", "s>sub>ok, b>fix", node("sub", "sub", **inner), caught)
    assert [(p.code, p.element) for p in judged({"name": "p", **data})] == [("process.dead_node", "ok")]


def test_an_inclusive_fork_into_a_parallel_join_deadlocks() -> None:
    data = body("s:s o:f u:a u:b p:j e:e", "s>f, f>a[c], f>b[d], a>j, b>j, j>e")
    assert [p.code for p in judged({"name": "p", **data})] == ["process.deadlock"]


def test_terminate_takes_waiting_tokens_with_it() -> None:
    stop = node("e", "stop", event={"terminate": True})
    data = body("s:s p:f u:a u:b p:j x:g", "s>f, f>a>g, f>b>j, g>j[c], g>stop[], j>stop2", stop, node("e", "stop2"))
    assert judged({"name": "p", **data}) == []


@pytest.mark.parametrize("width", [8, 12])
def test_wide_parallel_models_are_proved_by_the_reduced_exploration(width: int) -> None:
    names = [f"a{i}" for i in range(width)]
    nodes = "s:s p:f p:j e:e " + " ".join(f"u:{n} t:{n}x" for n in names)
    flows = "s>f, j>e, " + ", ".join(f"f>{n}>{n}x>j" for n in names)
    assert judged({"name": "p", **body(nodes, flows)}) == []

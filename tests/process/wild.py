"""Random models that use everything at once, not all of it sensible: for laws that even the strangest run must keep."""

from __future__ import annotations

from random import Random
from typing import Any

_EVENTS: list[dict[str, Any]] = [
    {"timer": {"duration": 'duration("PT1H")'}},
    {"timer": {"cycle": '"R3/PT1H"'}},
    {"message": "m"},
    {"signal": "s"},
    {"error": "x"},
    {"error": ""},
    {"escalation": "x"},
    {"condition": "n > 2"},
]
_THROWN: list[dict[str, Any]] = [
    {"signal": "s"}, {"message": "m2"}, {"escalation": "x"}, {"compensation": ""}, {"none": True}
]  # fmt: skip


class Wild:
    """Builds one model."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.count = 0

    def name(self, kind: str) -> str:
        """A fresh name."""
        self.count += 1
        return f"{kind}{self.count}"

    def process(self) -> dict[str, Any]:
        """The process file."""
        return {"name": "p", **self.body(3)}

    def body(self, depth: int, kind: str = "process") -> dict[str, Any]:
        """Nodes and flows of a process or sub-process."""
        random = self.random
        start = {"name": self.name("start"), "type": "startEvent"}
        nodes: list[dict[str, Any]] = [start]
        flows: list[dict[str, Any]] = []
        works = [self.work(depth) for _ in range(random.randint(2, 5))]
        joints = [{"name": self.name("g"), "type": self.gateway()} for _ in range(random.randint(0, 2))]
        nodes += [*works, *joints]
        self.connect(flows, start["name"], works[0]["name"])
        targets = [n["name"] for n in (*works, *joints)]
        for node in (*works, *joints):
            for _ in range(random.choice([0, 1, 1, 1, 2]) if node in works else random.randint(1, 2)):
                self.connect(flows, node["name"], random.choice(targets), guarded=random.random() < 0.3)
        for work in works:
            nodes += self.attached(work, flows, targets, kind)
        nodes.append(self.ending(kind))
        self.connect(flows, random.choice(works)["name"], nodes[-1]["name"])
        if depth > 1 and random.random() < 0.4:
            nodes.append(self.listener(depth - 1))
        return {"nodes": nodes, "flows": flows}

    def gateway(self) -> str:
        """A gateway type."""
        return self.random.choice(["exclusiveGateway", "parallelGateway", "inclusiveGateway"])

    def connect(self, flows: list[dict[str, Any]], source: str, target: str, *, guarded: bool = False) -> None:
        """Adds a flow."""
        flow = {"name": self.name("f"), "from": source, "to": target}
        flows.append(flow | ({"condition": self.random.choice(["n > 1", "n < 2", "ok"])} if guarded else {}))

    def work(self, depth: int) -> dict[str, Any]:
        """An activity or an event in the middle."""
        random = self.random
        kind = random.choice(
            ["userTask"] * 4 + ["task", "script", "catch", "throw", "service"] + ["sub", "tx", "adhoc"] * (depth > 1)
        )
        if kind == "catch":
            events = [e for e in _EVENTS if "error" not in e and "escalation" not in e]
            return {"name": self.name("c"), "type": "intermediateCatchEvent", "event": random.choice(events)}
        if kind == "throw":
            return {"name": self.name("t"), "type": "intermediateThrowEvent", "event": random.choice(_THROWN)}
        if kind == "script":
            line = {"set": "n", "value": "(if n = null then 0 else n) + 1"}
            return {"name": self.name("x"), "type": "scriptTask", "script": [line]}
        node = {"name": self.name(kind), "type": {"sub": "subProcess", "tx": "transaction", "adhoc": "adHocSubProcess",
                "service": "serviceTask"}.get(kind, kind)}  # fmt: skip
        node |= {"service": "any"} if kind == "service" else {}
        if kind in ("sub", "tx"):
            node |= self.body(depth - 1, kind)
        elif kind == "adhoc":
            node |= {"nodes": [self.work(1), self.work(1)], "complete_when": "ok"}
        repeat = random.random()
        if repeat < 0.2:
            node["multi_instance"] = {
                "mode": random.choice(["parallel", "sequential"]),
                "count": 2,
                "complete_when": "ok",
            }
        elif repeat < 0.25:
            node["loop"] = {"while": "n < 3", "maximum": 3}
        return node

    def attached(
        self, work: dict[str, Any], flows: list[dict[str, Any]], targets: list[str], kind: str
    ) -> list[dict[str, Any]]:
        """Boundary events on an activity, with the handler of a compensation."""
        random = self.random
        if "Event" in work["type"]:
            return []
        found: list[dict[str, Any]] = []
        if random.random() < 0.5:
            event = random.choice(_EVENTS)
            interrupting = "error" in event or random.random() < 0.6
            node = {"name": self.name("b"), "type": "boundaryEvent", "attached_to": work["name"], "event": event,
                    "interrupting": interrupting}  # fmt: skip
            found.append(node)
            self.connect(flows, node["name"], random.choice(targets))
        if random.random() < 0.3:
            handler = {"name": self.name("h"), "type": random.choice(["task", "userTask"]), "for_compensation": True}
            event = {"compensation": ""}
            found += [handler, {"name": self.name("b"), "type": "boundaryEvent", "attached_to": work["name"],
                                "event": event, "handler": handler["name"]}]  # fmt: skip
        if work["type"] == "transaction":
            node = {
                "name": self.name("b"),
                "type": "boundaryEvent",
                "attached_to": work["name"],
                "event": {"cancel": True},
            }
            found.append(node)
            self.connect(flows, node["name"], random.choice(targets))
        return found

    def ending(self, kind: str) -> dict[str, Any]:
        """An end event of any kind that may stand there."""
        events: list[dict[str, Any]] = [{"none": True}, {"terminate": True}, {"error": "x"}, *_THROWN]
        events += [{"cancel": True}] * 4 if kind == "tx" else []
        return {"name": self.name("e"), "type": "endEvent", "event": self.random.choice(events)}

    def listener(self, depth: int) -> dict[str, Any]:
        """An event sub-process."""
        event = self.random.choice([*_EVENTS, {"compensation": ""}])
        inner = self.body(1)
        forced = "error" in event or "compensation" in event
        inner["nodes"][0] |= {"event": event, "interrupting": forced or self.random.random() < 0.5}
        return {"name": self.name("es"), "type": "subProcess", "event_triggered": True, **inner}

"""Small factories: processes written in a line or two, and a player that completes tasks by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from engines.core import Principal, PrincipalKind
from engines.process import CompiledProcess, InstanceState, MemoryShell, StepContext, compile, events
from engines.process.loading import read

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
CONTEXT = StepContext(now=NOW, zone=ZoneInfo("UTC"))
SHORT = {
    "s": "startEvent",
    "e": "endEvent",
    "u": "userTask",
    "t": "task",
    "x": "exclusiveGateway",
    "p": "parallelGateway",
    "o": "inclusiveGateway",
    "v": "eventBasedGateway",
    "sub": "subProcess",
    "tx": "transaction",
    "adhoc": "adHocSubProcess",
    "b": "boundaryEvent",
    "catch": "intermediateCatchEvent",
    "throw": "intermediateThrowEvent",
    "call": "callActivity",
    "service": "serviceTask",
    "script": "scriptTask",
}


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A node; ``kind`` may be one of the short words above."""
    return {"name": name, "type": SHORT.get(kind, kind), **more}


def body(nodes: str, flows: str, *more: dict[str, Any]) -> dict[str, Any]:
    """Nodes from "s:start u:review", flows from "start>review>end, x>y[amount > 5], x>z[]"; [] is the default."""
    found = [node(*part.split(":")) for part in nodes.split()]
    ways: list[dict[str, Any]] = []
    for path in filter(None, (p.strip() for p in flows.split(","))):
        path, _, condition = path.partition("[")
        stops = [stop.strip() for stop in path.split(">")]
        for source, target in pairwise(stops):
            way: dict[str, Any] = {"name": f"{source}__{target}", "from": source, "to": target}
            if condition:
                text = condition.removesuffix("]")
                way |= {"condition": text} if text else {"default": True}
            ways.append(way)
    return {"nodes": [*found, *more], "flows": ways}


def process(nodes: str, flows: str, *more: dict[str, Any], name: str = "p", **rest: Any) -> CompiledProcess:
    """A compiled process."""
    return compile(read({"name": name, **rest, **body(nodes, flows, *more)}))


def person(number: int, *roles: str) -> Principal:
    """Somebody with a stable id."""
    return Principal(kind=PrincipalKind.PERSON, id=UUID(int=number), roles=frozenset(roles))


class Game:
    """Plays one instance; with ``restart`` everything is saved and loaded again between any two moves."""

    def __init__(self, *processes: CompiledProcess, restart: bool = False, context: StepContext = CONTEXT) -> None:
        self.shell = MemoryShell(processes, context)
        self.restart = restart
        self.main = 0

    def start(self, variables: Mapping[str, Any] | None = None, name: str = "p", **more: Any) -> Game:
        """Starts the instance that is played."""
        self.main = self.shell.start(name, variables or {}, **more)
        return self._save()

    def _save(self) -> Game:
        if self.restart:
            for instance in self.shell.instances.values():
                instance.state = InstanceState.from_json(json.loads(json.dumps(instance.state.to_json())))
        return self

    def do(self, event: Any, *, who: Principal | None = None) -> Game:
        """One event to the instance."""
        context = StepContext(**{n: getattr(self.shell.context, n) for n in StepContext.__slots__} | {"actor": who})
        self.shell.apply(self.main, event, context)
        return self._save()

    def complete(self, *names: str, who: Principal | None = None, **more: Any) -> Game:
        """Completes the first open task of each name."""
        for name in names:
            instance, task = self.task(name)
            event = events.CompleteTask(task=task, **more)
            context = StepContext(**{n: getattr(self.shell.context, n) for n in StepContext.__slots__} | {"actor": who})
            self.shell.apply(instance, event, context)
            self._save()
        return self

    def task(self, name: str, pick: int = 0) -> tuple[int, int]:
        """Instance and id of an open task."""
        found = [(i, t.id) for i, t in self.shell.tasks(self.main) if t.node == name]
        assert found, f"no open {name}; open: {self.open}"
        return found[pick]

    def message(self, name: str, **more: Any) -> Game:
        """Sends a message."""
        self.shell.message(name, **more)
        return self._save()

    def signal(self, name: str) -> Game:
        """Broadcasts a signal."""
        self.shell.signal(name)
        return self._save()

    def advance(self, **by: float) -> Game:
        """Moves the clock."""
        self.shell.advance(timedelta(**by))
        return self._save()

    def set(self, **variables: Any) -> Game:
        """Sets variables from outside."""
        return self.do(events.VariablesSet(variables=variables))

    @property
    def state(self) -> InstanceState:
        """The instance's live state."""
        return self.shell.instances[self.main].state

    @property
    def open(self) -> list[str]:
        """Names of open tasks, sorted."""
        return sorted(t.node for _, t in self.shell.tasks(self.main))

    @property
    def ended(self) -> bool:
        """Whether the instance is over."""
        return self.state.ended

    @property
    def variables(self) -> Mapping[str, Any]:
        """Process variables."""
        return self.state.process_variables

    @property
    def done(self) -> list[str]:
        """Names of completed nodes in order."""
        return [entry.node for entry in self.shell.history(self.main) if entry.kind == "completed"]

    def times(self, name: str) -> int:
        """How often a node was completed."""
        return Counter(self.done)[name]

    @property
    def incidents(self) -> list[str]:
        """Codes of open incidents."""
        return [i.code for i in self.state.incidents.values()]


def number(value: int) -> Decimal:
    """A number as variables hold it."""
    return Decimal(value)

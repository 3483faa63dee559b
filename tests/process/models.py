"""Random models from a seed: sound by construction, and the same models with one fault put in."""

from __future__ import annotations

from random import Random
from typing import Any


class Model:
    """A process as a graph of nodes and flows that blocks are added to."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: dict[str, dict[str, Any]] = {}
        self.flows: list[dict[str, Any]] = []

    def add(self, kind: str, **more: Any) -> str:
        """A new node."""
        name = f"{kind[:2]}{len(self.nodes)}"
        self.nodes[name] = {"name": name, "type": kind, **more}
        return name

    def flow(self, source: str, target: str, **more: Any) -> None:
        """A new flow."""
        self.flows.append({"name": f"f{len(self.flows)}", "from": source, "to": target, **more})

    def data(self) -> dict[str, Any]:
        """The process file."""
        return {"name": "p", "nodes": list(self.nodes.values()), "flows": self.flows}


def sound_model(seed: int, size: int = 12) -> Model:
    """A model built of blocks that each have one way in and one way out."""
    model = Model(Random(seed))
    start, end = model.add("startEvent"), model.add("endEvent")
    first, last = _block(model, size)
    model.flow(start, first)
    model.flow(last, end)
    return model


def _block(model: Model, size: int) -> tuple[str, str]:
    """A block of about ``size`` nodes: its first and last node."""
    random = model.random
    if size <= 1:
        return _activity(model)
    kind = random.choice(["sequence", "sequence", "exclusive", "parallel", "inclusive", "loop", "race"])
    if kind == "sequence":
        first, middle = _block(model, size // 2)
        again, last = _block(model, size - size // 2)
        model.flow(middle, again)
        return first, last
    if kind == "loop":
        return _loop(model, size)
    if kind == "race":
        return _race(model, size)
    return _branches(model, f"{kind}Gateway", size)


def _activity(model: Model) -> tuple[str, str]:
    kind = model.random.choice(["userTask", "userTask", "task", "subProcess"])
    if kind != "subProcess":
        name = model.add(kind)
        return name, name
    name = model.add("subProcess")
    inner = [
        {"name": f"{name}_s", "type": "startEvent"},
        {"name": f"{name}_t", "type": "userTask"},
        {"name": f"{name}_e", "type": "endEvent"},
    ]
    model.nodes[name] |= {
        "nodes": inner,
        "flows": [
            {"name": f"{name}_1", "from": f"{name}_s", "to": f"{name}_t"},
            {"name": f"{name}_2", "from": f"{name}_t", "to": f"{name}_e"},
        ],
    }
    return name, name


def _branches(model: Model, kind: str, size: int) -> tuple[str, str]:
    """A fork and a join of the same kind."""
    fork, join = model.add(kind), model.add(kind)
    count = model.random.randint(2, 3)
    for i in range(count):
        first, last = _block(model, max(1, (size - 2) // count))
        free = kind != "parallelGateway"
        condition = {"condition": f"c{i}"} if free and i else {"default": True} if free else {}
        model.flow(fork, first, **condition)
        model.flow(last, join)
    return fork, join


def _loop(model: Model, size: int) -> tuple[str, str]:
    """A block that may be gone through again; a task in it waits, so that it is no endless loop."""
    merge, choice, waits = model.add("exclusiveGateway"), model.add("exclusiveGateway"), model.add("userTask")
    first, last = _block(model, size - 3)
    model.flow(merge, first)
    model.flow(last, waits)
    model.flow(waits, choice)
    model.flow(choice, merge, condition="again")
    after, _ = leave = _activity(model)
    model.flow(choice, after, default=True)
    return merge, leave[1]


def _race(model: Model, size: int) -> tuple[str, str]:
    """A task with an interrupting timer whose path joins again, and a non-interrupting one that ends by itself."""
    task, merge = model.add("userTask"), model.add("exclusiveGateway")
    out = model.add("task")
    event = {"timer": {"duration": 'duration("PT1H")'}}
    late = model.add("boundaryEvent", attached_to=task, event=event)
    told = model.add("boundaryEvent", attached_to=task, event=event, interrupting=False)
    reminder, over = model.add("task"), model.add("endEvent")
    first, last = _block(model, size - 4)
    model.flow(task, merge)
    model.flow(late, first)
    model.flow(last, merge)
    model.flow(told, reminder)
    model.flow(reminder, over)
    model.flow(merge, out)
    return task, out


def faults(model: Model) -> list[tuple[str, str, dict[str, Any]]]:
    """Every fault that can be put into the model: the code it must give, the node, and the broken process file."""
    found = []
    for node in model.nodes.values():
        coming = [f for f in model.flows if f["to"] == node["name"]]
        going = [f for f in model.flows if f["from"] == node["name"]]
        name, kind = node["name"], node["type"]
        if kind == "parallelGateway" and len(coming) > 1:
            found.append(("process.lack_of_synchronisation", name, _changed(model, name, type="exclusiveGateway")))
        if kind == "exclusiveGateway" and len(coming) > 1 and len(going) == 1:
            found.append(("stuck", name, _changed(model, name, type="parallelGateway")))
        if kind == "parallelGateway" and len(going) > 1:
            broken = _changed(model, name, type="exclusiveGateway")
            found.append(("stuck", name, broken))
        if kind == "exclusiveGateway" and len(going) == 2 and any(f.get("condition") == "again" for f in going):
            found.append(("process.livelock", name, _without_exit(model, name)))
        if kind == "task" and len(coming) == 1 and len(going) == 1:
            found.append(("process.unreachable_node", name, _bypassed(model, name)))
    return found


def _changed(model: Model, name: str, **more: Any) -> dict[str, Any]:
    data = model.data()
    return {**data, "nodes": [{**n, **more} if n["name"] == name else n for n in data["nodes"]]}


def _without_exit(model: Model, name: str) -> dict[str, Any]:
    """The loop's gateway has only its way back."""
    flows = [f for f in model.flows if not (f["from"] == name and f.get("default"))]
    flows = [{k: v for k, v in f.items() if k != "condition"} if f["from"] == name else f for f in flows]
    return {**model.data(), "flows": flows}


def _bypassed(model: Model, name: str) -> dict[str, Any]:
    """The flow into a task goes to what follows it."""
    following = next(f["to"] for f in model.flows if f["from"] == name)
    flows = [{**f, "to": following} if f["to"] == name else f for f in model.flows]
    return {**model.data(), "flows": flows}

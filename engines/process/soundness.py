"""Whether every run of a process can end well: exploration of its control flow with conditions as free choices.

Each process and sub-process is explored by itself; from outside, a sub-process is an activity that ends normally (if
its inside can) or by its boundary events. A marking is the set of flows that hold a token. Where the full space is too
large, tokens that cannot disturb each other are moved in one order only, which keeps deadlocks and livelocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from engines.core import Diagnostic, Severity
from engines.process.checking import problem
from engines.process.graph import Body, CompiledProcess, Flow, Node, bodies, successors
from engines.process.kinds import SUB_PROCESSES, EventKind, NodeType

FULL_LIMIT = 3_000
REDUCED_LIMIT = 30_000
# More conditional flows than this at one fork are tried one by one, in pairs and all together.
_MANY = 5

Marking = tuple[str, ...]
_ENDS_ALL = frozenset({EventKind.TERMINATE, EventKind.ERROR, EventKind.CANCEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One way in which a node can be done."""

    # Flows that get a token.
    out: tuple[str, ...]
    # Nodes that are done on the way: the node itself and events on it.
    nodes: tuple[str, ...]
    # Everything else in the body ends with it.
    ends_all: bool = False


@dataclass(slots=True)
class Space:
    """What exploring one body has found."""

    # Marking to the one before (None at starts) and the nodes done between.
    seen: dict[Marking, tuple[Marking | None, tuple[str, ...]]] = field(default_factory=dict)
    after: dict[Marking, list[Marking]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    stuck: list[Marking] = field(default_factory=list)
    # Flow that got a second token, with the marking before and the nodes done.
    doubled: dict[str, tuple[Marking, tuple[str, ...]]] = field(default_factory=dict)
    complete: bool = True
    # A run can end by itself, not only by an event that ends everything abnormally.
    ends: bool = False

    def path(self, marking: Marking) -> list[str]:
        """Nodes done from a start to ``marking``."""
        found: list[str] = []
        at: Marking | None = marking
        while at is not None:
            before, names = self.seen[at]
            found[:0] = names
            at = before
        return found


def soundness(process: CompiledProcess) -> list[Diagnostic]:
    """Deadlocks, tokens left behind, lack of synchronisation, livelocks and dead nodes, each with the path to it."""
    ending: dict[str, bool] = {}
    found: list[Diagnostic] = []
    for body in reversed(bodies(process)):
        explorer = _Explorer(body, ending)
        if body.node is not None:
            ending[body.node.name] = explorer.space.ends or _handled(body, ending)
        found[:0] = explorer.problems()
    return found


def _handled(body: Body, ending: dict[str, bool]) -> bool:
    """Whether an event sub-process can bring the body to its end."""
    return any(ending.get(node.name, True) for node in body.event_sub_processes) or (
        body.node is not None and body.node.type is NodeType.AD_HOC
    )


class _Explorer:
    """Explores one body."""

    def __init__(self, body: Body, ending: dict[str, bool]) -> None:
        self.body = body
        self.nodes = {node.name: node for node in body.nodes}
        self.flows: dict[str, Flow] = {flow.name: flow for node in body.nodes for flow in node.outgoing}
        self.moves = {node.name: list(_moves(node, ending)) for node in body.nodes}
        self.order = _depths(body)
        self.beside = self._flows_beside()
        self.space = self._explore(FULL_LIMIT, reduced=False)
        if not self.space.complete:
            partial = self.space
            self.space = self._explore(REDUCED_LIMIT, reduced=True)
            self.space.doubled = {**self.space.doubled, **partial.doubled}
            self._keep_paths(partial)

    def _keep_paths(self, partial: Space) -> None:
        """Keeps the ways to doubled tokens that only the full exploration has seen."""
        for marking, _ in partial.doubled.values():
            at: Marking | None = marking
            while at is not None and at not in self.space.seen:
                step = self.space.seen[at] = partial.seen[at]
                at = step[0]

    def _flows_beside(self) -> set[str]:
        """Flows that only non-interrupting events lead to: they may well be gone over by several tokens at a time."""
        beside = [n for n in self.body.nodes if n.type is NodeType.BOUNDARY_EVENT and not n.interrupting]
        main = _reachable([n for nodes in self._starts() for n in nodes], without=set(beside))
        return {flow.name for name, node in self.nodes.items() if name not in main for flow in node.outgoing}

    # Exploring

    def _explore(self, limit: int, *, reduced: bool) -> Space:
        space = Space()
        queue: deque[Marking] = deque()
        for nodes in self._starts():
            for produced, names in _products([self.moves[node.name] for node in nodes]):
                space.ends = space.ends or not produced
                self._reach(space, queue, None, tuple(sorted(set(produced))), names)
        while queue:
            marking = queue.popleft()
            if not marking:
                continue
            following = list(self._following(marking, reduced))
            if not following:
                space.stuck.append(marking)
            for taken, move in following:
                self._take(space, queue, marking, taken, move)
            if len(space.seen) > limit:
                space.complete = False
                break
        return space

    def _starts(self) -> list[list[Node]]:
        """Where runs begin: every start event is a run of its own; nodes without incoming flow begin together."""
        events = [n for n in self.body.nodes if n.type is NodeType.START_EVENT]
        if events:
            return [[node] for node in events]
        starts = list(self.body.starts)
        alone = self.body.node is not None and self.body.node.type is NodeType.AD_HOC
        return [[node] for node in starts] if alone else [starts] if starts else []

    def _take(self, space: Space, queue: deque[Marking], marking: Marking, taken: Sequence[str], move: Move) -> None:
        """Adds the marking after a move."""
        space.done.update(move.nodes)
        if move.ends_all:
            space.ends = space.ends or self._ends_well(move)
            self._add(space, queue, marking, (), move.nodes)
            return
        left = list(marking)
        for flow in taken:
            left.remove(flow)
        for flow in move.out:
            if flow not in left:
                left.append(flow)
            elif flow not in self.beside:
                space.doubled.setdefault(flow, (marking, move.nodes))
        space.ends = space.ends or not left
        self._add(space, queue, marking, tuple(sorted(left)), move.nodes)

    def _ends_well(self, move: Move) -> bool:
        return self.nodes[move.nodes[0]].kind is EventKind.TERMINATE

    def _reach(
        self, space: Space, queue: deque[Marking], before: Marking | None, marking: Marking, names: tuple[str, ...]
    ) -> None:
        space.done.update(names)
        if marking not in space.seen:
            space.seen[marking] = (before, names)
            queue.append(marking)

    def _add(
        self, space: Space, queue: deque[Marking], before: Marking, marking: Marking, names: tuple[str, ...]
    ) -> None:
        space.after.setdefault(before, []).append(marking)
        self._reach(space, queue, before, marking, names)

    def _following(self, marking: Marking, reduced: bool) -> Iterator[tuple[list[str], Move]]:
        """Every move that can come next: flows that lose their token, and what is done."""
        singles = [flow for flow in marking if not self._joins(self.flows[flow].target)]
        calm = [flow for flow in singles if not self._ends_everything(self.flows[flow].target)]
        if reduced and calm:
            flow = min(calm, key=lambda name: (self.order[self.flows[name].target.name], name))
            yield from (([flow], move) for move in self.moves[self.flows[flow].target.name])
            return
        for flow in singles:
            yield from (([flow], move) for move in self.moves[self.flows[flow].target.name])
        for name in dict.fromkeys(self.flows[flow].target.name for flow in marking):
            node = self.nodes[name]
            taken = self._joined(node, marking) if self._joins(node) else None
            if taken:
                yield from ((taken, move) for move in self.moves[name])

    def _joins(self, node: Node) -> bool:
        return node.type in (NodeType.PARALLEL, NodeType.INCLUSIVE) and len(node.incoming) > 1

    def _ends_everything(self, node: Node) -> bool:
        return any(move.ends_all for move in self.moves[node.name])

    def _joined(self, node: Node, marking: Marking) -> list[str] | None:
        """The tokens that a join takes now; None while it waits."""
        there = [flow.name for flow in node.incoming if flow.name in marking]
        if node.type is NodeType.PARALLEL:
            return there if len(there) == len(node.incoming) else None
        full = sum(flow.bit for flow in node.incoming if flow.name in marking)
        for name in marking:
            target = self.flows[name].target
            reached = node.reach.get(target.name, 0) if target is not node else 0
            if reached & ~full and not reached & full:
                return None
        return there

    # Judging

    def problems(self) -> Iterator[Diagnostic]:
        """What the exploration has shown to be wrong."""
        yield from self._stuck()
        yield from self._doubled()
        yield from self._endless()
        yield from self._dead()
        if not self.space.complete:
            place = self.body.node or self.body.nodes[0]
            yield _fault(place, "process.too_large_to_prove", [], severity=Severity.WARNING)

    def _stuck(self) -> Iterator[Diagnostic]:
        """Joins that wait for ever: the shortest run to each."""
        told: set[str] = set()
        for marking in self.space.stuck:
            join = min((self.flows[flow].target for flow in marking), key=lambda node: self.order[node.name])
            if join.name in told:
                continue
            told.add(join.name)
            path = self.space.path(marking)
            ended = any(self.nodes[name].type is NodeType.END_EVENT for name in path if name in self.nodes)
            missing = [flow.source.name for flow in join.incoming if flow.name not in marking]
            code = "process.tokens_left_behind" if ended else "process.deadlock"
            yield _fault(join, code, path, found=", ".join(missing))

    def _doubled(self) -> Iterator[Diagnostic]:
        """Places where two tokens run one after the other: only the first of each run is told."""
        if not self.space.doubled:
            return
        flow, (marking, names) = min(
            self.space.doubled.items(), key=lambda item: (self.order[self.flows[item[0]].source.name], item[0])
        )
        path = [*self.space.path(marking), *names]
        yield _fault(
            self.flows[flow].source, "process.lack_of_synchronisation", path, severity=Severity.WARNING, found=flow
        )

    def _endless(self) -> Iterator[Diagnostic]:
        """The first marking from which no run ever ends or even stops."""
        if not self.space.complete:
            return
        before: dict[Marking, list[Marking]] = {}
        for marking, following in self.space.after.items():
            for other in following:
                before.setdefault(other, []).append(marking)
        stops = [m for m in self.space.seen if not m or not self.space.after.get(m)]
        good = set(stops)
        todo = list(stops)
        while todo:
            for marking in before.get(todo.pop(), ()):
                if marking not in good:
                    good.add(marking)
                    todo.append(marking)
        endless = next((m for m in self.space.seen if m not in good), None)
        if endless is not None:
            path = self.space.path(endless)
            node = self.flows[endless[0]].target
            yield _fault(node, "process.livelock", path)

    def _dead(self) -> Iterator[Diagnostic]:
        """Nodes that no run does."""
        if not self.space.complete:
            return
        reachable = _reachable([node for nodes in self._starts() for node in nodes])
        for node in self.body.nodes:
            undoing = node.kind is EventKind.COMPENSATION and node.type is NodeType.BOUNDARY_EVENT
            definition = node.definition
            if undoing or node.name in self.space.done or definition.for_compensation or definition.event_triggered:
                continue
            code = "process.dead_node" if node.name in reachable else "process.unreachable_node"
            yield _fault(node, code, [])


def _reachable(starts: list[Node], without: set[Node] | None = None) -> set[str]:
    """Names of the nodes to which any path leads that avoids ``without``."""
    todo = list(starts)
    seen: set[str] = set()
    while todo:
        node = todo.pop()
        if node.name not in seen and node not in (without or ()):
            seen.add(node.name)
            todo.extend(successors(node))
    return seen


def _moves(node: Node, ending: dict[str, bool]) -> Iterator[Move]:
    """Every way in which ``node`` can be done."""
    if node.type is NodeType.END_EVENT and node.kind in _ENDS_ALL:
        yield Move(out=(), nodes=(node.name,), ends_all=True)
        return
    if node.type is NodeType.THROW_EVENT and node.kind is EventKind.LINK:
        yield from (Move(out=out, nodes=(node.name, node.link.name)) for out in _outs(node.link))
        return
    own: list[Move] = []
    if node.type not in SUB_PROCESSES or ending.get(node.name, True):
        own = [Move(out=out, nodes=(node.name,)) for out in _outs(node)]
    beside: list[Node] = []
    for event in node.boundaries:
        if event.interrupting:
            own += [Move(out=out, nodes=(node.name, event.name)) for out in _outs(event)]
        else:
            beside.append(event)
    if not own:
        # Its inside never ends, which is told there.
        yield Move(out=(), nodes=(node.name,), ends_all=True)
    for move in own:
        yield move
        for event in beside:
            yield from (Move(out=(*move.out, *out), nodes=(*move.nodes, event.name)) for out in _outs(event))


def _outs(node: Node) -> Iterator[tuple[str, ...]]:
    """The sets of flows over which a finished node can send tokens."""
    flows = node.outgoing
    if node.type in (NodeType.EXCLUSIVE, NodeType.EVENT_BASED):
        yield from ((flow.name,) for flow in flows)
        return
    free = [f for f in flows if f.definition.condition and f is not node.default]
    if node.type is NodeType.PARALLEL or (not free and node.default is None):
        yield tuple(flow.name for flow in flows)
        return
    always = tuple(f.name for f in flows if f not in free and f is not node.default)
    for chosen in _subsets([f.name for f in free]):
        if chosen:
            yield (*always, *chosen)
        elif node.default is not None:
            yield (*always, node.default.name)
        elif always:
            yield always


def _subsets(names: list[str]) -> Iterator[tuple[str, ...]]:
    sizes = range(len(names) + 1) if len(names) <= _MANY else (0, 1, 2, len(names))
    for size in sizes:
        yield from combinations(names, size)


def _products(choices: list[list[Move]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What several nodes that begin together produce, for each combination of their choices."""
    if not choices:
        return
    first, *rest = choices
    for move in first:
        if not rest:
            yield move.out, move.nodes
        for out, nodes in _products(rest):
            yield (*move.out, *out), (*move.nodes, *nodes)


def _depths(body: Body) -> dict[str, int]:
    """Steps from a start to each node, so that paths are told and tokens moved in reading order."""
    depths: dict[str, int] = {}
    queue = deque((node, 0) for node in body.nodes if not node.incoming)
    while queue:
        node, depth = queue.popleft()
        if node.name not in depths:
            depths[node.name] = depth
            queue.extend((other, depth + 1) for other in successors(node))
    return {node.name: depths.get(node.name, len(body.nodes)) for node in body.nodes}


def _fault(
    node: Node, code: str, path: list[str], *, severity: Severity = Severity.ERROR, found: str = ""
) -> Diagnostic:
    """A diagnostic at ``node`` with the run that leads to it."""
    told = problem(node.definition, code, "", severity=severity, found=found)
    return replace(told, params={"path": path, "shown_path": " → ".join(path)})

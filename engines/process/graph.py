"""A process definition made ready to run: nodes linked to each other, expressions compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engines.process.definition import EventDefinition, FlowDefinition, NodeDefinition, ProcessDefinition
from engines.process.expressions import Expression
from engines.process.kinds import ACTIVITIES, ALWAYS_INTERRUPTING, GATEWAYS, SUB_PROCESSES, EventKind, NodeType

PLAIN_EVENT = EventDefinition(kind=EventKind.NONE)


class Flow:
    """A sequence flow between two linked nodes."""

    __slots__ = ("bit", "condition", "definition", "name", "source", "target")

    def __init__(self, definition: FlowDefinition, source: Node, target: Node, condition: Expression | None) -> None:
        self.definition = definition
        self.name = definition.name
        self.source = source
        self.target = target
        self.condition = condition
        # Place of the flow among the incoming flows of its target, as a bit.
        self.bit = 0


class Body:
    """What is inside a process or a sub-process."""

    __slots__ = ("event_sub_processes", "node", "nodes", "owner", "starts")

    def __init__(self, node: Node | None) -> None:
        # The sub-process; None for the process.
        self.node = node
        if node is not None:
            self.owner = node
        self.nodes: tuple[Node, ...] = ()
        # Where a token is put when it begins: plain start events, else nodes without incoming flow.
        self.starts: tuple[Node, ...] = ()
        self.event_sub_processes: tuple[Node, ...] = ()


class Node:
    """A flow node with all that running it needs."""

    __slots__ = (
        "attached_to",
        "begin",
        "body",
        "boundaries",
        "collect",
        "compensated_by",
        "complete_when",
        "condition",
        "correlation",
        "count",
        "default",
        "definition",
        "due",
        "each",
        "enter",
        "event",
        "handler",
        "incoming",
        "inner",
        "input",
        "interrupting",
        "kind",
        "link",
        "loop_while",
        "multi_until",
        "name",
        "outgoing",
        "output",
        "payload",
        "people",
        "priority",
        "ratio",
        "reach",
        "requires",
        "script",
        "sla",
        "start_event",
        "timer",
        "type",
        "unconditional",
    )  # fmt: skip

    def __init__(self, definition: NodeDefinition, body: Body) -> None:
        self.definition = definition
        self.name = definition.name
        self.type = definition.type
        self.body = body
        self.event = definition.event or PLAIN_EVENT
        self.kind = self.event.kind
        self.interrupting = definition.interrupting or self.kind in ALWAYS_INTERRUPTING
        self.outgoing: tuple[Flow, ...] = ()
        self.incoming: tuple[Flow, ...] = ()
        # Every outgoing flow is always taken.
        self.unconditional = True
        self.default: Flow | None = None
        # Boundary events that wait or catch; the activity that undoes this one.
        self.boundaries: tuple[Node, ...] = ()
        self.compensated_by: Node | None = None
        self.attached_to: Node | None = None
        self.handler: Node | None = None
        # Sub-processes: what is inside; event sub-processes: the event that starts them.
        self.inner: Body
        self.start_event: Node
        # Link throw events: where the token goes on.
        self.link: Node
        # Inclusive joins: for each node of the body, the incoming flows (as bits) that a token there can still reach.
        self.reach: Mapping[str, int] = {}
        # Timer and conditional events.
        self.timer: tuple[str, Expression]
        self.condition: Expression
        self.correlation: Expression | None = None
        self.payload: Mapping[str, Expression] = {}
        self.each: Expression | None = None
        self.count: Expression | None = None
        self.multi_until: Expression | None = None
        self.collect: Expression | None = None
        self.loop_while: Expression
        self.complete_when: Expression | None = None
        self.script: tuple[tuple[str, Expression], ...] = ()
        # What happens when a token arrives, and when one instance of an activity begins; set when compiled.
        self.enter: Callable[[Any, Any, Node], None]
        self.begin: Callable[[Any, Any, Node], None]
        # A tree of expressions, as written.
        self.input: Any = None
        self.output: Mapping[str, Expression] | None = None
        self.due: Expression | None = None
        self.priority: Expression | None = None
        self.requires: Expression | None = None
        self.ratio: Expression | None = None
        # Expressions of the assignment and of the copies, by "assignment.person" and so on.
        self.people: Mapping[str, Expression] = {}
        # Those of time limits, by "<limit>.target", "<limit>.<action>.after" and so on.
        self.sla: Mapping[str, Expression] = {}

    @property
    def repeated(self) -> bool:
        """Whether the activity is a multi-instance or a loop."""
        return self.definition.multi_instance is not None or self.definition.loop is not None

    def __repr__(self) -> str:
        return f"<{self.type} {self.name}>"


class CompiledProcess:
    """A process ready for :func:`engines.process.step`: immutable, without state, to be cached by its definition."""

    __slots__ = ("body", "conditional", "defaults", "definition", "flows", "inclusive", "name", "nodes", "reads")

    def __init__(self, definition: ProcessDefinition) -> None:
        self.definition = definition
        self.name = definition.name
        self.body = Body(None)
        self.nodes: dict[str, Node] = {}
        self.flows: dict[str, Flow] = {}
        # Inclusive gateways with several incoming flows.
        self.inclusive: frozenset[str] = frozenset()
        # Whether anything waits for a condition.
        self.conditional = False
        # Initial values of variables.
        self.defaults: tuple[tuple[str, Expression | None], ...] = ()
        # Paths that any expression reads, for the shell to load: {("subject", "tier"), …}.
        self.reads: frozenset[tuple[str, ...]] = frozenset()

    def start_events(self, kind: EventKind) -> tuple[Node, ...]:
        """Start events of the process (not of event sub-processes) that wait for ``kind``."""
        return tuple(n for n in self.body.nodes if n.type is NodeType.START_EVENT and n.kind is kind)


def link(process: CompiledProcess) -> None:
    """Connects all nodes of ``process`` to each other; the definition must have passed the structural checks."""
    _fill(process, process.body, process.definition.nodes)
    _connect(process, process.definition.flows)
    for node in process.nodes.values():
        _attach(process, node)
    for body in bodies(process):
        _open(body)
    process.inclusive = frozenset(
        n.name for n in process.nodes.values() if n.type is NodeType.INCLUSIVE and len(n.incoming) > 1
    )
    for name in process.inclusive:
        process.nodes[name].reach = reach_of(process.nodes[name])


def bodies(process: CompiledProcess) -> list[Body]:
    """The process's own body and those of its sub-processes."""
    return [process.body, *(n.inner for n in process.nodes.values() if n.type in SUB_PROCESSES)]


def _fill(process: CompiledProcess, body: Body, definitions: tuple[NodeDefinition, ...]) -> None:
    nodes = []
    for definition in definitions:
        node = process.nodes[definition.name] = Node(definition, body)
        nodes.append(node)
        if definition.type in SUB_PROCESSES:
            node.inner = Body(node)
            _fill(process, node.inner, definition.nodes)
    body.nodes = tuple(nodes)


def _connect(process: CompiledProcess, flows: tuple[FlowDefinition, ...]) -> None:
    for definition in process.definition.all_flows():
        source, target = process.nodes[definition.source], process.nodes[definition.target]
        flow = Flow(definition, source, target, None)
        flow.bit = 1 << len(target.incoming)
        process.flows[flow.name] = flow
        source.outgoing += (flow,)
        target.incoming += (flow,)


def _attach(process: CompiledProcess, node: Node) -> None:
    definition = node.definition
    node.default = process.flows.get(definition.default)
    if definition.attached_to:
        host = node.attached_to = process.nodes[definition.attached_to]
        if node.kind is EventKind.COMPENSATION:
            host.compensated_by = process.nodes[definition.handler]
        else:
            host.boundaries += (node,)
    if node.type is NodeType.THROW_EVENT and node.kind is EventKind.LINK:
        node.link = next(
            n for n in node.body.nodes
            if n.type is NodeType.CATCH_EVENT and n.kind is EventKind.LINK and n.event.name == node.event.name
        )  # fmt: skip


def _open(body: Body) -> None:
    """Works out where ``body`` begins: without start event at the nodes without incoming flow (§10.5.2)."""
    body.event_sub_processes = tuple(n for n in body.nodes if n.definition.event_triggered)
    for node in body.event_sub_processes:
        node.start_event = next(n for n in node.inner.nodes if n.type is NodeType.START_EVENT)
    starts = tuple(n for n in body.nodes if n.type is NodeType.START_EVENT)
    body.starts = tuple(n for n in starts if n.kind is EventKind.NONE)
    if not starts:
        body.starts = tuple(n for n in body.nodes if begins_without_flow(n))


def begins_without_flow(node: Node) -> bool:
    """Whether a token appears at ``node`` where its body has no start event (and what an ad-hoc sub-process offers)."""
    if node.incoming or node.definition.for_compensation or node.definition.event_triggered:
        return False
    linked = node.type is NodeType.CATCH_EVENT and node.kind is EventKind.LINK
    return node.type in ACTIVITIES | GATEWAYS | {NodeType.THROW_EVENT, NodeType.CATCH_EVENT} and not linked


def successors(node: Node) -> list[Node]:
    """Nodes to which a token at ``node`` can go next within its body: over flows, links and boundary events."""
    found = [flow.target for flow in node.outgoing]
    found += node.boundaries
    links = node.type is NodeType.THROW_EVENT and node.kind is EventKind.LINK
    return [*found, node.link] if links else found


def reach_of(gateway: Node) -> dict[str, int]:
    """For each node that can reach ``gateway`` without passing it: over which incoming flows, as bits."""
    before: dict[Node, list[Node]] = {}
    for node in gateway.body.nodes:
        for target in successors(node):
            before.setdefault(target, []).append(node)
    reach: dict[str, int] = {}
    for flow in gateway.incoming:
        todo, seen = [flow.source], {gateway}
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                reach[node.name] = reach.get(node.name, 0) | flow.bit
                todo.extend(before.get(node, ()))
    return reach

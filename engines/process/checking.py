"""Structural checks: what a process must be so that it can run at all. Each problem names the element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engines.core import Diagnostic, Place, Severity
from engines.core.diagnostics import did_you_mean
from engines.process.definition import FlowDefinition, NodeDefinition, ProcessDefinition
from engines.process.kinds import (
    ACTIVITIES,
    ALLOWED_EVENTS,
    ALWAYS_INTERRUPTING,
    EVENT_SUB_PROCESS_STARTS,
    GATEWAYS,
    PROCESS_START_EVENTS,
    EventKind,
    NodeType,
)

_NAMED = frozenset({EventKind.MESSAGE, EventKind.SIGNAL, EventKind.LINK})


def structure(definition: ProcessDefinition) -> list[Diagnostic]:
    """Everything that is structurally wrong, in file order."""
    names = {node.name for node in definition.all_nodes()}
    found: list[Diagnostic] = list(_repeated_names(definition))
    for container, nodes, flows in bodies(definition):
        body = _Body(container, nodes, flows, names)
        found += body.check()
    if not definition.nodes:
        found.append(Diagnostic(code="process.empty", expected="at least one node"))
    return [d if d.file else _in(definition, d) for d in found]


def _repeated_names(definition: ProcessDefinition) -> Iterator[Diagnostic]:
    """Nodes and flows that share a name: a name is identity in the whole process, sub-processes included."""
    first: dict[str, NodeDefinition | FlowDefinition] = {}
    things: list[NodeDefinition | FlowDefinition] = [*definition.all_nodes(), *definition.all_flows()]
    for thing in things:
        if thing.name in first:
            yield replace(
                problem(thing, "process.repeated_name", "name", found=thing.name,
                        expected="a name of its own for each node and flow"),
                related=(Place(file=definition.file, pointer=first[thing.name].pointer + "/name"),),
            )  # fmt: skip
        first.setdefault(thing.name, thing)


def _in(definition: ProcessDefinition, diagnostic: Diagnostic) -> Diagnostic:
    return replace(diagnostic, file=definition.file)


def bodies(
    definition: ProcessDefinition,
) -> Iterator[tuple[NodeDefinition | None, Sequence[NodeDefinition], Sequence[FlowDefinition]]]:
    """The process itself and each sub-process, with nodes and flows."""
    yield None, definition.nodes, definition.flows
    for node in definition.all_nodes():
        if node.nodes or node.type in (NodeType.SUB_PROCESS, NodeType.TRANSACTION, NodeType.AD_HOC):
            yield node, node.nodes, node.flows


class _Body:
    """The checks of one process or sub-process."""

    def __init__(
        self,
        container: NodeDefinition | None,
        nodes: Sequence[NodeDefinition],
        flows: Sequence[FlowDefinition],
        everywhere: set[str],
    ) -> None:
        self.container = container
        self.nodes = {node.name: node for node in nodes}
        self.flows = flows
        self.everywhere = everywhere
        self.incoming: Mapping[str, list[FlowDefinition]] = {name: [] for name in self.nodes}
        self.outgoing: Mapping[str, list[FlowDefinition]] = {name: [] for name in self.nodes}

    def check(self) -> Iterator[Diagnostic]:
        yield from self._flows()
        for node in self.nodes.values():
            yield from self._event(node)
            yield from self._boundary(node)
            yield from self._activity(node)
            yield from self._connections(node)
        yield from self._starts()
        yield from self._event_sub_process()
        yield from self._same_catch()
        yield from self._links()

    def _flows(self) -> Iterator[Diagnostic]:
        for flow in self.flows:
            missing = [end for end in ("source", "target") if getattr(flow, end) not in self.nodes]
            for end in missing:
                name = getattr(flow, end)
                crosses = name in self.everywhere
                yield Diagnostic(
                    code="process.flow_crosses_scope" if crosses else "process.unknown_node",
                    pointer=flow.pointer + ("/from" if end == "source" else "/to"),
                    element=flow.name,
                    found=name,
                    expected="a node of the same process or sub-process",
                    hint="" if crosses else did_you_mean(name, list(self.nodes)),
                )
            if not missing:
                self.outgoing[flow.source].append(flow)
                self.incoming[flow.target].append(flow)

    def _event(self, node: NodeDefinition) -> Iterator[Diagnostic]:
        kind = node.event.kind if node.event else EventKind.NONE
        allowed = self._allowed(node)
        if allowed is None:
            if node.event is not None:
                yield problem(node, "process.event_on_activity", "event", found=kind)
            return
        if kind not in allowed:
            yield problem(
                node, "process.event_not_here", "event", found=kind, expected="one of: " + ", ".join(sorted(allowed))
            )
        elif node.event is not None and kind in _NAMED and not node.event.name:
            yield problem(node, "process.no_event_name", "event", expected=f"the name of the {kind}")
        if kind is EventKind.CANCEL and node.type is NodeType.END_EVENT and not self._in_transaction():
            yield problem(node, "process.cancel_outside", "event", expected="a transaction around the event")
        if node.event and node.event.timer:
            timer = node.event.timer
            if sum(bool(part) for part in (timer.duration, timer.date, timer.cycle)) != 1:
                yield problem(node, "process.timer_unclear", "event", expected="one of duration, date and cycle")
        elif kind is EventKind.CONDITION and node.event and not node.event.condition:
            yield problem(node, "process.no_condition", "event", expected="a FEEL condition")
        if not node.interrupting and kind in ALWAYS_INTERRUPTING - {EventKind.COMPENSATION}:
            yield problem(node, "process.always_interrupts", "interrupting", found="false", expected="true")

    def _in_transaction(self) -> bool:
        return self.container is not None and self.container.type is NodeType.TRANSACTION

    def _allowed(self, node: NodeDefinition) -> frozenset[EventKind] | None:
        """Which events may stand on the node; None where events do not belong."""
        if node.type is NodeType.START_EVENT:
            if self.container is None:
                return PROCESS_START_EVENTS
            return EVENT_SUB_PROCESS_STARTS if self.container.event_triggered else frozenset({EventKind.NONE})
        if node.type in (NodeType.RECEIVE_TASK, NodeType.SEND_TASK):
            return frozenset({EventKind.MESSAGE, EventKind.NONE})
        return ALLOWED_EVENTS.get(node.type)

    def _boundary(self, node: NodeDefinition) -> Iterator[Diagnostic]:
        if node.type is not NodeType.BOUNDARY_EVENT:
            return
        host = self.nodes.get(node.attached_to)
        if host is None or host.type not in ACTIVITIES:
            yield problem(
                node, "process.no_host", "attached_to", found=node.attached_to,
                expected="an activity of the same process or sub-process",
                hint=did_you_mean(node.attached_to, [n.name for n in self.nodes.values() if n.type in ACTIVITIES]),
            )  # fmt: skip
            return
        kind = node.event.kind if node.event else EventKind.NONE
        if kind is EventKind.CANCEL and host.type is not NodeType.TRANSACTION:
            yield problem(node, "process.cancel_outside", "attached_to", found=host.type, expected="a transaction")
        if kind is EventKind.COMPENSATION:
            handler = self.nodes.get(node.handler)
            if handler is None or not handler.for_compensation:
                yield problem(
                    node, "process.no_handler", "handler", found=node.handler,
                    expected="an activity with for_compensation",
                )  # fmt: skip

    def _activity(self, node: NodeDefinition) -> Iterator[Diagnostic]:
        needs = {
            NodeType.SERVICE_TASK: "service",
            NodeType.BUSINESS_RULE_TASK: "decision",
            NodeType.CALL_ACTIVITY: "process",
        }.get(node.type)
        if needs and not getattr(node, needs):
            yield problem(node, "process.incomplete", "", expected=f'"{needs}"')
        if node.type is NodeType.RECEIVE_TASK and not (node.event and node.event.name):
            yield problem(node, "process.no_event_name", "", expected="the name of the message")
        if node.type is NodeType.SEND_TASK and not node.service and not (node.event and node.event.name):
            yield problem(node, "process.no_event_name", "", expected="the name of the message, or a service")
        if node.multi_instance and node.loop:
            yield problem(node, "process.loop_and_multi_instance", "loop")
        if (node.multi_instance or node.loop) and (node.type not in ACTIVITIES or node.event_triggered):
            yield problem(node, "process.cannot_repeat", "multi_instance" if node.multi_instance else "loop")
        if node.multi_instance and not node.multi_instance.each and not node.multi_instance.count:
            yield problem(node, "process.no_instances", "multi_instance", expected='"each" or "count"')
        if node.type is NodeType.AD_HOC and not node.nodes:
            yield problem(node, "process.empty", "", expected="at least one activity")

    def _connections(self, node: NodeDefinition) -> Iterator[Diagnostic]:
        incoming, outgoing = self.incoming[node.name], self.outgoing[node.name]
        no_incoming = node.type in (NodeType.START_EVENT, NodeType.BOUNDARY_EVENT)
        kind = node.event.kind if node.event else EventKind.NONE
        linked = kind is EventKind.LINK
        alone = node.event_triggered or node.for_compensation
        if incoming and (no_incoming or alone or (linked and node.type is NodeType.CATCH_EVENT)):
            yield problem(node, "process.no_incoming_allowed", "", found=incoming[0].name)
        compensating = node.type is NodeType.BOUNDARY_EVENT and kind is EventKind.COMPENSATION
        ends = node.type is NodeType.END_EVENT or alone or compensating
        if outgoing and (ends or (linked and node.type is NodeType.THROW_EVENT)):
            yield problem(node, "process.no_outgoing_allowed", "", found=outgoing[0].name)
        if node.default and node.default not in {flow.name for flow in outgoing}:
            yield problem(
                node, "process.unknown_default", "default", found=node.default,
                expected="one of: " + ", ".join(flow.name for flow in outgoing),
            )  # fmt: skip
        if node.type in GATEWAYS and not outgoing and (len(incoming) < 2 or node.type is NodeType.EXCLUSIVE):
            yield problem(node, "process.gateway_without_flows", "", expected="an outgoing flow")
        conditional = [flow for flow in outgoing if flow.condition]
        if node.type is NodeType.EXCLUSIVE and len(outgoing) == 1 and conditional:
            yield problem(
                conditional[0], "process.condition_on_single_flow", "condition", found=conditional[0].condition
            )
        for flow in conditional:
            if flow.name == node.default:
                yield problem(flow, "process.condition_on_default", "condition", found=flow.condition)
        if node.type is NodeType.EVENT_BASED:
            yield from self._event_gateway(node, outgoing)

    def _event_gateway(self, node: NodeDefinition, outgoing: Sequence[FlowDefinition]) -> Iterator[Diagnostic]:
        """Only catch events and receive tasks may follow, each with this one incoming flow (§10.6.6)."""
        if len(outgoing) < 2:
            yield problem(node, "process.event_gateway_alone", "", expected="at least two events that follow")
        for flow in outgoing:
            target = self.nodes[flow.target]
            if target.type not in (NodeType.CATCH_EVENT, NodeType.RECEIVE_TASK) or flow.condition:
                yield problem(node, "process.event_gateway_target", "", found=flow.target,
                              expected="a catch event or receive task, without condition")  # fmt: skip
        if not self.incoming[node.name]:
            yield problem(node, "process.instantiating_gateway", "", expected="an incoming flow")

    def _starts(self) -> Iterator[Diagnostic]:
        """At most one plain start event (each would begin an instance of its own), none in an ad-hoc sub-process."""
        starts = [n for n in self.nodes.values() if n.type is NodeType.START_EVENT]
        plain = [n for n in starts if n.event is None or n.event.kind is EventKind.NONE]
        event_triggered = self.container is not None and self.container.event_triggered
        if len(plain) > 1 and not event_triggered:
            yield problem(plain[1], "process.several_plain_starts", "", found=plain[1].name, expected=plain[0].name)
        if self.container is not None and self.container.type is NodeType.AD_HOC:
            for node in self.nodes.values():
                if node.type in (NodeType.START_EVENT, NodeType.END_EVENT):
                    yield problem(node, "process.event_in_ad_hoc", "type", found=node.type)
        caught: dict[tuple[EventKind, str], NodeDefinition] = {}
        for node in starts:
            if self.container is None and node.event and node.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
                yield from self._once(node, caught, (node.event.kind, node.event.name))

    def _same_catch(self) -> Iterator[Diagnostic]:
        """Two boundary events of one activity that catch the same: the second would never happen (or always too)."""
        caught: dict[tuple[EventKind, str], NodeDefinition] = {}
        exclusive = (EventKind.ERROR, EventKind.ESCALATION, EventKind.CANCEL, EventKind.MESSAGE, EventKind.COMPENSATION)
        for node in self.nodes.values():
            if node.type is NodeType.BOUNDARY_EVENT and node.event and node.event.kind in exclusive:
                yield from self._once(node, caught, (node.event.kind, f"{node.attached_to}/{node.event.name}"))

    def _once(
        self, node: NodeDefinition, seen: dict[tuple[EventKind, str], NodeDefinition], key: tuple[EventKind, str]
    ) -> Iterator[Diagnostic]:
        if key in seen:
            yield problem(node, "process.caught_twice", "event", found=key[1].rpartition("/")[2], hint=seen[key].name)
        seen.setdefault(key, node)

    def _event_sub_process(self) -> Iterator[Diagnostic]:
        node = self.container
        if node is None or not node.event_triggered:
            return
        starts = [n for n in self.nodes.values() if n.type is NodeType.START_EVENT]
        if len(starts) != 1:
            yield problem(node, "process.event_sub_process_start", "", found=str(len(starts)), expected="1 start event")
        if node.type is not NodeType.SUB_PROCESS:
            yield problem(node, "process.event_sub_process_type", "type", found=node.type, expected="subProcess")

    def _links(self) -> Iterator[Diagnostic]:
        """Each link has one catch event; several may throw it (§10.5.5 Link)."""
        catches: dict[str, NodeDefinition] = {}
        for node in self.nodes.values():
            if node.event and node.event.kind is EventKind.LINK and node.type is NodeType.CATCH_EVENT:
                if node.event.name in catches:
                    yield problem(node, "process.link_twice", "event", found=node.event.name)
                catches[node.event.name] = node
        for node in self.nodes.values():
            throws = node.event and node.event.kind is EventKind.LINK and node.type is NodeType.THROW_EVENT
            if throws and node.event and node.event.name not in catches:
                yield problem(
                    node, "process.unknown_link", "event", found=node.event.name,
                    expected="a link catch event of that name here", hint=did_you_mean(node.event.name, list(catches)),
                )  # fmt: skip


def problem(
    node: NodeDefinition | FlowDefinition, code: str, part: str, *, found: str = "", expected: str = "", hint: str = "",
    severity: Severity = Severity.ERROR,
) -> Diagnostic:  # fmt: skip
    """A diagnostic at a node or one of its properties."""
    pointer = node.pointer + (f"/{part}" if part else "")
    return Diagnostic(
        code=code, severity=severity, pointer=pointer, element=node.name, found=str(found), expected=expected, hint=hint
    )

"""Writes processes as BPMN 2.0 XML that other tools open; what BPMN has no word for travels as an extension."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from engines.process.kinds import EventKind, NodeType
from engines.process.xml.diagram import write_diagram
from engines.process.xml.words import (
    ASSIGN_FORMAT,
    BPMN,
    BPMNDI,
    DC,
    DI,
    OWN,
    REFERENCES,
    TAG_OF_EVENT,
    XSI,
    tag,
)

_Json = Mapping[str, Any]
# Properties of nodes that BPMN's own elements and attributes hold.
_BPMN_KEYS = frozenset(
    {"name", "type", "label", "documentation", "event", "attached_to", "interrupting", "handler", "default", "lane"}
    | {"for_compensation", "multi_instance", "loop", "nodes", "flows", "event_triggered", "script", "process"}
    | {"sequential", "complete_when", "cancel_remaining"}
)
_PROCESS_KEYS = frozenset({"name", "nodes", "flows", "diagram", "lanes", "label"})


def export_bpmn(*processes: _Json) -> str:
    """The processes (contents of ``*.process.json`` files) as one BPMN 2.0 XML document with their diagrams."""
    names = {None: BPMN, "bpmndi": BPMNDI, "dc": DC, "di": DI, "xsi": XSI, "dougong": OWN}
    root = etree.Element(tag("definitions"), nsmap=names)  # type: ignore[arg-type]
    root.set("id", "definitions")
    root.set("targetNamespace", OWN)
    writer = _Writer()
    elements = [writer.process(process) for process in processes]
    for shared in writer.roots.values():
        root.append(shared)
    for element in elements:
        root.append(element)
    for process in processes:
        write_diagram(root, process["name"], process.get("diagram", {}))
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode()


class _Writer:
    """Builds elements and collects the root elements that they refer to."""

    def __init__(self) -> None:
        self.roots: dict[tuple[EventKind, str], etree._Element] = {}

    def process(self, data: _Json) -> etree._Element:
        """A process element."""
        element = etree.Element(tag("process"), id=data["name"], isExecutable="true")
        if isinstance(data.get("label"), str):
            element.set("name", data["label"])
        own = {key: value for key, value in data.items() if key not in _PROCESS_KEYS}
        if isinstance(data.get("label"), Mapping):
            element.set("name", _first_text(data["label"]))
            own["label"] = data["label"]
        _extend(element, own)
        self.lanes(element, data)
        self.body(element, data)
        return element

    def lanes(self, element: etree._Element, data: _Json) -> None:
        """The lane set with the nodes of each lane."""
        if not data.get("lanes"):
            return
        lane_set = etree.SubElement(element, tag("laneSet"), id=f"lanes_{data['name']}")
        for lane in data["lanes"]:
            drawn = etree.SubElement(lane_set, tag("lane"), id=lane["name"])
            if lane.get("label"):
                drawn.set("name", _first_text(lane["label"]))
            for node in _all_nodes(data):
                if node.get("lane") == lane["name"]:
                    etree.SubElement(drawn, tag("flowNodeRef")).text = node["name"]

    def body(self, element: etree._Element, data: _Json) -> None:
        """Nodes and flows of a process or sub-process."""
        flows = data.get("flows", ())
        for node in data.get("nodes", ()):
            element.append(self.node(node, flows))
        for flow in flows:
            element.append(self.flow(flow))
        for node in data.get("nodes", ()):
            if node.get("handler"):
                etree.SubElement(
                    element, tag("association"), id=f"undo_{node['name']}", associationDirection="One",
                    sourceRef=node["name"], targetRef=node["handler"],
                )  # fmt: skip

    def flow(self, data: _Json) -> etree._Element:
        """A sequence flow."""
        element = etree.Element(tag("sequenceFlow"), id=data["name"], sourceRef=data["from"], targetRef=data["to"])
        own = {key: data[key] for key in ("default",) if key in data}
        _label(element, data, own)
        _extend(element, own)
        if data.get("condition"):
            condition = etree.SubElement(element, tag("conditionExpression"))
            condition.set(tag("type", XSI), "tFormalExpression")
            condition.text = data["condition"]
        return element

    def node(self, data: _Json, flows: Sequence[_Json]) -> etree._Element:
        """A flow node; the order of its children is that of the BPMN schema."""
        element = etree.Element(tag(data["type"]), id=data["name"])
        own = {key: value for key, value in data.items() if key not in _BPMN_KEYS}
        event = data.get("event", {})
        own |= (
            {"event": event}
            if "correlation" in event or "payload" in event or "calendar" in event.get("timer", {})
            else {}
        )
        _label(element, data, own)
        self.attributes(element, data, flows)
        if data.get("documentation"):
            etree.SubElement(element, tag("documentation")).text = data["documentation"]
        _extend(element, own)
        for name, key in (("incoming", "to"), ("outgoing", "from")):
            for flow in flows:
                if flow[key] == data["name"]:
                    etree.SubElement(element, tag(name)).text = flow["name"]
        if event:
            self.event(element, data, event)
        _repeat(element, data)
        if "nodes" in data:
            self.body(element, data)
        _details(element, data)
        return element

    def attributes(self, element: etree._Element, data: _Json, flows: Sequence[_Json]) -> None:
        """Attributes of a node."""
        default = data.get("default") or next(
            (f["name"] for f in flows if f["from"] == data["name"] and f.get("default")), ""
        )
        values = {
            "default": default,
            "attachedToRef": data.get("attached_to", ""),
            "calledElement": data.get("process", ""),
            "isForCompensation": "true" if data.get("for_compensation") else "",
            "triggeredByEvent": "true" if data.get("event_triggered") else "",
        }
        if data["type"] == NodeType.BOUNDARY_EVENT:
            values["cancelActivity"] = str(data.get("interrupting", True)).lower()
        if data["type"] == NodeType.START_EVENT and not data.get("interrupting", True):
            values["isInterrupting"] = "false"
        if data["type"] == NodeType.AD_HOC:
            values["ordering"] = "Sequential" if data.get("sequential") else "Parallel"
            values["cancelRemainingInstances"] = str(data.get("cancel_remaining", True)).lower()
        for name, value in values.items():
            if value:
                element.set(name, value)

    def event(self, element: etree._Element, node: _Json, event: _Json) -> None:
        """The event definition of a node."""
        kind = next(EventKind(key) for key in event if key in set(EventKind))
        if kind is EventKind.NONE:
            return
        if node["type"] in (NodeType.RECEIVE_TASK, NodeType.SEND_TASK):
            element.set("messageRef", self.reference(kind, event[kind]))
            return
        definition = etree.SubElement(element, tag(TAG_OF_EVENT[kind]), id=f"{node['name']}_event")
        match kind:
            case EventKind.TIMER:
                for key, name in (("duration", "timeDuration"), ("date", "timeDate"), ("cycle", "timeCycle")):
                    if key in event["timer"]:
                        etree.SubElement(definition, tag(name)).text = _plain_timer(event["timer"][key])
            case EventKind.CONDITION:
                etree.SubElement(definition, tag("condition")).text = event["condition"]
            case EventKind.LINK:
                definition.set("name", event["link"])
            case EventKind.COMPENSATION:
                if event["compensation"]:
                    definition.set("activityRef", event["compensation"])
            case EventKind.TERMINATE | EventKind.CANCEL:
                pass
            case _:
                if event[kind]:
                    definition.set(REFERENCES[kind][0], self.reference(kind, event[kind]))

    def reference(self, kind: EventKind, name: str) -> str:
        """The id of the root element that stands for a message, signal, error or escalation."""
        _, root, attribute = REFERENCES[kind]
        if (kind, name) not in self.roots:
            element = etree.Element(tag(root), id=f"{root}_{len(self.roots) + 1}")
            element.set("name", name)
            element.set(attribute, name)
            self.roots[kind, name] = element
        return self.roots[kind, name].get("id", "")


def _repeat(element: etree._Element, data: _Json) -> None:
    """Loop characteristics."""
    multi, loop = data.get("multi_instance"), data.get("loop")
    if multi:
        sequential = str(multi.get("mode") == "sequential").lower()
        found = etree.SubElement(element, tag("multiInstanceLoopCharacteristics"), isSequential=sequential)
        parts = (("loopCardinality", multi.get("count")), ("loopDataInputRef", multi.get("each")))
        for name, text in parts:
            if text is not None:
                etree.SubElement(found, tag(name)).text = str(text)
        collect = multi.get("collect")
        if collect:
            etree.SubElement(found, tag("loopDataOutputRef")).text = collect["into"]
        if multi.get("as"):
            etree.SubElement(found, tag("inputDataItem"), name=multi["as"])
        if collect:
            etree.SubElement(found, tag("outputDataItem"), name=collect["value"])
        if multi.get("complete_when"):
            etree.SubElement(found, tag("completionCondition")).text = multi["complete_when"]
    if loop:
        found = etree.SubElement(element, tag("standardLoopCharacteristics"))
        found.set("testBefore", str(loop.get("before", False)).lower())
        if loop.get("maximum"):
            found.set("loopMaximum", str(loop["maximum"]))
        etree.SubElement(found, tag("loopCondition")).text = loop["while"]


def _details(element: etree._Element, data: _Json) -> None:
    """Scripts, and the completion condition of ad-hoc sub-processes."""
    if data.get("script"):
        element.set("scriptFormat", ASSIGN_FORMAT)
        lines = "\n".join(f"{line['set']} = {line['value']}" for line in data["script"])
        etree.SubElement(element, tag("script")).text = lines
    if data.get("complete_when"):
        etree.SubElement(element, tag("completionCondition")).text = data["complete_when"]


def _extend(element: etree._Element, own: _Json) -> None:
    """Keeps what BPMN has no word for."""
    if own:
        extension = etree.SubElement(element, tag("extensionElements"))
        etree.SubElement(extension, tag("definition", OWN)).text = json.dumps(own, ensure_ascii=False, sort_keys=True)


def _label(element: etree._Element, data: _Json, own: dict[str, Any]) -> None:
    label = data.get("label")
    if isinstance(label, Mapping):
        own["label"] = label
    if label:
        element.set("name", _first_text(label))


def _first_text(label: str | _Json) -> str:
    return label if isinstance(label, str) else str(next(iter(label.values()), ""))


def _plain_timer(text: str) -> str:
    """A FEEL literal as the plain text that other tools expect."""
    for start in ("duration(", "date and time(", "date(", ""):
        inner = text.removeprefix(start).removesuffix(")") if start and text.startswith(start) else text
        if len(inner) > 1 and inner[0] == inner[-1] == '"' and '"' not in inner[1:-1]:
            return inner[1:-1]
    return text


def _all_nodes(data: _Json) -> Sequence[_Json]:
    return [n for node in data.get("nodes", ()) for n in (node, *_all_nodes(node))]

"""Reads BPMN 2.0 XML into process files, and says what of it is not kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from engines.core import Diagnostic, Severity
from engines.process.kinds import SUB_PROCESSES, EventKind, NodeType
from engines.process.xml.diagram import read_diagram
from engines.process.xml.names import settle_names
from engines.process.xml.words import ASSIGN_FORMAT, BPMN, EVENT_TAGS, NODE_TAGS, OWN, REFERENCES, tag

_DURATION = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_MIXED = re.compile(r"[YM]\d*.*[DT]")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CYCLE = re.compile(r"R\d*/.+|[\d*/,\-?LW#]+( [\d*/,\-?LW#A-Za-z]+){4,5}")
# Elements that carry no behaviour here: read past without a word, or with a hint.
_QUIET = frozenset(
    {"incoming", "outgoing", "documentation", "extensionElements", "laneSet", "association", "property", "resources"}
    | {"auditing", "monitoring", "supports"}
)
# What other engines read on processes and activities, and is stated otherwise here.
_ELSEWHERE = frozenset(
    {"ioSpecification", "dataInputAssociation", "dataOutputAssociation", "performer", "humanPerformer"}
    | {"potentialOwner", "resourceRole", "correlationSubscription", "rendering"}
)
_DRAWN = frozenset({"textAnnotation", "group", "dataObject", "dataObjectReference", "dataStoreReference", "category"})
# Parts of a collaboration that say nothing about how one process runs, and models of another kind altogether.
_BESIDE = ("participant", "messageFlow", "conversation", "subConversation", "callConversation", "conversationLink")
_OTHER_MODELS = ("choreography", "globalChoreographyTask")
_DATA = ("dataObject", "dataObjectReference", "property", "dataInput", "dataOutput")
# Largest file, against files made to hurt.
_MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The processes of a BPMN file."""

    # As the content of ``*.process.json`` files, in file order.
    processes: tuple[dict[str, Any], ...]
    # What cannot be run (errors) and what was left out (hints), with element ids and lines.
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether everything in the file can be run."""
        return all(d.severity != Severity.ERROR for d in self.diagnostics)


def import_bpmn(text: str | bytes, file: str = "") -> Imported:
    """The processes in a BPMN 2.0 XML file. Entities, external references and document types are refused."""
    raw = text.encode() if isinstance(text, str) else text
    problem = _unsafe(raw)
    if problem:
        return Imported(processes=(), diagnostics=(Diagnostic(code=problem, file=file),))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        found = Diagnostic(code="process.not_xml", file=file, line=error.lineno or 0, found=str(error.msg))
        return Imported(processes=(), diagnostics=(found,))
    if root.tag != tag("definitions"):
        found = Diagnostic(code="process.not_bpmn", file=file, found=str(root.tag), expected="bpmn:definitions")
        return Imported(processes=(), diagnostics=(found,))
    settle_names(root)
    reader = _Reader(root, file)
    processes = tuple(reader.process(element) for element in root.findall(tag("process")))
    reader.around(root, found=bool(processes))
    return Imported(processes=processes, diagnostics=tuple(reader.diagnostics))


def _unsafe(raw: bytes) -> str:
    if len(raw) > _MAX_BYTES:
        return "process.xml_too_large"
    return "process.xml_doctype" if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw else ""


class _Reader:
    """Walks one document."""

    def __init__(self, root: etree._Element, file: str) -> None:
        self.root = root
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.roots = {
            kind: {e.get("id"): e for e in root.findall(tag(name))} for kind, (_, name, _) in REFERENCES.items()
        }
        self.handlers = {_local(e.get("sourceRef")): _local(e.get("targetRef")) for e in root.iter(tag("association"))}
        undone = {
            _local(e.get("id"))
            for e in root.iter(tag("boundaryEvent"))
            if e.find(tag("compensateEventDefinition")) is not None
        }
        # Activities that a compensation event names are for compensation, whether or not they say so.
        self.undoing = {target for source, target in self.handlers.items() if source in undone}
        self.items = {e.get("id"): e.get("name") or e.get("id") for e in root.iter(*(tag(name) for name in _DATA))}

    def say(
        self,
        code: str,
        element: etree._Element,
        severity: Severity = Severity.ERROR,
        *,
        found: str = "",
        expected: str = "",
    ) -> None:
        """Notes something about an element."""
        self.diagnostics.append(
            Diagnostic(
                code=code, severity=severity, file=self.file, line=int(str(element.sourceline or 0)), column=1,
                element=element.get("id", ""), found=found, expected=expected,
            )
        )  # fmt: skip

    def around(self, root: etree._Element, *, found: bool) -> None:
        """Says what stands beside the processes and is not kept: other pools, messages between them, choreographies."""
        for element in root.iter(*(tag(name) for name in _BESIDE)):
            name = etree.QName(element).localname
            if name != "participant" or not element.get("processRef"):
                self.say("process.not_kept", element, Severity.HINT, found=name)
        for element in root.iter(*(tag(name) for name in _OTHER_MODELS)):
            self.say("process.unsupported_element", element, found=etree.QName(element).localname)
        if not found:
            self.say("process.empty", root, expected="a process")

    def process(self, element: etree._Element) -> dict[str, Any]:
        """One process as a process file."""
        data: dict[str, Any] = {"name": element.get("id", "process")}
        if element.get("name"):
            data["label"] = element.get("name")
        data |= _own(element)
        lanes = self.lanes(element, data)
        data |= self.body(element, lanes)
        diagram = read_diagram(
            self.root, {n["name"] for n in _all(data, "nodes")}, {f["name"] for f in _all(data, "flows")}
        )
        if diagram:
            data["diagram"] = diagram
        return data

    def lanes(self, element: etree._Element, data: dict[str, Any]) -> dict[str, str]:
        """The lane of each node; the lanes themselves are added to ``data``."""
        found: dict[str, str] = {}
        lanes = []
        for lane in element.iter(tag("lane")):
            lanes.append({"name": lane.get("id"), **({"label": lane.get("name")} if lane.get("name") else {})})
            for reference in lane.findall(tag("flowNodeRef")):
                found[_text(reference)] = lane.get("id", "")
        if lanes:
            data["lanes"] = lanes
        return found

    def body(self, element: etree._Element, lanes: Mapping[str, str]) -> dict[str, Any]:
        """Nodes and flows of a process or sub-process."""
        nodes, flows = [], []
        for child in element:
            name = etree.QName(child).localname
            if etree.QName(child).namespace != BPMN:
                self.say("process.not_kept", child, Severity.HINT, found=str(child.tag))
            elif name == "sequenceFlow":
                flows.append(self.flow(child))
            elif name in NODE_TAGS:
                nodes.append(self.node(child, NODE_TAGS[name], lanes))
            elif name in _DRAWN or name in _ELSEWHERE:
                self.say("process.not_kept", child, Severity.HINT, found=name)
            elif name not in _QUIET and not self.is_part(element, name):
                self.say("process.unsupported_element", child, found=name)
        return {"nodes": nodes, "flows": flows}

    def is_part(self, element: etree._Element, name: str) -> bool:
        """Whether a child belongs to the sub-process itself and is read elsewhere."""
        return name in (
            "multiInstanceLoopCharacteristics",
            "standardLoopCharacteristics",
            "completionCondition",
            "text",
        )

    def flow(self, element: etree._Element) -> dict[str, Any]:
        """A sequence flow."""
        data: dict[str, Any] = {
            "name": _local(element.get("id")),
            "from": _local(element.get("sourceRef")),
            "to": _local(element.get("targetRef")),
        }
        if element.get("name"):
            data["label"] = element.get("name")
        condition = element.find(tag("conditionExpression"))
        if condition is not None and _text(condition):
            data["condition"] = _text(condition)
        return data | _own(element)

    def node(self, element: etree._Element, kind: NodeType, lanes: Mapping[str, str]) -> dict[str, Any]:
        """A flow node with everything on it."""
        name = _local(element.get("id"))
        data: dict[str, Any] = {"name": name, "type": str(kind)}
        if element.get("name"):
            data["label"] = element.get("name")
        documentation = element.find(tag("documentation"))
        if documentation is not None and _text(documentation):
            data["documentation"] = _text(documentation)
        if name in lanes:
            data["lane"] = lanes[name]
        if element.get("default"):
            data["default"] = _local(element.get("default"))
        if element.get("isForCompensation") == "true" or name in self.undoing:
            data["for_compensation"] = True
        if kind not in SUB_PROCESSES:
            for child in element:
                if etree.QName(child).localname in _ELSEWHERE:
                    self.say("process.not_kept", child, Severity.HINT, found=etree.QName(child).localname)
        data |= self.event(element, kind)
        data |= self.repeat(element)
        data |= self.work(element, kind)
        if kind in SUB_PROCESSES:
            data |= self.sub_process(element, kind, lanes)
        return data | _own(element)

    def event(self, element: etree._Element, kind: NodeType) -> dict[str, Any]:
        """What an event waits for or raises, and where it stands."""
        data: dict[str, Any] = {}
        if kind is NodeType.BOUNDARY_EVENT:
            data["attached_to"] = _local(element.get("attachedToRef"))
            if element.get("cancelActivity") == "false":
                data["interrupting"] = False
        if kind is NodeType.START_EVENT and element.get("isInterrupting") == "false":
            data["interrupting"] = False
        found = [e for e in self.event_definitions(element)]
        if len(found) > 1:
            self.say("process.several_events", element, found=", ".join(str(etree.QName(e).localname) for e in found))
        if found:
            data["event"] = self.event_of(found[0])
            if "compensation" in data["event"] and kind is NodeType.BOUNDARY_EVENT:
                data["handler"] = self.handlers.get(_local(element.get("id")), "")
        if kind in (NodeType.RECEIVE_TASK, NodeType.SEND_TASK) and element.get("messageRef"):
            data["event"] = {"message": self.name_of(EventKind.MESSAGE, element)}
        if kind is NodeType.RECEIVE_TASK and element.get("instantiate") == "true":
            self.say("process.unsupported_element", element, found="instantiate")
        return data

    def event_definitions(self, element: etree._Element) -> Iterator[etree._Element]:
        """The event definitions on a node, those it refers to included."""
        for child in element:
            name = etree.QName(child).localname
            if name in EVENT_TAGS:
                yield child
            elif name == "eventDefinitionRef":
                yield from (e for e in self.root if e.get("id") == _local(_text(child)))
            elif name.endswith("EventDefinition"):
                self.say("process.unsupported_element", child, found=name)

    def event_of(self, element: etree._Element) -> dict[str, Any]:
        """One event definition."""
        kind = EVENT_TAGS[etree.QName(element).localname]
        match kind:
            case EventKind.TIMER:
                return {"timer": self.timer(element)}
            case EventKind.CONDITION:
                return {"condition": _text(element.find(tag("condition")))}
            case EventKind.LINK:
                return {"link": element.get("name", "")}
            case EventKind.COMPENSATION:
                return {"compensation": _local(element.get("activityRef"))}
            case EventKind.TERMINATE | EventKind.CANCEL:
                return {str(kind): True}
        return {str(kind): self.name_of(kind, element)}

    def name_of(self, kind: EventKind, element: etree._Element) -> str:
        """Name or code of the message, signal, error or escalation that an element refers to; "" refers to none."""
        reference, _, attribute = REFERENCES[kind]
        wanted = _local(element.get(reference))
        if not wanted:
            return ""
        target = self.roots[kind].get(wanted)
        if target is None:
            self.say("process.unknown_reference", element, found=wanted, expected=f"a {kind} of that id")
            return wanted
        return target.get(attribute) or target.get("name") or wanted

    def timer(self, element: etree._Element) -> dict[str, str]:
        """Duration, date or cycle as FEEL."""
        for name, key in (("timeDuration", "duration"), ("timeDate", "date"), ("timeCycle", "cycle")):
            part = element.find(tag(name))
            if part is not None:
                return {key: _timer_text(key, _text(part))}
        self.say("process.timer_unclear", element, expected="timeDuration, timeDate or timeCycle")
        return {"duration": "null"}

    def repeat(self, element: etree._Element) -> dict[str, Any]:
        """Multi-instance or loop."""
        multi = element.find(tag("multiInstanceLoopCharacteristics"))
        if multi is not None:
            return {"multi_instance": self.multi(multi)}
        loop = element.find(tag("standardLoopCharacteristics"))
        if loop is None:
            return {}
        data: dict[str, Any] = {"while": _text(loop.find(tag("loopCondition"))) or "true"}
        if loop.get("testBefore") == "true":
            data["before"] = True
        if loop.get("loopMaximum"):
            data["maximum"] = int(loop.get("loopMaximum", "0"))
        return {"loop": data}

    def multi(self, element: etree._Element) -> dict[str, Any]:
        """Multi-instance characteristics."""
        data: dict[str, Any] = {"mode": "sequential" if element.get("isSequential") == "true" else "parallel"}
        values = {
            "each": self.item(element.find(tag("loopDataInputRef"))),
            "as": _item_name(element.find(tag("inputDataItem"))),
            "count": _text(element.find(tag("loopCardinality"))),
            "complete_when": _text(element.find(tag("completionCondition"))),
        }
        data |= {key: value for key, value in values.items() if value}
        into, out = self.item(element.find(tag("loopDataOutputRef"))), _item_name(element.find(tag("outputDataItem")))
        if into and out:
            data["collect"] = {"into": into, "value": out}
        return data

    def item(self, element: etree._Element | None) -> str:
        """The variable that a data reference means."""
        text = _text(element)
        return self.items.get(text, text) or ""

    def work(self, element: etree._Element, kind: NodeType) -> dict[str, Any]:
        """What tasks and calls do."""
        match kind:
            case NodeType.SCRIPT_TASK:
                return self.script(element)
            case NodeType.CALL_ACTIVITY:
                called = _local(element.get("calledElement"))
                return ({"process": called} if called else {}) | self.data_in_and_out(element)
            case NodeType.SERVICE_TASK:
                return {"service": _local(element.get("operationRef")) or element.get("implementation", "")}
            case NodeType.BUSINESS_RULE_TASK:
                return {"decision": element.get("implementation", "")}
        return {}

    def script(self, element: etree._Element) -> dict[str, Any]:
        """The assignments of a script task: one ``name = expression`` a line."""
        if element.get("scriptFormat") != ASSIGN_FORMAT:
            self.say(
                "process.unsupported_script", element, found=element.get("scriptFormat", ""), expected=ASSIGN_FORMAT
            )
            return {}
        lines = []
        for line in _text(element.find(tag("script"))).splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip():
                lines.append({"set": name.strip(), "value": value.strip()})
            elif line.strip():
                self.say("process.unsupported_script", element, found=line.strip(), expected="name = expression")
        return {"script": lines}

    def data_in_and_out(self, element: etree._Element) -> dict[str, Any]:
        """What a call passes, where its data associations say so."""
        data: dict[str, Any] = {}
        for name, key in (("dataInputAssociation", "input"), ("dataOutputAssociation", "output")):
            for part in element.findall(tag(name)):
                source, target = self.item(part.find(tag("sourceRef"))), self.item(part.find(tag("targetRef")))
                assigned = part.find(tag("assignment"))
                if assigned is not None:
                    source, target = _text(assigned.find(tag("from"))), target or _text(assigned.find(tag("to")))
                if source and target:
                    data.setdefault(key, {})[target] = source
        return data

    def sub_process(self, element: etree._Element, kind: NodeType, lanes: Mapping[str, str]) -> dict[str, Any]:
        """What is inside a sub-process, and how it is run."""
        data = self.body(element, lanes)
        if element.get("triggeredByEvent") == "true":
            data["event_triggered"] = True
        if kind is NodeType.AD_HOC:
            condition = _text(element.find(tag("completionCondition")))
            data |= {"complete_when": condition} if condition else {}
            data |= {"sequential": True} if element.get("ordering") == "Sequential" else {}
            data |= {"cancel_remaining": False} if element.get("cancelRemainingInstances") == "false" else {}
        return data


def _all(data: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    yield from data.get(key, ())
    for node in data.get("nodes", ()):
        yield from _all(node, key)


def _own(element: etree._Element) -> dict[str, Any]:
    """What our own export wrote about an element beyond BPMN's words."""
    found = element.find(f"{tag('extensionElements')}/{tag('definition', OWN)}")
    if found is None or not found.text:
        return {}
    data = json.loads(found.text)
    return data if isinstance(data, dict) else {}


def _text(element: etree._Element | None) -> str:
    return "".join(map(str, element.itertext())).strip() if element is not None else ""


def _local(reference: str | None) -> str:
    """A reference without namespace prefix."""
    return (reference or "").strip().rpartition(":")[2]


def _item_name(element: etree._Element | None) -> str:
    return "" if element is None else element.get("name") or element.get("id") or _text(element)


def _timer_text(key: str, text: str) -> str:
    """ISO 8601 text as a FEEL literal; anything else is FEEL already."""
    if key == "duration" and _DURATION.fullmatch(text):
        # FEEL has no weeks and keeps months apart from days; the engine reads such a text itself.
        return json.dumps(text) if "W" in text or _MIXED.search(text) else f"duration({json.dumps(text)})"
    if key == "date" and _DATE_TIME.fullmatch(text):
        return f"date and time({json.dumps(text)})"
    if key == "date" and _DATE.fullmatch(text):
        return f"date({json.dumps(text)})"
    if key == "cycle" and _CYCLE.fullmatch(text):
        return json.dumps(text)
    return text or "null"

"""Names of BPMN 2.0 XML that import and export share."""

from engines.process.kinds import EventKind, NodeType

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Holds what BPMN has no word for, as JSON.
OWN = "urn:dougong:bpmn:1"

NODE_TAGS = {str(kind): kind for kind in NodeType}
EVENT_TAGS = {
    "timerEventDefinition": EventKind.TIMER,
    "messageEventDefinition": EventKind.MESSAGE,
    "signalEventDefinition": EventKind.SIGNAL,
    "errorEventDefinition": EventKind.ERROR,
    "escalationEventDefinition": EventKind.ESCALATION,
    "conditionalEventDefinition": EventKind.CONDITION,
    "compensateEventDefinition": EventKind.COMPENSATION,
    "linkEventDefinition": EventKind.LINK,
    "terminateEventDefinition": EventKind.TERMINATE,
    "cancelEventDefinition": EventKind.CANCEL,
}
TAG_OF_EVENT = {kind: tag for tag, kind in EVENT_TAGS.items()}
# Root elements that events refer to: reference attribute, tag, and the attribute that holds their name or code.
REFERENCES = {
    EventKind.MESSAGE: ("messageRef", "message", "name"),
    EventKind.SIGNAL: ("signalRef", "signal", "name"),
    EventKind.ERROR: ("errorRef", "error", "errorCode"),
    EventKind.ESCALATION: ("escalationRef", "escalation", "escalationCode"),
}
ASSIGN_FORMAT = "text/x-assign"
FEEL_LANGUAGE = "https://www.omg.org/spec/DMN/20230324/FEEL/"


def tag(name: str, namespace: str = BPMN) -> str:
    """``name`` as lxml spells it."""
    return f"{{{namespace}}}{name}"

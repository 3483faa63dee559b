"""The words of BPMN 2.0 that this engine runs: node types, event kinds and what they may stand on."""

from enum import StrEnum


class NodeType(StrEnum):
    """Flow nodes, by the name of their BPMN element."""

    START_EVENT = "startEvent"
    END_EVENT = "endEvent"
    CATCH_EVENT = "intermediateCatchEvent"
    THROW_EVENT = "intermediateThrowEvent"
    BOUNDARY_EVENT = "boundaryEvent"
    TASK = "task"
    MANUAL_TASK = "manualTask"
    USER_TASK = "userTask"
    SERVICE_TASK = "serviceTask"
    SEND_TASK = "sendTask"
    RECEIVE_TASK = "receiveTask"
    SCRIPT_TASK = "scriptTask"
    BUSINESS_RULE_TASK = "businessRuleTask"
    CALL_ACTIVITY = "callActivity"
    SUB_PROCESS = "subProcess"
    TRANSACTION = "transaction"
    AD_HOC = "adHocSubProcess"
    EXCLUSIVE = "exclusiveGateway"
    PARALLEL = "parallelGateway"
    INCLUSIVE = "inclusiveGateway"
    EVENT_BASED = "eventBasedGateway"


class EventKind(StrEnum):
    """What an event reacts to or raises; ``NONE`` for plain start, end and throw events."""

    NONE = "none"
    TIMER = "timer"
    MESSAGE = "message"
    SIGNAL = "signal"
    ERROR = "error"
    ESCALATION = "escalation"
    CONDITION = "condition"
    COMPENSATION = "compensation"
    LINK = "link"
    TERMINATE = "terminate"
    CANCEL = "cancel"


GATEWAYS = frozenset({NodeType.EXCLUSIVE, NodeType.PARALLEL, NodeType.INCLUSIVE, NodeType.EVENT_BASED})
SUB_PROCESSES = frozenset({NodeType.SUB_PROCESS, NodeType.TRANSACTION, NodeType.AD_HOC})
TASKS = frozenset(
    {
        NodeType.TASK,
        NodeType.MANUAL_TASK,
        NodeType.USER_TASK,
        NodeType.SERVICE_TASK,
        NodeType.SEND_TASK,
        NodeType.RECEIVE_TASK,
        NodeType.SCRIPT_TASK,
        NodeType.BUSINESS_RULE_TASK,
    }
)
ACTIVITIES = TASKS | SUB_PROCESSES | {NodeType.CALL_ACTIVITY}
EVENTS = frozenset(NodeType) - ACTIVITIES - GATEWAYS

_E = EventKind
# BPMN 2.0.2 §10.5 Events, table 10.93: which event may stand where.
PROCESS_START_EVENTS = frozenset({_E.NONE, _E.TIMER, _E.MESSAGE, _E.SIGNAL, _E.CONDITION})
EVENT_SUB_PROCESS_STARTS = frozenset(
    {_E.TIMER, _E.MESSAGE, _E.SIGNAL, _E.CONDITION, _E.ERROR, _E.ESCALATION, _E.COMPENSATION}
)
ALLOWED_EVENTS: dict[NodeType, frozenset[EventKind]] = {
    NodeType.START_EVENT: PROCESS_START_EVENTS | EVENT_SUB_PROCESS_STARTS,
    NodeType.END_EVENT: frozenset(
        {_E.NONE, _E.MESSAGE, _E.SIGNAL, _E.ERROR, _E.ESCALATION, _E.COMPENSATION, _E.TERMINATE, _E.CANCEL}
    ),
    NodeType.CATCH_EVENT: frozenset({_E.TIMER, _E.MESSAGE, _E.SIGNAL, _E.CONDITION, _E.LINK}),
    NodeType.THROW_EVENT: frozenset({_E.NONE, _E.MESSAGE, _E.SIGNAL, _E.ESCALATION, _E.COMPENSATION, _E.LINK}),
    NodeType.BOUNDARY_EVENT: frozenset(
        {_E.TIMER, _E.MESSAGE, _E.SIGNAL, _E.CONDITION, _E.ERROR, _E.ESCALATION, _E.COMPENSATION, _E.CANCEL}
    ),
}
# Events that always interrupt (errors are critical, compensation and cancel happen after or instead of the activity).
ALWAYS_INTERRUPTING = frozenset({_E.ERROR, _E.CANCEL, _E.COMPENSATION})

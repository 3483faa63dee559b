"""What of BPMN 2.0 the engine runs, as a table made from what the engine itself allows."""

from __future__ import annotations

from engines.process.behaviours import BEGIN, ENTER
from engines.process.kinds import ACTIVITIES, ALLOWED_EVENTS, GATEWAYS, EventKind, NodeType

_HEADS = {
    "en": ("Element", "Events", "Runs"),
    "zh": ("元素", "事件", "执行"),
}
_YES = {"en": "yes", "zh": "支持"}
# Words of BPMN that a model may hold and that are refused by name, with the element.
REFUSED = ("complexGateway", "receiveTask instantiate", "several event definitions on one event", "choreography")


def table(language: str) -> str:
    """The coverage table as Markdown: activities, gateways, then events with what may stand on them."""
    head = _HEADS[language]
    lines = [f"| {' | '.join(head)} |", "|---|---|---|"]
    for kind in sorted(ACTIVITIES, key=list(NodeType).index):
        lines.append(f"| `{kind}` | | {_YES[language] if kind in BEGIN else ''} |")
    for kind in sorted(GATEWAYS, key=list(NodeType).index):
        lines.append(f"| `{kind}` | | {_YES[language] if kind in ENTER else ''} |")
    for kind, allowed in ALLOWED_EVENTS.items():
        events = ", ".join(f"`{event}`" for event in EventKind if event in allowed)
        lines.append(f"| `{kind}` | {events} | {_YES[language] if kind in ENTER else ''} |")
    return "\n".join(lines)

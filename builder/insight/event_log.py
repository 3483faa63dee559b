"""The history of a process as an event log, for tools of process mining: XES (IEEE 1849-2016) and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.insight.cases import Cases
from builder.storage.runtime_tables import process_history
from engines.process.definition import ProcessDefinition
from engines.process.values import decode

# Rows of history that make events, and what they become in the lifecycle of XES's standard extension (IEEE 1849-2016
# §5.4.2): schedule, assign, reassign, start, suspend, resume, withdraw, autoskip, complete, ate_abort, pi_abort.
NODES: Mapping[str, str] = {"entered": "start", "completed": "complete", "cancelled": "ate_abort"}
TASKS: Mapping[str, str] = {
    "task.opened": "schedule",
    "task.claim": "start",
    "task.assign": "reassign",
    "task.transfer": "reassign",
    "task.delegate": "reassign",
    "task.completed": "complete",
    # Sent back, made superfluous by the others' votes, taken back …: what had begun is aborted, the rest withdrawn.
    "task.return": "ate_abort",
    "task.cancelled": "withdraw",
    "task.removed": "withdraw",
    # Nobody was asked.
    "task.automatic": "autoskip",
}
INSTANCES: Mapping[str, str] = {"suspended": "suspend", "resumed": "resume"}
# Why tasks end when the whole instance is given up.
_GIVEN_UP = frozenset({"cancelled", "withdrawn", "terminated", "failed", "rejected"})
HEADINGS = ("case", "activity", "node", "transition", "time", "resource", "outcome", "comment")
# What makes a spreadsheet take a text for a formula.
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One event."""

    case: UUID
    # Label of the node, and its name.
    activity: str
    node: str
    transition: str
    at: datetime
    # Who did it; empty for the system.
    resource: str = ""
    outcome: str = ""
    comment: str = ""


def events(
    connection: Connection, cases: Cases, process: ProcessDefinition, names: Mapping[UUID, str], locale: str
) -> Iterator[LogEvent]:
    """The events of ``cases``, those of an instance together and in order; read as they are asked for.

    A node of an older release that ``process`` no longer has is called by its name.
    """
    table = process_history
    labels = {node.name: node.label.get(locale) for node in process.all_nodes()}
    # Their tasks say more than the coming and going of the token.
    tasks = {node.name for node in process.all_nodes() if node.type == "userTask"}
    query = (
        sa.select(table.c.instance_id, table.c.node, table.c.kind, table.c.at, table.c.actor, table.c.data)
        .where(table.c.instance_id.in_(cases.ids()), table.c.kind.in_((*NODES, *TASKS, *INSTANCES)))
        .order_by(table.c.instance_id, table.c.number)
    )
    case = _Case()
    before: UUID | None = None
    for row in connection.execution_options(yield_per=1000).execute(query):
        if row.instance_id != before:
            case, before = _Case(), row.instance_id
        data = decode(row.data)
        for node, transition in case.transitions(row.kind, row.node or "", data, of_task=row.node in tasks):
            yield LogEvent(
                case=row.instance_id,
                activity=labels.get(node) or node,
                node=node,
                transition=transition,
                at=row.at,
                resource=_name(data.get("performer") or row.actor, names),
                outcome=data.get("outcome") or "",
                comment=data.get("comment") or "",
            )


class _Case:
    """What of one case is open while its rows are read."""

    def __init__(self) -> None:
        # Open work by its number: node, and whether somebody has begun it.
        self._open: dict[int, tuple[str, bool]] = {}

    def transitions(self, kind: str, node: str, data: Mapping[str, Any], *, of_task: bool) -> Iterator[tuple[str, str]]:
        """Node and transition of each event that a row of history makes."""
        if kind in INSTANCES:
            yield from ((other, INSTANCES[kind]) for other, begun in self._open.values() if begun)
        elif kind in TASKS or not of_task:
            transition = self._transition(kind, node, int(data.get("element") or 0), str(data.get("reason") or ""))
            if transition:
                yield node, transition

    def _transition(self, kind: str, node: str, element: int, reason: str) -> str:
        known = self._open.get(element)
        if kind in ("task.opened", "entered"):
            self._open[element] = (node, kind == "entered")
        elif kind == "task.claim":
            self._open[element] = (node, True)
        elif kind not in ("task.assign", "task.transfer", "task.delegate"):
            self._open.pop(element, None)
        if kind in ("task.cancelled", "task.removed", "cancelled"):
            return self._given_up(known, reason)
        return {**NODES, **TASKS}[kind]

    @staticmethod
    def _given_up(known: tuple[str, bool] | None, reason: str) -> str:
        """What ends open work without its being done; nothing where it was aborted a moment before."""
        if known is None:
            return ""
        if reason in _GIVEN_UP:
            return "pi_abort"
        return "ate_abort" if known[1] else "withdraw"


def _name(person: UUID | None, names: Mapping[UUID, str]) -> str:
    return names.get(person, str(person)) if person else ""


def to_csv(log: Iterable[LogEvent]) -> Iterator[str]:
    """The log as CSV, line by line."""
    return sheet(_cells(log))


def _cells(log: Iterable[LogEvent]) -> Iterator[Iterable[str]]:
    yield HEADINGS
    for item in log:
        at = item.at.isoformat(timespec="microseconds")
        yield (str(item.case), item.activity, item.node, item.transition, at, item.resource, item.outcome, item.comment)


def sheet(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows as CSV (RFC 4180) with a byte order mark, line by line; what a spreadsheet would run is led by '."""
    yield "\ufeff"
    for row in rows:
        yield _line(row)


def in_pieces(parts: Iterable[str], size: int = 64_000) -> Iterator[str]:
    """The same text in pieces that are worth sending."""
    waiting: list[str] = []
    length = 0
    for part in parts:
        waiting.append(part)
        length += len(part)
        if length >= size:
            yield "".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield "".join(waiting)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([f"'{cell}" if cell.startswith(_RISKY) else cell for cell in cells])
    return buffer.getvalue()


def to_xes(log: Iterable[LogEvent], name: str) -> Iterator[str]:
    """The log as XES, in parts: a trace for each instance; concept, lifecycle, time and organisation extensions."""
    buffer = io.StringIO()
    xml = XMLGenerator(buffer, encoding="utf-8", short_empty_elements=True)
    xml.startDocument()
    _open(xml, "log", {"xes.version": "1849-2016", "xes.features": "", "xmlns": "http://www.xes-standard.org/"})
    for title, prefix, file in _EXTENSIONS:
        uri = f"http://www.xes-standard.org/{file}.xesext"
        _leaf(xml, "extension", {"name": title, "prefix": prefix, "uri": uri})
    _leaf(xml, "classifier", {"name": "Activity", "keys": "concept:name lifecycle:transition"})
    _string(xml, "concept:name", name)
    _string(xml, "lifecycle:model", "standard")
    case: UUID | None = None
    for item in log:
        if item.case != case:
            if case is not None:
                xml.endElement("trace")
            case = item.case
            _open(xml, "trace", {})
            _string(xml, "concept:name", str(case))
        _event(xml, item)
        yield _taken(buffer)
    if case is not None:
        xml.endElement("trace")
    xml.endElement("log")
    xml.endDocument()
    yield _taken(buffer)


_EXTENSIONS = (
    ("Concept", "concept", "concept"),
    ("Lifecycle", "lifecycle", "lifecycle"),
    ("Time", "time", "time"),
    ("Organizational", "org", "org"),
)


def _event(xml: XMLGenerator, item: LogEvent) -> None:
    _open(xml, "event", {})
    _string(xml, "concept:name", item.activity)
    _string(xml, "concept:instance", item.node)
    _string(xml, "lifecycle:transition", item.transition)
    _leaf(xml, "date", {"key": "time:timestamp", "value": item.at.isoformat(timespec="milliseconds")})
    for key, value in (("org:resource", item.resource), ("outcome", item.outcome), ("comment", item.comment)):
        if value:
            _string(xml, key, value)
    xml.endElement("event")


def _open(xml: XMLGenerator, tag: str, attributes: Mapping[str, str]) -> None:
    xml.startElement(tag, AttributesImpl({key: _printable(value) for key, value in attributes.items()}))


def _leaf(xml: XMLGenerator, tag: str, attributes: Mapping[str, str]) -> None:
    _open(xml, tag, attributes)
    xml.endElement(tag)


def _string(xml: XMLGenerator, key: str, value: str) -> None:
    _leaf(xml, "string", {"key": key, "value": value})


def _printable(text: str) -> str:
    """``text`` without the control characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 0x20)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text

"""The history of a process as an event log, for tools of process mining: XES (IEEE 1849-2016) and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.insight.cases import Cases
from builder.storage.runtime_tables import process_history
from engines.process.definition import ProcessDefinition
from engines.process.values import decode

# Rows of history that are events of the log, and their transition of XES's lifecycle extension.
TRANSITIONS: Mapping[str, str] = {
    "entered": "start",
    "completed": "complete",
    "cancelled": "ate_abort",
    "task.opened": "schedule",
    "task.claim": "start",
    "task.assign": "reassign",
    "task.transfer": "reassign",
    "task.delegate": "reassign",
    "task.return": "autoskip",
    "task.completed": "complete",
    "suspended": "suspend",
    "resumed": "resume",
}
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
        .where(table.c.instance_id.in_(cases.ids()), table.c.kind.in_(TRANSITIONS), table.c.node.is_not(None))
        .order_by(table.c.instance_id, table.c.number)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        if row.node in tasks and not row.kind.startswith("task."):
            continue
        data = decode(row.data)
        yield LogEvent(
            case=row.instance_id,
            activity=labels.get(row.node) or row.node,
            node=row.node,
            transition=TRANSITIONS[row.kind],
            at=row.at,
            resource=_name(data.get("performer") or row.actor, names),
            outcome=data.get("outcome") or "",
            comment=data.get("comment") or "",
        )


def _name(person: UUID | None, names: Mapping[UUID, str]) -> str:
    return names.get(person, str(person)) if person else ""


def to_csv(log: Iterable[LogEvent]) -> Iterator[str]:
    """The log as CSV (RFC 4180) with a byte order mark, line by line; what a spreadsheet would run is led by '."""
    yield "\ufeff"
    yield _line(HEADINGS)
    for item in log:
        at = item.at.isoformat(timespec="microseconds")
        yield _line(
            (
                str(item.case),
                item.activity,
                item.node,
                item.transition,
                at,
                item.resource,
                item.outcome,
                item.comment,
            )
        )


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

"""An instance once more, step by step: where its tokens stood, and why each way and each person was taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.runtime_tables import process_history
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.tasks import history_words
from builder.workspace import Work
from engines.process.definition import AssignmentDefinition
from engines.process.graph import CompiledProcess, Node
from engines.process.kinds import GATEWAYS, NodeType
from engines.process.values import decode

# Most rows of history that are gone through.
MOST = 5_000
_JOINS = frozenset({NodeType.PARALLEL, NodeType.INCLUSIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened, with the tokens as they stood after it."""

    at: datetime
    who: str
    what: str
    comment: str
    # Why it went so: conditions with their values, where people came from.
    why: Sequence[str]
    # Nodes with tokens, and nodes that are done.
    active: frozenset[str]
    passed: frozenset[str]
    node: str


@dataclass(slots=True)
class _Tokens:
    """Where tokens stand while rows are read."""

    graph: CompiledProcess
    at: dict[int, str] = field(default_factory=dict)
    # Tokens that wait at a join, by the join.
    joining: dict[str, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)

    def apply(self, kind: str, node: str, element: int, data: Mapping[str, Any]) -> None:
        """Moves the tokens as a row of history says."""
        if kind == "entered":
            self.at[element] = node
        elif kind in ("completed", "cancelled"):
            self.at.pop(element, None)
            self.joining.pop(node, None)
            if kind == "completed":
                self.passed.add(node)
                self._to_joins(node)
        elif kind.startswith("instance.") and kind != "instance.started":
            self.at.clear()
            self.joining.clear()
        elif kind == "migrated":
            mapping = data.get("mapping") or {}
            self.at = {key: mapping.get(name, name) for key, name in self.at.items()}

    def _to_joins(self, name: str) -> None:
        """A token that comes to a join before the others waits there, which no row tells."""
        node = self.graph.nodes.get(name)
        for flow in node.outgoing if node else ():
            if flow.target.type in _JOINS and len(flow.target.incoming) > 1:
                self.joining[flow.target.name] = self.joining.get(flow.target.name, 0) + 1

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(self.at.values()) | frozenset(self.joining)


def steps(work: Work, instance_id: UUID, graph: CompiledProcess, names: WorkNames) -> list[Step]:
    """What happened to an instance, in order; of a very long one its beginning."""
    table = process_history
    query = sa.select(table).where(table.c.instance_id == instance_id).order_by(table.c.number).limit(MOST)
    rows = work.connection.execute(query).all()
    read = [(row, decode(row.data)) for row in rows]
    names.learn_people({p for row, data in read for p in (row.actor, *_people(data)) if p})
    tokens = _Tokens(graph=graph)
    found: list[tuple[Any, Mapping[str, Any], str]] = []
    shown: list[Step] = []
    for row, data in read:
        told = _told(row, data, graph, names)
        if told and found:
            shown.append(_step(found.pop(), tokens, graph, names))
        tokens.apply(row.kind, row.node or "", int(data.get("element") or 0), data)
        if told:
            found = [(row, data, told)]
    if found:
        shown.append(_step(found.pop(), tokens, graph, names))
    return shown


def _step(
    happened: tuple[Any, Mapping[str, Any], str], tokens: _Tokens, graph: CompiledProcess, names: WorkNames
) -> Step:
    row, data, told = happened
    active = tokens.nodes
    return Step(
        at=row.at,
        who=(names.person(row.actor) if row.actor else None) or _("The system"),
        what=told,
        comment=str(data.get("comment") or ""),
        why=list(_why(row.kind, row.node or "", data, graph, names)),
        active=active,
        passed=frozenset(tokens.passed) - active,
        node=row.node or "",
    )


def _told(row: Any, data: Mapping[str, Any], graph: CompiledProcess, names: WorkNames) -> str:
    """What a row says to people; nothing for one that only moves a token."""
    node = graph.nodes.get(row.node or "")
    label = _label(graph, row.node or "")
    sentences = {
        "chosen": _("at “%(node)s” the way was chosen", node=label),
        "assigned": _("people were found for “%(node)s”", node=label),
        "decided": _("the decision of “%(node)s” was made", node=label),
        "variables": _("variables were set"),
        "suspended": _("the process was suspended"),
        "resumed": _("the process was resumed"),
        "moved": _("a token was moved from “%(node)s”", node=label),
        "migrated": _("the process was moved to another release"),
        "message": _("a message came for “%(node)s”", node=label),
        "signal": _("a signal came for “%(node)s”", node=label),
        "condition": _("the condition of “%(node)s” became true", node=label),
        "error": _("an error at “%(node)s”", node=label),
        "escalation": _("an escalation at “%(node)s”", node=label),
    }
    if row.kind == "completed":
        quiet = node is None or node.type in GATEWAYS or node.type is NodeType.USER_TASK
        return "" if quiet else _("“%(node)s” was done", node=label)
    if row.kind in sentences:
        return sentences[row.kind]
    words = history_words().get(row.kind)
    if words is None:
        return ""
    outcome = _outcome(node, str(data.get("outcome") or ""))
    return words[0] % {"node": label, "outcome": outcome} if outcome or "%(outcome)s" not in words[0] else label


def _outcome(node: Node | None, name: str) -> str:
    task = node.definition.user_task if node else None
    found = next((o for o in task.outcomes if o.name == name), None) if task else None
    return site().text(found.label) if found else name


def _label(graph: CompiledProcess, name: str) -> str:
    node = graph.nodes.get(name)
    return (site().text(node.definition.label) or name) if node else name


def _people(data: Mapping[str, Any]) -> Iterator[UUID]:
    for value in (data.get("to"), data.get("assignee"), data.get("performer"), *(data.get("people") or ())):
        if isinstance(value, UUID):
            yield value


def _why(kind: str, name: str, data: Mapping[str, Any], graph: CompiledProcess, names: WorkNames) -> Iterator[str]:
    """The reasons that the history keeps, in sentences."""
    if kind == "chosen":
        yield from _ways(data, graph)
    elif kind == "assigned":
        node = graph.nodes.get(name)
        task = node.definition.user_task if node else None
        if task is not None:
            yield _("Asked for: %(whom)s", whom=", ".join(_asked(task.assignment, graph)) or _("everybody"))
        yield _("Found: %(whom)s", whom=", ".join(_named(data, names)) or _("nobody"))
    elif kind == "decided":
        yield _("Result: %(value)s", value=str(data.get("result")))
    elif kind.startswith("task."):
        people = ", ".join(names.person(p) or _("unknown") for p in dict.fromkeys(_people(data)))
        if people:
            yield people
    elif kind in ("incident", "error"):
        yield str(data.get("message") or data.get("code") or "")
    elif kind in ("variables", "message", "signal"):
        yield from (f"{key} = {value}" for key, value in (data.get("variables") or {}).items())


def _ways(data: Mapping[str, Any], graph: CompiledProcess) -> Iterator[str]:
    taken = set(data.get("taken") or ())
    conditions: Mapping[str, bool] = data.get("conditions") or {}
    for name in dict.fromkeys((*conditions, *taken)):
        flow = graph.flows.get(name)
        target = _label(graph, flow.target.name) if flow else name
        condition = flow.definition.condition if flow else ""
        went = _("taken") if name in taken else _("not taken")
        if name in conditions:
            held = _("holds") if conditions[name] else _("does not hold")
            yield f"→ {target}: {went} · {condition} {held}"
        else:
            reason = _("the default, no condition holds") if flow and flow.source.default is flow else _("always")
            yield f"→ {target}: {went} · {reason}"


def _asked(assignment: AssignmentDefinition, graph: CompiledProcess) -> Iterable[str]:
    """What an assignment asks for, in words."""
    for role in assignment.roles:
        yield _("role %(name)s", name=role)
    yield from filter(None, (assignment.person, assignment.candidates, assignment.field))
    if assignment.manager_of:
        yield _("manager of %(person)s", person=assignment.manager_of)
    if assignment.department_head:
        yield _("head of %(department)s", department=assignment.department_head)
    if assignment.department:
        yield _("department %(department)s", department=assignment.department)
    if assignment.performer_of:
        yield _("whoever did “%(step)s”", step=_label(graph, assignment.performer_of))
    if assignment.initiator:
        yield _("whoever started it")
    if assignment.decision:
        yield _("decision %(name)s", name=assignment.decision)


def _named(data: Mapping[str, Any], names: WorkNames) -> Iterator[str]:
    for person in data.get("people") or ():
        yield (names.person(person) if isinstance(person, UUID) else None) or _("unknown")
    for role in data.get("roles") or ():
        yield names.role(str(role)) or str(role)

"""Reads a process file: JSON text to a frozen definition, with everything that is wrong with the file alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from typing import Any

from engines.core import DefinitionSource, Diagnostic, LocalizedText, check_schema, load_json
from engines.core.kinds import Loaded
from engines.core.source import pointer_of
from engines.process import definition as d
from engines.process.checking import structure
from engines.process.kinds import EventKind, NodeType

SCHEMA: Mapping[str, Any] = json.loads(
    (resources.files("engines.process") / "schema" / "process.schema.json").read_text("utf-8")
)
_Json = Mapping[str, Any]


def load(source: DefinitionSource) -> Loaded[d.ProcessDefinition]:
    """The definition in ``source`` and what is wrong with it; no definition where it breaks the schema."""
    data, problems = load_json(source)
    if data is None:
        return Loaded(definition=None, diagnostics=tuple(problems))
    problems += check_schema(data, SCHEMA, source)
    if any(p.severity == "error" for p in problems):
        return Loaded(definition=None, diagnostics=tuple(problems))
    definition = read(data, source.file)
    problems += [_at(problem, source) for problem in structure(definition)]
    return Loaded(definition=definition, diagnostics=tuple(problems))


def _at(problem: Diagnostic, source: DefinitionSource) -> Diagnostic:
    """``problem`` with lines and columns."""
    related = tuple(source.place(place.pointer) for place in problem.related)
    return replace(problem, related=related).at(source.place(problem.pointer))


def read(data: _Json, file: str = "") -> d.ProcessDefinition:
    """The definition that ``data`` (valid by the schema) states."""
    nodes, flows = _graph(data, "")
    return d.ProcessDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        file=file,
        subject=data.get("subject", ""),
        locks_subject=data.get("locks_subject", False),
        variables=tuple(
            d.VariableDefinition(
                name=v["name"],
                type=v.get("type", "any"),
                label=LocalizedText.of(v.get("label"), v["name"]),
                default=v.get("default", ""),
                form=v.get("form", ""),
            )
            for v in data.get("variables", ())
        ),
        nodes=nodes,
        flows=flows,
        lanes=tuple(
            d.LaneDefinition(name=lane["name"], label=LocalizedText.of(lane.get("label"), lane["name"]))
            for lane in data.get("lanes", ())
        ),
        diagram=data.get("diagram", {}),
        documentation=data.get("documentation", ""),
    )


def _graph(data: _Json, pointer: str) -> tuple[tuple[d.NodeDefinition, ...], tuple[d.FlowDefinition, ...]]:
    """Nodes and flows of a process or a sub-process; a flow marked ``default`` becomes its source's default."""
    flows = data.get("flows", ())
    defaults = {flow["from"]: flow["name"] for flow in flows if flow.get("default")}
    nodes = tuple(
        _node(part, pointer + pointer_of("nodes", i), defaults) for i, part in enumerate(data.get("nodes", ()))
    )
    return nodes, tuple(_flow(part, pointer + pointer_of("flows", i)) for i, part in enumerate(flows))


def _flow(data: _Json, pointer: str) -> d.FlowDefinition:
    return d.FlowDefinition(
        name=data["name"],
        source=data["from"],
        target=data["to"],
        condition=data.get("condition", ""),
        label=LocalizedText.of(data.get("label")),
        pointer=pointer,
    )


def _node(data: _Json, pointer: str, defaults: Mapping[str, str]) -> d.NodeDefinition:
    kind = NodeType(data["type"])
    nodes, flows = _graph(data, pointer)
    plain = ("documentation", "lane", "attached_to", "handler", "interrupting", "for_compensation", "service",
             "decision", "process", "input", "output", "result", "event_triggered", "sequential", "complete_when",
             "cancel_remaining")  # fmt: skip
    return d.NodeDefinition(
        name=data["name"],
        type=kind,
        label=LocalizedText.of(data.get("label"), data["name"]),
        pointer=pointer,
        event=event(data["event"]) if "event" in data else None,
        default=data.get("default") or defaults.get(data["name"], ""),
        multi_instance=_multi(data["multi_instance"]) if "multi_instance" in data else None,
        loop=_loop(data["loop"]) if "loop" in data else None,
        sla=tuple(_sla(part) for part in data.get("sla", ())),
        user_task=_user_task(data) if kind is NodeType.USER_TASK else None,
        retry=d.RetryDefinition(**data.get("retry", {})),
        script=tuple((line["set"], line["value"]) for line in data.get("script", ())),
        nodes=nodes,
        flows=flows,
        **{key: data[key] for key in plain if key in data},
    )


def event(data: _Json) -> d.EventDefinition:
    """An event definition from its JSON, for example ``{"timer": {"duration": …}}`` or ``{"message": "paid"}``."""
    kind = next(EventKind(key) for key in data if key in set(EventKind))
    value = data[kind]
    shared = {"correlation": data.get("correlation", ""), "payload": data.get("payload", {})}
    if kind is EventKind.TIMER:
        return d.EventDefinition(kind=kind, timer=d.TimerDefinition(**value))
    if kind is EventKind.CONDITION:
        return d.EventDefinition(kind=kind, condition=value)
    return d.EventDefinition(kind=kind, name=value if isinstance(value, str) else "", **shared)


def _multi(data: _Json) -> d.MultiInstanceDefinition:
    collect = data.get("collect", {})
    return d.MultiInstanceDefinition(
        parallel=data.get("mode", "parallel") == "parallel",
        each=data.get("each", ""),
        item=data.get("as", ""),
        count=str(data.get("count", "")),
        complete_when=data.get("complete_when", ""),
        collect_into=collect.get("into", ""),
        collect=collect.get("value", ""),
    )


def _loop(data: _Json) -> d.LoopDefinition:
    return d.LoopDefinition(
        condition=data["while"], before=data.get("before", False), maximum=int(data.get("maximum", 0))
    )


def _sla(data: _Json) -> d.SlaDefinition:
    plain = {key: value for key, value in data.items() if key not in ("label", "pause_roles", "actions")}
    return d.SlaDefinition(
        label=LocalizedText.of(data.get("label"), data["name"]),
        pause_roles=tuple(data.get("pause_roles", ())),
        actions=tuple(_sla_action(part) for part in data.get("actions", ())),
        **plain,
    )


def _sla_action(data: _Json) -> d.SlaActionDefinition:
    plain = {key: value for key, value in data.items() if key not in ("to", "message")}
    return d.SlaActionDefinition(
        to=assignment(data["to"]) if data.get("to") else None, message=LocalizedText.of(data.get("message")), **plain
    )


def _user_task(data: _Json) -> d.UserTaskDefinition:
    return d.UserTaskDefinition(
        form=data.get("form", ""),
        layout=data.get("layout", ""),
        assignment=assignment(data.get("assignment", {})),
        outcomes=tuple(_outcome(part) for part in data.get("outcomes", ())),
        fields=tuple(d.FieldAccess(**part) for part in data.get("fields", ())),
        priority=data.get("priority", ""),
        due=data.get("due", ""),
        calendar=data.get("calendar", ""),
        approval=d.ApprovalDefinition(**data.get("approval", {})),
        verbs=frozenset(data["verbs"]) if "verbs" in data else None,
        checklist=tuple(data.get("checklist", ())),
        signature=data.get("signature", "none"),
        channels=tuple(data.get("channels", ())),
        requires=data.get("requires", ""),
        copy=assignment(data["copy"]) if "copy" in data else None,
    )


def assignment(data: _Json) -> d.AssignmentDefinition:
    """Who is meant by ``{"role": …}``, ``{"person": …}`` and so on."""
    rest = {key: value for key, value in data.items() if key not in ("role", "roles")}
    roles = (*([data["role"]] if "role" in data else []), *data.get("roles", ()))
    return d.AssignmentDefinition(roles=roles, **rest)


_MEANINGS = {"approve": "approve", "reject": "reject"}


def _outcome(data: _Json) -> d.OutcomeDefinition:
    return d.OutcomeDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        comment=data.get("comment", "optional"),
        meaning=data.get("meaning", _MEANINGS.get(data["name"], "neutral")),
    )

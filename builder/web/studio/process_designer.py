"""The process designer: what the panel offers for a node or flow, and what it and the diagram do to the draft."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from builder.definitions import join_path
from builder.releases import Draft
from builder.runtime.process.services import built_in
from builder.web.context import _, site
from builder.web.studio.drafting import DraftView
from builder.web.studio.process_limits import has_limits, limit_groups
from builder.web.studio.process_parts import (
    Group,
    Part,
    choice,
    feel,
    flag,
    group,
    json_of,
    names_in,
    names_of,
    of_kind,
    same,
    set_property,
    text,
)
from builder.web.studio.properties import NAME, Property, text_properties
from engines.core import DefinitionError, InputError, InputProblem, Severity
from engines.process.kinds import NodeType
from engines.process.renaming import renamed
from engines.process.xml import export_bpmn, import_bpmn

_EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
_CALLS = ("message", "signal", "error", "escalation", "link")
_MODES = ("one", "any", "all", "ratio", "sequential")
_ACCESS = ("hidden", "read", "write")


def parts(data: Mapping[str, Any], path: str) -> Iterator[Part]:
    """All nodes and flows of a process, those of sub-processes after their sub-process."""
    for node in data.get("nodes", ()):
        own = join_path(path, "nodes", node["name"])
        yield Part(path=own, data=node)
        yield from parts(node, own)
    for flow in data.get("flows", ()):
        yield Part(path=join_path(path, "flows", flow["name"]), data=flow, flow=True)


def find(data: Mapping[str, Any], path: str, name: str) -> Part | None:
    """The node or flow of that name."""
    return next((part for part in parts(data, path) if part.name == name), None)


def to_xml(data: Mapping[str, Any]) -> str:
    """The process as BPMN 2.0 XML, labels in the language of the reader first."""
    return export_bpmn(_spoken(data))


def _spoken(value: Any) -> Any:
    """The data with every label's own language in front: exporting takes the first text for the name."""
    if isinstance(value, Mapping):
        found = {key: _spoken(item) for key, item in value.items()}
        label = found.get("label")
        if isinstance(label, dict) and site().locale in label:
            found["label"] = {site().locale: label[site().locale], **label}
        return found
    return [_spoken(item) for item in value] if isinstance(value, (list, tuple)) else value


def take_over(draft: Draft, found: DraftView, key: str, xml: str, version: int) -> None:
    """Puts a drawn process into the draft. ``DefinitionError`` for what the drawing cannot mean here.

    ``version``: of the draft that the drawing was begun from; a later one is a ``StateConflict``.
    """
    before = found.data(key)
    read = import_bpmn(xml, found.documents[key].file)
    if not read.processes:
        raise DefinitionError([d for d in read.diagnostics if d.severity is Severity.ERROR])
    drawn = {name: _merged(value, before.get(name)) for name, value in read.processes[0].items()}
    kept = {name: value for name, value in before.items() if name not in ("nodes", "flows", "lanes", "diagram")}
    wanted = {**drawn, **kept, "name": before["name"]}
    ordered = {name: wanted[name] for name in (*before, *wanted) if name in wanted}
    if ordered != before:
        draft.edit(key, ordered, version=version)


def _merged(new: Any, old: Any) -> Any:
    """``new`` with the texts of languages that a drawing does not show, and in the old order of keys."""
    if isinstance(new, list) and isinstance(old, list):
        known = {item["name"]: item for item in old if isinstance(item, dict) and "name" in item}
        return [_merged(item, known.get(item.get("name"))) if isinstance(item, dict) else item for item in new]
    if not isinstance(new, dict):
        return new
    merged = {name: _merged(value, (old or {}).get(name)) for name, value in new.items()}
    label = merged.get("label")
    if isinstance(label, str):
        before = (old or {}).get("label")
        merged["label"] = {**(before if isinstance(before, dict) else {}), site().locale: label}
    order = [name for name in old or () if name in merged]
    return {name: merged[name] for name in (*order, *merged)}


def groups(found: DraftView, part: Part, languages: tuple[str, ...]) -> list[Group]:
    """The properties of a node or flow, by what it is."""
    texts = text_properties(part.data, "label", _("Label"), languages)
    if part.flow:
        flag = Property(path="default", label=_("Default flow"), kind="flag", checked=bool(part.data.get("default")))
        return [group(_("Flow"), part, [*texts, feel(part, "condition", _("Condition")), flag])]
    kind = str(part.data["type"])
    listed = [group(_("General"), part, [*texts, text(part, "documentation", _("Documentation"))])]
    if kind == NodeType.USER_TASK:
        listed += _user_task(found, part, languages)
    elif kind in _EVENTS or kind in (NodeType.RECEIVE_TASK, NodeType.SEND_TASK):
        listed.append(_event(found, part))
    else:
        listed += _work(found, part, kind)
    if has_limits(part):
        listed += limit_groups(found, part, languages)
    whole = json.dumps(part.data, ensure_ascii=False, indent=2)
    return [*listed, group(_("As text"), part, [Property(path="", label="JSON", kind="json", value=whole)])]


def _user_task(found: DraftView, part: Part, languages: tuple[str, ...]) -> list[Group]:
    form = str(part.data.get("form", ""))
    layouts = names_in(found, f"form:{form}", "layouts") if form else ()
    who = [
        names_of(part, "assignment/roles", _("Roles")),
        feel(part, "assignment/person", _("Person")),
        feel(part, "assignment/field", _("Field that holds a person")),
        feel(part, "assignment/manager_of", _("Manager of")),
        feel(part, "assignment/department_head", _("Head of the department")),
        choice(part, "assignment/decision", _("Decided by"), of_kind(found, "decision")),
        flag(part, "assignment/initiator", _("Who started it")),
        choice(part, "assignment/distribute", _("Distribution"), same("least_busy", "in_turn")),
        choice(part, "assignment/performer_of", _("Who did the step"), _steps(found, part)),
        flag(part, "assignment/initiator_chooses", _("Who started it chooses")),
        text(part, "assignment/nobody", _("When nobody is found")),
    ]
    when = [
        feel(part, "due", _("Due")),
        feel(part, "priority", _("Priority")),
        choice(part, "approval/mode", _("Who decides"), same(*_MODES)),
        feel(part, "approval/ratio", _("Share of approvals")),
    ]
    page = [
        choice(part, "form", _("Form"), of_kind(found, "form")),
        choice(part, "layout", _("Layout"), layouts),
    ]
    outcomes = [_outcome(part, item, languages) for item in part.data.get("outcomes", ())]
    return [group(_("Page"), part, page), group(_("Who"), part, who), group(_("When"), part, when), *outcomes]


def _steps(found: DraftView, part: Part) -> tuple[tuple[str, str], ...]:
    """The other user tasks of the process."""
    key = part.path.partition("/")[0]
    data = found.documents[key].data
    others = [one for one in parts(data, key) if not one.flow and one.path != part.path]
    return tuple(
        (one.name, site().text(one.data.get("label")) or one.name)
        for one in others
        if one.data["type"] == NodeType.USER_TASK
    )


def _outcome(part: Part, item: Mapping[str, Any], languages: tuple[str, ...]) -> Group:
    own = Part(path=join_path(part.path, "outcomes", item["name"]), data=item)
    listed = [
        *text_properties(item, "label", _("Label"), languages),
        choice(own, "meaning", _("Meaning"), same("approve", "reject", "neutral")),
        choice(own, "comment", _("Comment"), same("none", "optional", "required")),
    ]
    title = _("Outcome %(name)s", name=item["name"])
    return Group(title=title, path=own.path, properties=listed, removable=True)


def _event(found: DraftView, part: Part) -> Group:
    event = part.data.get("event", {})
    listed = []
    if "timer" in event:
        listed += [
            feel(part, f"event/timer/{name}", label)
            for name, label in (("duration", _("After")), ("date", _("At")), ("cycle", _("Every")))
            if name in event["timer"]
        ]
        listed.append(choice(part, "event/timer/calendar", _("Working calendar"), of_kind(found, "calendar")))
    listed += [text(part, f"event/{name}", name) for name in _CALLS if name in event]
    if "message" in event:
        listed.append(feel(part, "event/correlation", _("Correlation key")))
    if "condition" in event:
        listed.append(feel(part, "event/condition", _("Condition")))
    if part.data["type"] == NodeType.BOUNDARY_EVENT:
        interrupting = bool(part.data.get("interrupting", True))
        listed.append(Property(path="interrupting", label=_("Interrupts"), kind="boolean", checked=interrupting))
    return group(_("Event"), part, listed)


def _work(found: DraftView, part: Part, kind: str) -> list[Group]:
    match kind:
        case NodeType.SERVICE_TASK:
            services = same(*(name for name, _service in built_in().items()))
            listed = [choice(part, "service", _("Service"), services), json_of(part, "input", _("Input"))]
            listed.append(text(part, "result", _("Result in variable")))
        case NodeType.BUSINESS_RULE_TASK:
            listed = [choice(part, "decision", _("Decision"), of_kind(found, "decision"))]
            listed += [json_of(part, "input", _("Input")), text(part, "result", _("Result in variable"))]
        case NodeType.SCRIPT_TASK:
            listed = [json_of(part, "script", _("Assignments"))]
        case NodeType.CALL_ACTIVITY:
            listed = [choice(part, "process", _("Process"), of_kind(found, "process"))]
            listed += [json_of(part, "input", _("Input")), json_of(part, "output", _("Output"))]
        case _:
            return []
    return [group(_("What it does"), part, listed)]


def rename(draft: Draft, data: Mapping[str, Any], key: str, part: Part, wanted: str) -> None:
    """Gives a node or flow another name wherever the process says it, conditions too. ``InputError`` for a bad one."""
    taken = {other.name for other in parts(data, key)}
    if not NAME.fullmatch(wanted) or wanted in taken:
        raise InputError([InputProblem(pointer="/name", code="release.bad_name", params={"name": wanted})])
    draft.edit(key, renamed(data, part.name, wanted))


def add_outcome(draft: Draft, part: Part) -> None:
    """A new outcome of a user task."""
    taken = {item["name"] for item in part.data.get("outcomes", ())}
    name = next(f"outcome_{n}" for n in range(1, 1000) if f"outcome_{n}" not in taken)
    label = {"zh": "新结果", "en": "New outcome"}
    set_property(
        draft, join_path(part.path, "outcomes"), [*part.data.get("outcomes", ()), {"name": name, "label": label}]
    )

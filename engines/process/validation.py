"""All that is wrong with a process: structure, references, expressions, people, control flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engines import feel
from engines.core import Diagnostic, Severity
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.process import sla_checks
from engines.process.checking import bodies, problem, structure
from engines.process.choices import complete
from engines.process.definition import AssignmentDefinition, NodeDefinition, ProcessDefinition, UserTaskDefinition
from engines.process.graph import CompiledProcess, link
from engines.process.kinds import NodeType
from engines.process.scoping import RecordShapes, names, subject_type
from engines.process.sites import sites
from engines.process.soundness import soundness

_CHOOSING = frozenset({NodeType.EXCLUSIVE, NodeType.INCLUSIVE})


def validate(definition: ProcessDefinition, definitions: Definitions | None = None) -> list[Diagnostic]:
    """Every problem of the process, errors and warnings; places are pointers, lines are for whoever holds the text.

    References to other definitions are checked where ``definitions`` are given, control flow where the structure is
    sound enough to be explored.
    """
    found = structure(definition)
    broken = any(p.severity == Severity.ERROR for p in found)
    found += _expressions(definition, definitions)
    found += _defaults(definition)
    for node in definition.all_nodes():
        found += _people(definition, node)
        found += sla_checks.check(node)
        if definitions is not None:
            found += sla_checks.references(node, definitions)
            found += _references(definition, node, definitions)
    if definitions is not None:
        found += _subject(definition, definitions)
        found += _cycles(definition, definitions)
    if not broken:
        process = CompiledProcess(definition)
        link(process)
        found += soundness(process)
    return [p if p.file else replace(p, file=definition.file) for p in found]


def _expressions(definition: ProcessDefinition, definitions: Definitions | None) -> list[Diagnostic]:
    """Expressions that cannot be parsed, name what is not there, or have the wrong type."""
    known = names(definition)
    if definition.subject and isinstance(definitions, RecordShapes):
        known["subject"] = subject_type(definitions, definition.subject)
    scope = feel.Scope(known)
    return [
        replace(p, file=definition.file, pointer=site.pointer, element=site.element)
        for site in sites(definition)
        for p in feel.check(site.text, scope, expect=site.expect)
    ]


def _defaults(definition: ProcessDefinition) -> Iterator[Diagnostic]:
    """Choices that may find no flow to take: no default, and conditions not known to cover every case."""
    for _, nodes, flows in bodies(definition):
        for node in nodes:
            out = [flow for flow in flows if flow.source == node.name]
            guarded = bool(out) and all(flow.condition for flow in out) and not node.default
            chooses = node.type in _CHOOSING and len(out) > 1
            if guarded and (chooses or node.type not in _CHOOSING) and not complete(definition, out):
                yield problem(
                    node, "process.missing_default", "", severity=Severity.WARNING,
                    found=", ".join(flow.name for flow in out), expected="a default flow",
                )  # fmt: skip


def _people(definition: ProcessDefinition, node: NodeDefinition) -> Iterator[Diagnostic]:
    """User tasks that nobody can do, or that ask for what they do not show."""
    task = node.user_task
    if task is None:
        return
    if task.assignment == UserTaskDefinition().assignment:
        yield problem(node, "process.nobody_assigned", "", severity=Severity.WARNING, expected='"assignment"')
    for i, access in enumerate(task.fields):
        if access.required and access.access != "write":
            yield problem(node, "process.required_not_writable", f"fields/{i}", found=access.name, expected='"write"')
    if task.approval.mode == "ratio" and not task.approval.ratio:
        yield problem(node, "process.incomplete", "approval", expected='"ratio"')
    tasks = {n.name for n in definition.all_nodes() if n.type is NodeType.USER_TASK}
    former = task.assignment.performer_of
    if former and former not in tasks:
        hint = did_you_mean(former, sorted(tasks))
        yield problem(node, "process.unknown_node", "assignment/performer_of", found=former, hint=hint)


def _references(definition: ProcessDefinition, node: NodeDefinition, definitions: Definitions) -> Iterator[Diagnostic]:
    """Forms, layouts, fields, roles, decisions and processes that do not exist."""
    wanted: list[tuple[str, str, str]] = []
    if node.type is NodeType.CALL_ACTIVITY:
        wanted.append(("process", node.process, "process"))
    if node.type is NodeType.BUSINESS_RULE_TASK:
        wanted.append(("decision", node.decision, "decision"))
    task = node.user_task
    if task is not None:
        wanted.append(("form", task.form, "form"))
        wanted += [("role", role, "assignment") for role in task.assignment.roles]
        wanted.append(("decision", task.assignment.decision, "assignment/decision"))
        yield from _form_parts(definition, node, task, definitions)
    for kind, name, part in wanted:
        if name and definitions.get(kind, name) is None:
            hint = did_you_mean(name, list(definitions.names(kind)))
            yield problem(node, f"process.unknown_{kind}", part, found=name, expected=f"a {kind}", hint=hint)


def _form_parts(
    definition: ProcessDefinition, node: NodeDefinition, task: UserTaskDefinition, definitions: Definitions
) -> Iterator[Diagnostic]:
    form = definitions.get("form", task.form or definition.subject)
    layouts = {layout.name for layout in getattr(form, "layouts", ())}
    if form is not None and task.layout and task.layout not in layouts:
        hint = did_you_mean(task.layout, sorted(layouts))
        yield problem(node, "process.unknown_layout", "layout", found=task.layout, expected="a layout", hint=hint)
    yield from _empty_assignee(definition, node, task, definitions)
    own = getattr(form, "fields", ())
    fields = {field.name for field in own}
    fields |= {f"{table.name}.{column.name}" for table in own for column in getattr(table, "fields", ())}
    for i, access in enumerate(task.fields):
        if fields and access.name not in fields:
            hint = did_you_mean(access.name, sorted(fields))
            yield problem(node, "process.unknown_field", f"fields/{i}/name", found=access.name, hint=hint)


def _empty_assignee(
    definition: ProcessDefinition, node: NodeDefinition, task: UserTaskDefinition, definitions: Definitions
) -> Iterator[Diagnostic]:
    """A task for whoever stands in a field that may be empty, without a rule for that case."""
    assignment = task.assignment
    name = assignment.field.removeprefix("subject.")
    alone = assignment == AssignmentDefinition(field=assignment.field)
    subject = definitions.get("form", definition.subject) if name and alone else None
    for field in getattr(subject, "fields", ()):
        if field.name == name and not getattr(field, "required", True):
            yield problem(
                node, "process.assignee_may_be_empty", "assignment", severity=Severity.WARNING, found=name,
                expected='"nobody", or a required field',
            )  # fmt: skip


def _subject(definition: ProcessDefinition, definitions: Definitions) -> Iterator[Diagnostic]:
    if definition.subject and definitions.get("form", definition.subject) is None:
        hint = did_you_mean(definition.subject, list(definitions.names("form")))
        yield Diagnostic(code="process.unknown_form", pointer="/subject", found=definition.subject, hint=hint)


def _cycles(definition: ProcessDefinition, definitions: Definitions) -> Iterator[Diagnostic]:
    """Call activities through which the process calls itself."""
    for node in definition.all_nodes():
        path = _way_back(definition.name, node.process, definitions, [definition.name]) if node.process else None
        if path:
            told = problem(node, "process.cyclic_call", "process", found=node.process)
            yield replace(told, params={"path": path, "shown_path": " → ".join(path)})


def _way_back(goal: str, name: str, definitions: Definitions, path: list[str]) -> list[str] | None:
    """The chain of calls from ``name`` to ``goal``, or None."""
    path = [*path, name]
    if name == goal:
        return path
    called = definitions.get("process", name)
    if not isinstance(called, ProcessDefinition) or len(path) != len(set(path)):
        return None
    for node in called.all_nodes():
        found = _way_back(goal, node.process, definitions, path) if node.process else None
        if found:
            return found
    return None

"""All that is wrong with a process: structure, references, expressions, control flow."""

from __future__ import annotations

from dataclasses import replace

from engines import feel
from engines.core import Diagnostic, Severity
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.process.checking import problem, structure
from engines.process.compiling import scope_of
from engines.process.definition import NodeDefinition, ProcessDefinition
from engines.process.kinds import NodeType
from engines.process.sites import sites


def validate(definition: ProcessDefinition, definitions: Definitions | None = None) -> list[Diagnostic]:
    """Every problem of the process, errors and warnings; places are pointers, lines are for whoever holds the text."""
    found = structure(definition)
    broken = any(p.severity == Severity.ERROR for p in found)
    found += _expressions(definition)
    if definitions is not None:
        for node in definition.all_nodes():
            found += _references(node, definitions)
    if not broken:
        found += []
    return [p if p.file else replace(p, file=definition.file) for p in found]


def _expressions(definition: ProcessDefinition) -> list[Diagnostic]:
    """Expressions that cannot be parsed, or whose type is wrong."""
    scope = scope_of(definition)
    return [
        replace(p, file=definition.file, pointer=site.pointer, element=site.element)
        for site in sites(definition)
        for p in feel.check(site.text, scope, expect=site.expect)
    ]


def _references(node: NodeDefinition, definitions: Definitions) -> list[Diagnostic]:
    """Forms, decisions and processes that do not exist."""
    wanted = {
        NodeType.CALL_ACTIVITY: ("process", node.process),
        NodeType.BUSINESS_RULE_TASK: ("decision", node.decision),
    }.get(node.type)
    found = []
    if wanted and wanted[1] and definitions.get(*wanted) is None:
        kind, name = wanted
        hint = did_you_mean(name, list(definitions.names(kind)))
        found.append(problem(node, f"process.unknown_{kind}", kind, found=name, expected=f"a {kind}", hint=hint))
    return found

"""Giving a node or flow another name: wherever the process refers to it, and in every expression that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from engines import feel
from engines.feel import nodes as n
from engines.feel.lexer import LexError
from engines.feel.parser import ParseError, parse, walk
from engines.process.loading import read
from engines.process.scoping import names, with_bare_names
from engines.process.sites import sites


def renamed(data: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The file ``data`` with the node or flow ``old`` called ``new``; what cannot be parsed stays as it was typed.

    Nothing else that happens to have the same name is touched: an outcome, a field, a variable, an input.
    """
    changed = deepcopy(dict(data))
    definition = read(data)
    step = any(node.name == old and node.user_task is not None for node in definition.all_nodes())
    if step and old not in {variable.name for variable in definition.variables}:
        scope = feel.Scope(dict.fromkeys(names(definition), feel.ANY), open=True)
        for site in sites(definition):
            _rewrite(changed, site.pointer, lambda text: in_expression(text, scope, old, new))
    for part in _containers(changed):
        _in_container(part, old, new)
    diagram = changed.get("diagram", {})
    for kind in ("nodes", "flows"):
        if old in diagram.get(kind, {}):
            diagram[kind] = {new if name == old else name: place for name, place in diagram[kind].items()}
    return changed


def in_expression(text: str, scope: feel.Scope, old: str, new: str) -> str:
    """``text`` with the name ``old`` written ``new`` where it stands for the step."""
    try:
        tree = parse(text, with_bare_names(scope, text))
    except (ParseError, LexError):
        return text
    if old in {found.name for found in walk(tree) if isinstance(found, n.Iterator)} | _parameters(tree):
        # The name means something else here, at least in part.
        return text
    spans = [found.span for found in walk(tree) if isinstance(found, n.Name) and found.name == old]
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _parameters(tree: n.Node) -> set[str]:
    functions = [found for found in walk(tree) if isinstance(found, n.FunctionLiteral)]
    return {name for function in functions for name, _ in function.parameters}


def _rewrite(data: Any, pointer: str, change: Any) -> None:
    *way, last = pointer.removeprefix("/").split("/")
    for token in way:
        data = data[int(token)] if isinstance(data, list) else data.get(_token(token))
        if data is None:
            return
    key: Any = int(last) if isinstance(data, list) else _token(last)
    # Shorthands ("count": 3, a field without "subject.") are no expressions as they stand in the file.
    value = data[key] if isinstance(data, list) else data.get(key)
    if isinstance(value, str):
        data[key] = change(value)


def _token(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")


def _containers(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The process and its sub-processes."""
    yield data
    for node in data.get("nodes", ()):
        if "nodes" in node:
            yield from _containers(node)


def _in_container(container: dict[str, Any], old: str, new: str) -> None:
    def change(part: dict[str, Any], *keys: str) -> None:
        for key in keys:
            if part.get(key) == old:
                part[key] = new

    for flow in container.get("flows", ()):
        change(flow, "name", "from", "to")
    for node in container.get("nodes", ()):
        change(node, "name", "attached_to", "handler", "default")
        change(node.get("event", {}), "compensation")
        actions = [action for sla in node.get("sla", ()) for action in sla.get("actions", ())]
        for people in (node.get("assignment"), node.get("copy"), *(action.get("to") for action in actions)):
            change(people or {}, "performer_of")

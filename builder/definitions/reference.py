"""The reference of all definitions, made from their JSON Schemas: ``python -m builder.definitions.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.definitions.kinds import Kinds

HEAD = """# Reference of definitions

Made from the JSON Schemas by `python -m builder.definitions.reference`; a test fails when it is out of date.
A file is found by the end of its name, in any folder of the app. **Bold** properties must be given.
"""


def reference(kinds: Kinds) -> str:
    """The whole page, in Markdown."""
    parts = [HEAD, *(_chapter(kind.name, kind.suffix, kind.schema) for kind in kinds if kind.schema)]
    return "\n".join(parts)


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    """Paths of the properties of a schema that say nothing about themselves."""
    return [path for path, _, value in _properties(schema, schema, "", set()) if not _description(value, schema)]


def _chapter(name: str, suffix: str, schema: Mapping[str, Any]) -> str:
    lines = [f"## {name} — `*{suffix}`", "", str(schema.get("description", schema.get("title", ""))), ""]
    lines += ["| property | type | meaning |", "|---|---|---|"]
    for path, required, value in _properties(schema, schema, "", set()):
        shown = f"**`{path}`**" if required else f"`{path}`"
        lines.append(f"| {shown} | {_type(value, schema)} | {_cell(_description(value, schema))} |")
    return "\n".join(lines) + "\n"


def _properties(
    node: Mapping[str, Any], root: Mapping[str, Any], prefix: str, seen: set[int]
) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    """Path, whether required, and schema of every property, depth first; what is shared is listed where it comes first.

    ``seen``: identities of the schemas listed so far, filled on the way, so that recursive ones end.
    """
    for part in _alternatives(node, root):
        if id(part) in seen:
            continue
        seen.add(id(part))
        required = set(part.get("required", ()))
        for key, value in part.get("properties", {}).items():
            if key == "$schema":
                continue
            yield f"{prefix}{key}", key in required, value
            inner = _resolve(value, root)
            items = inner.get("items")
            if isinstance(items, Mapping):
                yield from _properties(_resolve(items, root), root, f"{prefix}{key}[].", seen)
            else:
                yield from _properties(inner, root, f"{prefix}{key}.", seen)


def _alternatives(node: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node and all that it may be instead, each once."""
    found, waiting = [], [node]
    while waiting:
        part = waiting.pop(0)
        if any(part is known for known in found):
            continue
        found.append(part)
        waiting += [_resolve(p, root) for keyword in ("anyOf", "oneOf", "allOf") for p in part.get(keyword, ())]
    return found


def _resolve(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference_text = node.get("$ref", "")
    if not reference_text.startswith("#/$defs/"):
        return node
    found: Mapping[str, Any] = root.get("$defs", {}).get(reference_text.removeprefix("#/$defs/"), {})
    return found


def _description(value: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    return str(value.get("description") or _resolve(value, root).get("description", ""))


def _type(value: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    node = _resolve(value, root)
    if "enum" in node:
        return " · ".join(f"`{option}`" for option in node["enum"])
    if "anyOf" in node or "oneOf" in node:
        return " or ".join(dict.fromkeys(_type(part, root) for part in node.get("anyOf", node.get("oneOf"))))
    kind = node.get("type", "any")
    if kind == "array":
        return f"list of {_type(node.get('items', {}), root)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    page = reference(Kinds.standard())
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference.md").write_text(page, "utf-8")

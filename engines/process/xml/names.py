"""Gives every element of a BPMN document a name that a process file may hold, wherever the document refers to it."""

from __future__ import annotations

import re
import unicodedata

from lxml import etree

from engines.process.xml.words import BPMN, NODE_TAGS, tag

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-.]*")
_NAMED = ("process", "sequenceFlow", "lane", *NODE_TAGS)
_ATTRIBUTES = ("id", "sourceRef", "targetRef", "attachedToRef", "default", "calledElement", "processRef", "activityRef",
               "bpmnElement")  # fmt: skip
_TEXTS = frozenset({"flowNodeRef", "incoming", "outgoing"})


def settle_names(root: etree._Element) -> None:
    """Elements without id get one; ids of other tools that are no names here become names, each its own."""
    elements = list(root.iter(*(tag(name) for name in _NAMED)))
    taken = {element.get("id") for element in elements}
    changed: dict[str, str] = {}
    for element in elements:
        old = element.get("id")
        if old and _NAME.fullmatch(old):
            continue
        if old in changed:
            continue
        new = _free(old or etree.QName(element).localname, taken)
        taken.add(new)
        if old:
            changed[old] = new
        else:
            element.set("id", new)
    if changed:
        _follow(root, changed)


def _free(text: str, taken: set[str | None]) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    base = re.sub(r"[^A-Za-z0-9_\-.]+", "_", plain).strip("_") or "element"
    base = base if _NAME.fullmatch(base) else f"_{base}"
    return next(name for name in (base, *(f"{base}_{n}" for n in range(2, 100_000))) if name not in taken)


def _follow(root: etree._Element, changed: dict[str, str]) -> None:
    for element in root.iter(etree.Element):
        for key in _ATTRIBUTES:
            value = element.get(key)
            if value in changed:
                element.set(key, changed[value])
        if element.tag in {f"{{{BPMN}}}{name}" for name in _TEXTS} and element.text:
            element.text = changed.get(element.text.strip(), element.text)

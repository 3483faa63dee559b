"""BPMN diagram interchange: bounds of shapes and way points of edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from engines.process.xml.words import BPMNDI, DC, DI, tag


def read_diagram(root: etree._Element, nodes: set[str], flows: set[str]) -> dict[str, Any]:
    """Bounds and way points of the named nodes and flows, of lanes as well; empty where nothing is drawn."""
    shapes: dict[str, Any] = {}
    lanes: dict[str, Any] = {}
    edges: dict[str, Any] = {}
    lane_ids = {lane.get("id") for lane in root.iter(tag("lane"))}
    for shape in root.iter(tag("BPMNShape", BPMNDI)):
        name = (shape.get("bpmnElement") or "").rpartition(":")[2]
        bounds = shape.find(tag("Bounds", DC))
        if bounds is not None and (name in nodes or name in lane_ids):
            found: dict[str, Any] = {key: _number(bounds.get(key)) for key in ("x", "y", "width", "height")}
            if None in found.values():
                continue
            if shape.get("isExpanded") is not None:
                found["expanded"] = shape.get("isExpanded") == "true"
            (shapes if name in nodes else lanes)[name] = found
    for edge in root.iter(tag("BPMNEdge", BPMNDI)):
        name = (edge.get("bpmnElement") or "").rpartition(":")[2].strip()
        points = [[_number(p.get("x")), _number(p.get("y"))] for p in edge.findall(tag("waypoint", DI))]
        if name in flows and points and not any(None in point for point in points):
            edges[name] = points
    parts = {"nodes": shapes, "flows": edges, "lanes": lanes}
    return {key: part for key, part in parts.items() if part}


def write_diagram(root: etree._Element, process: str, diagram: Mapping[str, Any]) -> None:
    """Adds the diagram of one process to a document."""
    if not diagram:
        return
    drawing = etree.SubElement(root, tag("BPMNDiagram", BPMNDI), id=f"diagram_{process}")
    plane = etree.SubElement(drawing, tag("BPMNPlane", BPMNDI), id=f"plane_{process}", bpmnElement=process)
    for name, bounds in {**diagram.get("lanes", {}), **diagram.get("nodes", {})}.items():
        shape = etree.SubElement(plane, tag("BPMNShape", BPMNDI), id=f"shape_{name}", bpmnElement=name)
        if "expanded" in bounds:
            shape.set("isExpanded", str(bounds["expanded"]).lower())
        values = {key: _plain(bounds.get(key, 0)) for key in ("x", "y", "width", "height")}
        etree.SubElement(shape, tag("Bounds", DC), values)
    for name, points in diagram.get("flows", {}).items():
        edge = etree.SubElement(plane, tag("BPMNEdge", BPMNDI), id=f"edge_{name}", bpmnElement=name)
        for x, y in points:
            etree.SubElement(edge, tag("waypoint", DI), x=_plain(x), y=_plain(y))


def _number(text: str | None) -> int | float | None:
    """A coordinate; None for what is none, so that its element is laid out anew instead of failing the file."""
    try:
        value = float(text or 0)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError):
        return None


def _plain(value: Any) -> str:
    return str(value)

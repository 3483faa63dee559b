"""A process as a drawing: SVG made from the definition's own layout, with live and passed nodes marked.

BPMN 2.0 §7.4 shapes: circles for events, rounded boxes for activities, diamonds for gateways.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from builder.web.context import site
from engines.process.definition import NodeDefinition, ProcessDefinition, walk

_PAD = 16
_LINE = 15
_CHARS = 15
# What stands inside a gateway.
_GATEWAYS = {
    "exclusiveGateway": '<path d="m-8-8 16 16m0-16-16 16" class="sign"/>',
    "parallelGateway": '<path d="M0-11v22M-11 0h22" class="sign"/>',
    "inclusiveGateway": '<circle r="9" class="sign"/>',
    "eventBasedGateway": '<circle r="11" class="sign thin"/><path d="M0-6 6-1 4 6h-8l-2-7z" class="sign thin"/>',
    "complexGateway": '<path d="M0-11v22M-11 0h22M-8-8 8 8M8-8-8 8" class="sign"/>',
}
_MARKS = {
    "userTask": '<circle cx="6" cy="4" r="3"/><path d="M0 14c0-5 2-7 6-7s6 2 6 7z"/>',
    "serviceTask": '<circle cx="6" cy="7" r="5"/><circle cx="6" cy="7" r="2"/>',
    "businessRuleTask": '<path d="M0 2h14v11H0zM0 6h14M5 6v7"/>',
    "scriptTask": '<path d="M2 1h9l-2 4 2 4-2 4H0l2-4-2-4zM4 5h4M4 9h4"/>',
    "sendTask": '<path d="M0 2h14v10H0zl7 5 7-5"/>',
    "receiveTask": '<path d="M0 2h14v10H0zl7 5 7-5"/>',
    "callActivity": '<path d="M0 2h12v10H0zM6 4v6M3 7h6"/>',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def draw(
    process: ProcessDefinition,
    *,
    active: Collection[str] = (),
    passed: Collection[str] = (),
    heat: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
    title: str = "",
) -> Markup:
    """The drawing; empty where the definition holds no layout.

    ``heat``: a share of 1 by node, shown in five shades. ``notes``: a few characters above a node.
    """
    nodes = {node.name: node for node in walk(process.nodes)}
    boxes = {name: _Box(**place) for name, place in process.diagram.get("nodes", {}).items() if name in nodes}
    if not boxes:
        return Markup("")
    lines = {name: line for name, line in process.diagram.get("flows", {}).items() if len(line) > 1}
    labels = {flow.name: flow.label.get(site().locale) for flow in process.all_flows()}
    flows = [_flow(line, labels.get(name, "")) for name, line in lines.items()]
    ends = {(line[end][0], line[end][1]) for line in lines.values() for end in (0, -1)}
    shapes = [
        _shape(
            nodes[name],
            box,
            _state(name, active, passed, heat or {}),
            above=(box.middle[0], box.y + box.height) in ends,
        )
        + _note(box, (notes or {}).get(name, ""))
        for name, box in boxes.items()
    ]
    left, top, width, height = _extent(boxes.values(), lines)
    return Markup(
        '<svg class="process" viewBox="{} {} {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" class="arrow"/></marker></defs>{}{}</svg>'
    ).format(left, top, width, height, width, height, title, Markup("").join(flows), Markup("").join(shapes))


def _extent(boxes: Collection[_Box], flows: Mapping[str, Sequence[Sequence[float]]]) -> tuple[int, int, int, int]:
    points = [point for line in flows.values() for point in line]
    xs = [b.x for b in boxes] + [b.x + b.width for b in boxes] + [p[0] for p in points]
    ys = [b.y for b in boxes] + [b.y + b.height for b in boxes] + [p[1] for p in points]
    left, top = int(min(xs)) - _PAD - 24, int(min(ys)) - _PAD
    return left, top, int(max(xs)) - left + _PAD + 24, int(max(ys)) - top + _PAD + 26


def _flow(points: Sequence[Sequence[float]], label: str) -> Markup:
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    drawn = Markup('<polyline class="flow" points="{}" marker-end="url(#arrow)"/>').format(line)
    if not label:
        return drawn
    (x, y), (to_x, to_y) = points[:2]
    # Beside the first part of the line: above one that runs across, to the right of one that runs up or down.
    middle_x, middle_y = (x + to_x) / 2, (y + to_y) / 2
    place, anchor = ((middle_x, y - 6), "middle") if y == to_y else ((x + 6, middle_y + 4), "start")
    text = Markup('<text class="flow-label" text-anchor="{}" x="{}" y="{}">{}</text>')
    return drawn + text.format(anchor, f"{place[0]:g}", f"{place[1]:g}", label)


def _state(name: str, active: Collection[str], passed: Collection[str], heat: Mapping[str, float]) -> str:
    if heat.get(name):
        return f" heat-{min(int(heat[name] * 5) + 1, 5)}"
    return " active" if name in active else " passed" if name in passed else ""


def _note(box: _Box, note: str) -> Markup:
    x, _ = box.middle
    return _text([note], x, box.y - 6) if note else Markup("")


def _shape(node: NodeDefinition, box: _Box, state: str, *, above: bool) -> Markup:
    """The node; ``above``: its label stands there because a flow leaves it below."""
    label = node.label.get(site().locale)
    # Loading names what has no label by its name, which says nothing beside a circle or a diamond.
    small = label if label != node.name else ""
    x, y = box.middle
    kind = str(node.type)
    if "Event" in kind:
        return _event(kind, box, small, state)
    if "Gateway" in kind:
        half = box.width / 2
        sign = Markup(_GATEWAYS.get(kind, ""))  # noqa: S704 - constants of this module
        text = _text([small] if small else [], x, box.y - 6 if above else box.y + box.height + 14)
        diamond = Markup('<path d="M{0} 0 0 {0} -{0} 0 0 -{0}z"/>').format(f"{half:g}")
        return Markup('<g class="node gateway{}"><g transform="translate({} {})">{}{}</g>{}</g>').format(
            state, f"{x:g}", f"{y:g}", diamond, sign, text
        )
    mark = Markup(_MARKS.get(kind, ""))  # noqa: S704 - constants of this module
    lines = _wrap(label or node.name)
    text = _text(lines, x, y - (len(lines) - 1) * _LINE / 2 + 5)
    return Markup(
        '<g class="node task{}"><rect x="{}" y="{}" width="{}" height="{}" rx="8"/>'
        '<g class="mark" transform="translate({} {}) scale(.9)">{}</g>{}</g>'
    ).format(state, box.x, box.y, box.width, box.height, box.x + 6, box.y + 5, mark, text)


def _event(kind: str, box: _Box, label: str, state: str) -> Markup:
    x, y = box.middle
    inner = "" if kind in {"startEvent", "endEvent"} else f'<circle cx="{x:g}" cy="{y:g}" r="{box.width / 2 - 3:g}"/>'
    text = _text(_wrap(label), x, box.y + box.height + 14) if label else Markup("")
    return Markup('<g class="node event {}{}"><circle cx="{}" cy="{}" r="{}"/>{}{}</g>').format(
        kind,
        state,
        f"{x:g}",
        f"{y:g}",
        f"{box.width / 2:g}",
        Markup(inner),  # noqa: S704 - numbers only
        text,
    )


def _text(lines: Sequence[str], x: float, y: float) -> Markup:
    if not lines:
        return Markup("")
    spans = Markup("").join(
        Markup('<tspan x="{}" y="{}">{}</tspan>').format(f"{x:g}", f"{y + number * _LINE:g}", line)
        for number, line in enumerate(lines)
    )
    return Markup('<text text-anchor="middle">{}</text>').format(spans)


def _wrap(label: str) -> list[str]:
    """The label in at most three lines; Chinese characters count as two."""
    lines, line, width = [], "", 0
    for word in _words(label):
        size = sum(2 if ord(c) > 0x2E80 else 1 for c in word)
        if line and width + size > _CHARS:
            lines.append(line.strip())
            line, width = "", 0
        line, width = line + word, width + size
    lines = [*lines, line.strip()]
    return lines if len(lines) <= 3 else [*lines[:2], lines[2][: _CHARS - 1] + "…"]


def _words(label: str) -> list[str]:
    words: list[str] = []
    for character in label:
        if words and ord(character) < 0x2E80 and words[-1][-1:] not in {" ", ""} and ord(words[-1][-1]) < 0x2E80:
            words[-1] += character
        else:
            words.append(character)
    return words

"""What generated code is made of: fresh names, constants, open functions, and values made FEEL's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from engines.feel import nodes as n
from engines.feel import types as t
from engines.feel.checked import Checked
from engines.feel.nodes import Node
from engines.feel.types import FeelType
from engines.feel.values import Date, DateTime, DaysTime, Time, YearsMonths

# Python classes of the simple types, with their names in generated code.
CLASSES: dict[FeelType, tuple[str, type]] = {
    t.NUMBER: ("Decimal", Decimal),
    t.STRING: ("str", str),
    t.BOOLEAN: ("bool", bool),
    t.DATE: ("Date", Date),
    t.DAYS_TIME: ("DaysTime", DaysTime),
    t.YEARS_MONTHS: ("YearsMonths", YearsMonths),
    t.IDENTIFIER: ("UUID", UUID),
}
TEMPORAL: dict[FeelType, type] = {t.TIME: Time, t.DATE_TIME: DateTime}
_HOIST_EVERY = 10


class Maker:
    """What all parts of the generator stand on: names, constants, functions that are open, values and tests."""

    # How each kind of node is written; the generator fills it in.
    emitters: ClassVar[dict[type[Node], Callable[[Any, Any], str]]] = {}

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.constants: dict[str, Any] = {}
        # Lines of the functions that are open; what is hoisted goes into the innermost.
        self.blocks: list[list[str]] = [[]]
        self.counter = 0
        self.depth = 0
        # Variables looked up once for several trees: Python names of the value as it came, and of the native one.
        self.shared: dict[tuple[str, FeelType], tuple[str, str]] = {}

    # Several trees

    def share(self, parts: Sequence[Checked]) -> None:
        """Looks the simple variables that more than one tree reads up at the head of the open function."""
        readers = Counter(
            key for part in parts for key in {(b.name, b.type) for b in part.bindings.values() if b.kind == "variable"}
        )
        for (name, kind), count in readers.items():
            if count > 1 and (kind in CLASSES or kind in TEMPORAL):
                raw, made = self.fresh("r"), self.fresh("s")
                cls = self.constant("C", TEMPORAL[kind] if kind in TEMPORAL else CLASSES[kind][1])
                call = f"as_type(rt, NOWHERE, {raw}, {cls}, {str(kind)!r})"
                self.blocks[-1] += [
                    f"{raw} = v.get({name!r})",
                    f"{made} = {raw} if {raw} is None or type({raw}) is {cls} else {call}",
                ]
                self.shared[name, kind] = (raw, made)

    def value_of(self, checked: Checked) -> str:
        """Code for the value of another tree in the same function."""
        self.checked = checked
        return self.value(checked.tree)

    def shared_names(self, node: Node) -> tuple[str, str] | None:
        """The Python names of a variable that is looked up already."""
        while isinstance(node, n.Group):
            node = node.inner
        if not self.shared or not isinstance(node, n.Name):
            return None
        binding = self.checked.bindings[id(node)]
        return self.shared.get((binding.name, binding.type)) if binding.kind == "variable" else None

    # Helpers

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}_{self.counter}"

    def constant(self, prefix: str, value: Any) -> str:
        name = self.fresh(prefix)
        self.constants[name] = value
        return name

    def span(self, node: Node) -> str:
        return self.constant("S", node.span)

    def type(self, node: Node) -> FeelType:
        return self.checked.types[id(node)]

    def is_raw(self, node: Node) -> bool:
        return id(node) in self.checked.raw and self.shared_names(node) is None

    def function(self, name: str, parameters: str, build: Callable[[], list[str]]) -> None:
        """Adds ``def name(parameters)`` to the innermost open block."""
        self.blocks.append([])
        body = build()
        lines = [*self.blocks.pop(), *body]
        self.blocks[-1] += [f"def {name}({parameters}):", *(f" {line}" for line in lines)]

    def hoisted(self, build: Callable[[], list[str]], prefix: str = "h") -> str:
        """A call of a new function without parameters."""
        name = self.fresh(prefix)
        self.function(name, "", build)
        return f"{name}()"

    # Values

    def emit(self, node: Node) -> str:
        """Code for the value as it comes, perhaps raw."""
        self.depth += 1
        try:
            if self.depth % _HOIST_EVERY:
                return self.emitters[type(node)](self, node)
            return self.hoisted(lambda: [f"return {self.emitters[type(node)](self, node)}"])
        finally:
            self.depth -= 1

    def value(self, node: Node) -> str:
        """Code for the value as FEEL holds it; where the static type is known, it is that or null."""
        shared = self.shared_names(node)
        if shared is not None:
            return shared[1]
        code = self.emit(node)
        return self.converted(code, node) if self.is_raw(node) else code

    def converted(self, code: str, node: Node) -> str:
        """Code that makes a raw value native."""
        kind = self.type(node)
        if kind in CLASSES:
            name, temporary = CLASSES[kind][0], self.fresh("t")
            call = f"as_type(rt, {self.span(node)}, {temporary}, {name}, {str(kind)!r})"
            return f"({temporary} if type({temporary} := {code}) is {name} else {call})"
        if isinstance(kind, t.ListType) and kind.element in CLASSES:
            name = CLASSES[kind.element][0]
            return f"typed_list(rt, {self.span(node)}, {code}, {name}, {str(kind.element)!r})"
        if kind in (t.TIME, t.DATE_TIME):
            cls = self.constant("C", TEMPORAL[kind])
            return f"as_type(rt, {self.span(node)}, {code}, {cls}, {str(kind)!r})"
        return f"rt.native({code})"

    def test(self, node: Node) -> str:
        """Code that is true for Python exactly when the value is true."""
        match node:
            case n.Group():
                return self.test(node.inner)
            case n.And():
                return f"({' and '.join(self.test(term) for term in node.terms)})"
            case n.Or():
                return f"({' or '.join(self.test(term) for term in node.terms)})"
        code = self.value(node)
        return code if self.type(node) is t.BOOLEAN else f"(truth(rt, {self.span(node)}, {code}) is True)"

    def boolean(self, node: Node) -> str:
        """Code for true, false or null."""
        code = self.value(node)
        return code if self.type(node) is t.BOOLEAN else f"truth(rt, {self.span(node)}, {code})"


def indented(lines: list[str]) -> list[str]:
    """Lines one level further in."""
    return [f" {line}" for line in lines]

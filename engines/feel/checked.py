"""What the static check finds out about a tree, for those who make something of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engines.core.diagnostics import Diagnostic
from engines.feel import types as t
from engines.feel.builtins.registry import Overload
from engines.feel.nodes import Node
from engines.feel.types import FeelType


@dataclass(slots=True, eq=False)
class Binding:
    """What a name means where it stands."""

    # "variable", "local", "entry" (of a filter's item), "partial", "builtin" or "unknown".
    kind: str
    name: str
    type: FeelType
    # The Python name that holds the value ("local"), or the item ("entry").
    code: str = ""
    # The value is as the caller gave it, not yet FEEL's own.
    raw: bool = False
    # What it reads of the variables.
    origin: tuple[str, ...] | None = None
    # For an entry of an item of unknown type: what the name means where the item lacks it.
    outer: Binding | None = None


@dataclass(slots=True, eq=False)
class Frame:
    """The names that a loop, a filter or a function declares."""

    names: dict[str, Binding] = field(default_factory=dict)
    # Set in a filter: the item whose entries are in scope.
    item: Binding | None = None


@dataclass(slots=True, eq=False)
class Checked:
    """A checked tree; dictionaries are keyed by ``id(node)``."""

    tree: Node
    types: dict[int, FeelType]
    bindings: dict[int, Binding]
    # Names that a loop, a context, a function or a filter declares, in order.
    declared: dict[int, list[Binding]]
    # Calls whose arguments fit exactly one overload whatever their values, null apart.
    direct: dict[int, Overload]
    # Nodes whose values are as the caller gave them.
    raw: set[int]
    reads: frozenset[tuple[str, ...]]
    volatile: bool
    diagnostics: list[Diagnostic]
    # What ``?`` means, for unary tests.
    input: Binding | None
    # Functions of (runtime, variables) that evaluate single parts, as far as somebody needed them.
    parts: dict[int, Callable[[Any, Any], Any]] = field(default_factory=dict)


def identities(left: FeelType, right: FeelType) -> bool:
    """Whether both may be people, departments or records, which compare by id."""

    def may(kind: FeelType) -> bool:
        return kind is t.IDENTIFIER or (isinstance(kind, t.ContextType) and kind.get("id") in (t.IDENTIFIER, t.ANY))

    return may(left) and may(right)

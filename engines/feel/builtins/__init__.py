"""The built-in functions of DMN 1.5 §10.3.4, one module a kind, and those of our own."""

from engines.feel.builtins import (
    amounts,
    contexts,
    conversion,
    lists,
    logic,
    numbers,
    periods,
    ranges,
    strings,
    temporal,
)
from engines.feel.builtins.registry import BUILTINS, Builtin, Overload

__all__ = [
    "BUILTINS",
    "Builtin",
    "Overload",
    "amounts",
    "contexts",
    "conversion",
    "lists",
    "logic",
    "numbers",
    "periods",
    "ranges",
    "strings",
    "temporal",
]

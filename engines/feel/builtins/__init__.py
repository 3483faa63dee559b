"""The built-in functions of DMN 1.5 §10.3.4, one module a kind."""

from engines.feel.builtins import contexts, conversion, lists, logic, numbers, ranges, strings, temporal
from engines.feel.builtins.registry import BUILTINS, Builtin, Overload

__all__ = [
    "BUILTINS",
    "Builtin",
    "Overload",
    "contexts",
    "conversion",
    "lists",
    "logic",
    "numbers",
    "ranges",
    "strings",
    "temporal",
]

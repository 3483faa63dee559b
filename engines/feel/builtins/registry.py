"""How a built-in function is declared, and how a call finds the overload that its arguments fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engines.feel import types as t
from engines.feel.conforming import coerce
from engines.feel.nodes import Span
from engines.feel.runtime import Runtime
from engines.feel.values import type_name

# Stands for whatever a list holds, in signatures.
ELEMENT = t.SimpleType("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a built-in."""

    name: str
    type: t.FeelType
    optional: bool = False
    # Whether null is a value like any other here; else a null argument gives null.
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """One form of a built-in."""

    # As documented: ``substring(string: string, start position: number, length?: number) -> string``.
    signature: str
    parameters: tuple[Parameter, ...]
    # The last parameter may be repeated.
    variadic: bool
    result: t.FeelType
    call: Callable[..., Any]
    # First line: what comes back.
    doc: str

    @property
    def required(self) -> int:
        """How many arguments there must be."""
        return sum(not parameter.optional for parameter in self.parameters)

    def takes(self, count: int) -> bool:
        """Whether ``count`` positional arguments can fit."""
        return self.required <= count and (self.variadic or count <= len(self.parameters))


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in function: its name and its overloads, tried in order."""

    name: str
    overloads: tuple[Overload, ...]


BUILTINS: dict[str, Builtin] = {}
_SIGNATURE = re.compile(r"(?P<name>[a-z ]+)\((?P<parameters>.*)\) -> (?P<result>.+)")
_PARAMETER = re.compile(
    r"(?P<name>[A-Za-z0-9 ]+)(?P<mark>\?|\.\.\.)?: (?P<type>[^,<]+(?:<[^>]*>)?)(?P<null>\|null)?(?:, |$)"
)


def builtin(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers the decorated function as an overload of the built-in that ``signature`` names.

    ``name?:`` marks an optional parameter, ``name...:`` one that repeats, ``|null`` one that takes null; ``T`` is the
    type of a list's items. The function gets the runtime and the arguments in order.
    """
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise ValueError(f"not a signature: {signature}")
    marks = list(_PARAMETER.finditer(found["parameters"]))
    parameters = tuple(
        Parameter(
            name=mark["name"],
            type=type_of(mark["type"].removesuffix("|null")),
            optional=mark["mark"] == "?",
            nullable=mark["type"].endswith("|null") or mark["type"] == "Any",
        )
        for mark in marks
    )
    variadic = any(mark["mark"] == "..." for mark in marks)

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        overload = Overload(
            signature=signature,
            parameters=parameters,
            variadic=variadic,
            result=type_of(found["result"]),
            call=call,
            doc=(call.__doc__ or "").strip(),
        )
        known = BUILTINS.get(found["name"])
        BUILTINS[found["name"]] = Builtin(found["name"], (*(known.overloads if known else ()), overload))
        return call

    return register


def type_of(text: str) -> t.FeelType:
    """The type that a signature writes."""
    if text == "T":
        return ELEMENT
    for head, make in (("list<", t.ListType), ("range<", t.RangeType)):
        if text.startswith(head):
            return make(type_of(text[len(head) : -1]))
    return t.RangeType(t.ANY) if text == "range" else t.BY_NAME[text]


def call_builtin(
    runtime: Runtime, span: Span, function: Builtin, arguments: tuple[Any, ...], names: tuple[str, ...] = ()
) -> Any:
    """The result of a built-in; null with a failure where no overload takes the arguments."""
    for overload in _in_order(function, names) if names else function.overloads:
        bound = _bind(runtime, overload, arguments, names)
        if bound is not None:
            runtime.budget.charge(1)
            runtime.span = span
            return overload.call(runtime, *bound)
    return _refuse(runtime, span, function, arguments, names)


def _in_order(function: Builtin, names: tuple[str, ...]) -> list[Overload]:
    """The overloads, first those whose parameters are named in this order: ``before(range: …, point: …)``."""

    def differs(overload: Overload) -> bool:
        return tuple(parameter.name for parameter in overload.parameters)[: len(names)] != names

    return sorted(function.overloads, key=differs)


def call_direct(runtime: Runtime, span: Span, function: Builtin, call: Callable[..., Any], *arguments: Any) -> Any:
    """As ``call_builtin`` for an overload that the arguments are known to fit, unless one is null."""
    if None in arguments:
        return call_builtin(runtime, span, function, arguments)
    runtime.budget.charge(1)
    runtime.span = span
    return call(runtime, *arguments)


def _refuse(
    runtime: Runtime, span: Span, function: Builtin, arguments: tuple[Any, ...], names: tuple[str, ...]
) -> None:
    code = "feel.null_argument" if any(argument is None for argument in arguments) else "feel.wrong_arguments"
    runtime.fail(
        code,
        span,
        function=function.name,
        found=", ".join(map(type_name, arguments)),
        expected=" | ".join(overload.signature for overload in function.overloads),
    )


def _bind(runtime: Runtime, overload: Overload, arguments: tuple[Any, ...], names: tuple[str, ...]) -> list[Any] | None:
    if names:
        return _bind_named(runtime, overload, dict(zip(names, arguments, strict=True)))
    if not overload.takes(len(arguments)):
        return None
    bound = []
    last = len(overload.parameters) - 1
    for index, argument in enumerate(arguments):
        fits, value = _accept(runtime, overload.parameters[min(index, last)], argument)
        if not fits:
            return None
        bound.append(value)
    return bound


def _bind_named(runtime: Runtime, overload: Overload, arguments: dict[str, Any]) -> list[Any] | None:
    known = {parameter.name for parameter in overload.parameters}
    if not known >= arguments.keys():
        return None
    bound: list[Any] = []
    for parameter in overload.parameters:
        if parameter.name not in arguments and parameter.optional:
            bound.append(None)
            continue
        # A parameter that is left out is null, and whether null will do is the parameter's to say.
        fits, value = _accept(runtime, parameter, arguments.get(parameter.name))
        if not fits:
            return None
        bound.append(value)
    return bound


def _accept(runtime: Runtime, parameter: Parameter, value: Any) -> tuple[bool, Any]:
    kind = parameter.type
    if value is None:
        return parameter.nullable, None
    if kind is t.ANY or kind is ELEMENT:
        return True, value
    if isinstance(kind, t.ListType) and kind.element in (t.ANY, ELEMENT):
        return True, value if type(value) is list else [value]
    if isinstance(kind, t.ListType) and type(value) is list and None in value:
        return False, value
    return coerce(value, kind, runtime.budget)

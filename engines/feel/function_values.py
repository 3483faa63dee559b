"""Values of functions that generated code makes: built-ins by name, external functions."""

from __future__ import annotations

from typing import Any

from engines.feel import types as t
from engines.feel.builtins.registry import Builtin, call_builtin
from engines.feel.nodes import Span
from engines.feel.runtime import Runtime
from engines.feel.values import Function


def named_function(builtin: Builtin) -> Function:
    """A built-in as a value; it takes its arguments by position."""

    def run(runtime: Runtime, *arguments: Any) -> Any:
        return call_builtin(runtime, runtime.span, builtin, arguments)

    lengths = {len(overload.parameters) for overload in builtin.overloads}
    single = len(builtin.overloads) == 1 and not builtin.overloads[0].variadic
    names = tuple(parameter.name for parameter in builtin.overloads[0].parameters) if single else ()
    fixed = single and len(lengths) == 1 and builtin.overloads[0].required == len(names)
    return Function(run, names if fixed else (), (), builtin.name, variadic=not fixed)


def external(
    runtime: Runtime, span: Span, spec: Any, names: tuple[str, ...], types: tuple[t.FeelType, ...]
) -> Function | None:
    """The function that the evaluation context's ``external`` gives for a description; null without one.

    ``external`` is a Python function from the description (a context with ``java`` or ``pmml``) to a Python function or
    None: a whitelist, as nothing outside is ever loaded by name.
    """
    resolve = runtime.functions.get("external")
    found = resolve(spec) if resolve is not None and isinstance(spec, dict) else None
    if found is None:
        runtime.fail("feel.external_function", span)
        return None
    value = runtime.native(found)
    return Function(value.call, names, types, "external")

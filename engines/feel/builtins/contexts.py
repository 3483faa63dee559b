"""Functions of contexts (DMN 1.5 §10.3.4.10)."""

from __future__ import annotations

from typing import Any

from engines.feel.builtins.registry import builtin
from engines.feel.runtime import Runtime
from engines.feel.values import type_name


@builtin("get value(m: context, key: string) -> Any")
def get_value(runtime: Runtime, m: dict[str, Any], key: str) -> Any:
    """The value of an entry; null where there is none."""
    if key not in m:
        return runtime.fail("feel.no_such_entry", name=key)
    return m[key]


@builtin("get value(m: context, keys: list<string>) -> Any")
def get_value_at(runtime: Runtime, m: dict[str, Any], keys: list[str]) -> Any:
    """The value at a path of keys; null where there is none."""
    value: Any = m
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return runtime.fail("feel.no_such_entry", name=key)
        value = value[key]
    return value if keys else runtime.fail("feel.empty_list")


@builtin("get entries(m: context) -> list")
def get_entries(runtime: Runtime, m: dict[str, Any]) -> list[dict[str, Any]]:
    """A list of contexts with ``key`` and ``value``, one for each entry."""
    runtime.budget.check_list(4 * len(m))
    return [{"key": key, "value": value} for key, value in m.items()]


@builtin("context(entries: list) -> context")
def context(runtime: Runtime, entries: list[Any]) -> dict[str, Any] | None:
    """The context made of a list of contexts with ``key`` and ``value``; null where a key repeats."""
    runtime.budget.check_list(4 * len(entries))
    result: dict[str, Any] = {}
    for entry in entries:
        fits = isinstance(entry, dict) and type(entry.get("key")) is str and "value" in entry
        if not fits or entry["key"] in result:
            runtime.fail("feel.bad_entry", found=type_name(entry))
            return None
        result[entry["key"]] = entry["value"]
    return result


@builtin("context put(context: context, key: string, value: Any) -> context")
def context_put(runtime: Runtime, context: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The context with one entry added or changed."""
    runtime.budget.check_list(4 * len(context))
    return {**context, key: value}


@builtin("context put(context: context, keys: list<string>, value: Any) -> context")
def context_put_at(runtime: Runtime, context: dict[str, Any], keys: list[str], value: Any) -> Any:
    """The context with the entry at a path of keys changed; null where the path leads through no context."""
    if not keys:
        return runtime.fail("feel.empty_list")
    runtime.budget.check_list(4 * len(context))
    key, *rest = keys
    if not rest:
        return {**context, key: value}
    inner = context.get(key)
    if not isinstance(inner, dict):
        return runtime.fail("feel.no_such_entry", name=key)
    runtime.budget.charge(1)
    changed = context_put_at(runtime, inner, rest, value)
    return None if changed is None else {**context, key: changed}


@builtin("context merge(contexts: list<context>) -> context")
def context_merge(runtime: Runtime, contexts: list[dict[str, Any]]) -> dict[str, Any]:
    """One context with the entries of all; a later one wins."""
    result: dict[str, Any] = {}
    for entries in contexts:
        runtime.budget.check_list(4 * len(entries))
        result.update(entries)
    return result

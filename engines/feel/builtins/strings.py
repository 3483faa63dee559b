"""Functions of strings (DMN 1.5 §10.3.4.3). Positions and lengths count code points."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engines.feel import regex
from engines.feel.builtins.registry import builtin
from engines.feel.runtime import Runtime
from engines.feel.values import type_name


@builtin("substring(string: string, start position: number, length?: number) -> string")
def substring(runtime: Runtime, string: str, start_position: Decimal, length: Decimal | None = None) -> str | None:
    """The part from a position (1 is the first, -1 the last character), of the given length or to the end."""
    start = int(start_position)
    if start == 0 or abs(start) > len(string) or (length is not None and length < 1):
        runtime.fail("feel.no_such_position", position=start, length=len(string))
        return None
    first = start - 1 if start > 0 else len(string) + start
    return string[first:] if length is None else string[first : first + int(length)]


@builtin("string length(string: string) -> number")
def string_length(_runtime: Runtime, string: str) -> Decimal:
    """The number of characters (code points)."""
    return Decimal(len(string))


@builtin("upper case(string: string) -> string")
def upper_case(runtime: Runtime, string: str) -> str:
    """The string in capital letters, by Unicode's rules."""
    runtime.budget.charge_size(len(string))
    return string.upper()


@builtin("lower case(string: string) -> string")
def lower_case(runtime: Runtime, string: str) -> str:
    """The string in small letters, by Unicode's rules."""
    runtime.budget.charge_size(len(string))
    return string.lower()


@builtin("substring before(string: string, match: string) -> string")
def substring_before(runtime: Runtime, string: str, match: str) -> str:
    """What stands before the first ``match``; empty where there is none."""
    runtime.budget.charge_size(len(string))
    head, found, _ = string.partition(match) if match else ("", "", "")
    return head if found else ""


@builtin("substring after(string: string, match: string) -> string")
def substring_after(runtime: Runtime, string: str, match: str) -> str:
    """What stands after the first ``match``; empty where there is none, the whole string for an empty ``match``."""
    runtime.budget.charge_size(len(string))
    return string.partition(match)[2] if match else string


@builtin("contains(string: string, match: string) -> boolean")
def contains(runtime: Runtime, string: str, match: str) -> bool:
    """Whether ``match`` occurs in the string."""
    runtime.budget.charge(len(string) // 64)
    return match in string


@builtin("starts with(string: string, match: string) -> boolean")
def starts_with(_runtime: Runtime, string: str, match: str) -> bool:
    """Whether the string begins with ``match``."""
    return string.startswith(match)


@builtin("ends with(string: string, match: string) -> boolean")
def ends_with(_runtime: Runtime, string: str, match: str) -> bool:
    """Whether the string ends with ``match``."""
    return string.endswith(match)


@builtin("matches(input: string, pattern: string, flags?: string|null) -> boolean")
def matches(runtime: Runtime, input: str, pattern: str, flags: str | None = None) -> bool | None:
    """Whether a part of the string matches the regular expression (XPath 3.1 fn:matches)."""
    compiled = _compiled(runtime, pattern, flags)
    if compiled is None:
        return None
    runtime.budget.charge_size(len(input))
    return compiled.matches(input)


@builtin("replace(input: string, pattern: string, replacement: string, flags?: string|null) -> string")
def replace(runtime: Runtime, input: str, pattern: str, replacement: str, flags: str | None = None) -> str | None:
    """The string with every match replaced; ``$1`` is the first group (XPath 3.1 fn:replace)."""
    compiled = _compiled(runtime, pattern, flags)
    if compiled is None:
        return None
    try:
        result = regex.replace(
            compiled, input, replacement, literal="q" in (flags or ""), charge=runtime.budget.charge_size
        )
    except regex.RegexError as error:
        runtime.fail("feel.bad_regex", pattern=pattern, reason=str(error))
        return None
    return result


@builtin("split(string: string, delimiter: string) -> list<string>")
def split(runtime: Runtime, string: str, delimiter: str) -> list[str] | None:
    """The parts between matches of the regular expression ``delimiter``."""
    compiled = _compiled(runtime, delimiter, None)
    if compiled is None:
        return None
    return regex.split(compiled, string, runtime.budget.charge_size)


def _compiled(runtime: Runtime, pattern: str, flags: str | None) -> regex.Pattern | None:
    try:
        return regex.compile(pattern, flags or "", runtime.budget.regex_length)
    except regex.RegexError as error:
        return runtime.fail("feel.bad_regex", pattern=pattern, reason=str(error))  # type: ignore[no-any-return]


@builtin("string join(list: list, delimiter?: string|null) -> string")
def string_join(runtime: Runtime, list: list[Any], delimiter: str | None = None) -> str | None:
    """The strings of a list, nulls left out, with ``delimiter`` between them."""
    return _join(runtime, list, delimiter or "")


@builtin("string join(list: list, delimiter: string|null, prefix: string|null, suffix: string|null) -> string")
def string_join_within(
    runtime: Runtime, list: list[Any], delimiter: str | None, prefix: str | None, suffix: str | None
) -> str | None:
    """As above, between ``prefix`` and ``suffix``."""
    joined = _join(runtime, list, delimiter or "")
    return None if joined is None else f"{prefix or ''}{joined}{suffix or ''}"


def _join(runtime: Runtime, items: list[Any], delimiter: str) -> str | None:
    texts = [item for item in items if item is not None]
    wrong = next((item for item in texts if type(item) is not str), None)
    if wrong is not None:
        runtime.fail("feel.wrong_type", found=type_name(wrong), expected="string")
        return None
    runtime.budget.charge_size(sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)

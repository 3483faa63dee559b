"""The reference of built-in functions as Markdown, made from the functions themselves and their examples."""

from __future__ import annotations

import json
from importlib import resources

from engines.feel import builtins
from engines.feel.builtins.registry import BUILTINS, Builtin

_KINDS = (
    (builtins.logic, "Conditions"),
    (builtins.numbers, "Numbers"),
    (builtins.strings, "Strings"),
    (builtins.lists, "Lists"),
    (builtins.contexts, "Contexts"),
    (builtins.temporal, "Dates, times and durations"),
    (builtins.periods, "Periods"),
    (builtins.ranges, "Ranges"),
    (builtins.conversion, "Conversion"),
    (builtins.amounts, "Amounts in words"),
)
_HEAD = """# Built-in functions of FEEL

Made by `python -m engines.feel.reference`; a test holds it to the code, and runs every example.

`name?:` may be left out, `name...:` may be repeated, `|null` takes null. Everywhere else a null argument gives null.
`T` is the type of a list's items. Arguments can be given by name: `substring(string: "foobar", start position: 3)`.
"""


def examples() -> dict[str, list[list[str]]]:
    """Function name to pairs of an expression and its value as FEEL text.

    ``now()`` is half past ten in Shanghai on 15 March 2026.
    """
    text = resources.files("engines.feel").joinpath("examples/functions.json").read_text("utf-8")
    found: dict[str, list[list[str]]] = json.loads(text)
    return found


def functions_markdown() -> str:
    """The whole page."""
    shown = examples()
    parts = [_HEAD]
    for module, title in _KINDS:
        parts.append(f"## {title}\n")
        parts += [_paragraph(function, shown[function.name]) for function in _functions_of(module.__name__)]
    return "\n".join(parts)


def _functions_of(module: str) -> list[Builtin]:
    found = [function for function in BUILTINS.values() if function.overloads[0].call.__module__ == module]
    return sorted(found, key=lambda function: function.name)


def _paragraph(function: Builtin, shown: list[list[str]]) -> str:
    lines = [f"### {function.name}\n"]
    for overload in function.overloads:
        lines.append(f"- `{overload.signature}`  \n  {overload.doc.split(chr(10) * 2)[0]}")
    lines += ["", "```feel", *(f"{expression} = {value}" for expression, value in shown), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(functions_markdown(), end="")

"""``dougong feel``: expressions at a prompt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from builder.cli.values import context_now, shown, value_of
from engines import feel
from engines.core import DefinitionError
from engines.feel.builtins import BUILTINS

KEYWORDS = tuple("and between else every false for if in null or return satisfies some then true".split())


@click.command("feel")
@click.argument("expression", required=False)
def feel_command(expression: str | None) -> None:
    """Evaluate EXPRESSION, or one line after the other; `name := expression` keeps a value, Tab completes."""
    if expression is not None:
        click.echo(_evaluated(expression, {}))
        return
    names: dict[str, Any] = {}
    _complete_with(names)
    while True:
        try:
            line = click.prompt("feel", prompt_suffix="> ", default="", show_default=False)
        except click.Abort:
            return
        name, assigned, text = line.partition(":=")
        if assigned:
            names[name.strip()] = value_of(text, names)
        elif line.strip():
            click.echo(_evaluated(line, names))


def completions(text: str, names: Iterable[str]) -> list[str]:
    """What a line may go on with after its last word: functions (with their bracket), keywords and kept names."""
    known = [f"{name}(" for name in BUILTINS] + [*KEYWORDS, *names]
    return sorted(word for word in known if word.startswith(text)) if text else []


def _complete_with(names: dict[str, Any]) -> None:
    """Completion by the tab key, where the terminal has a line editor."""
    try:
        import readline
    except ImportError:
        return

    def complete(text: str, state: int) -> str | None:
        found = completions(text, names)
        return found[state] if state < len(found) else None

    # Names of functions hold spaces: a word begins after a sign.
    readline.set_completer_delims("()[]{},+-*/=<>:;\t\n")
    readline.set_completer(lambda text, state: complete(text.lstrip(), state))
    readline.parse_and_bind("tab: complete")


def _evaluated(text: str, names: dict[str, Any]) -> str:
    """A value with the failures behind its nulls, or what is wrong with the expression."""
    try:
        result = feel.compile(text, feel.Scope({name: feel.ANY for name in names})).evaluate(names, context_now())
    except DefinitionError as error:
        return "\n".join(diagnostic.render() for diagnostic in error.diagnostics)
    return "\n".join(
        [shown(result.value), *(f"  {failure.code} {dict(failure.params)}" for failure in result.failures)]
    )

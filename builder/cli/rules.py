"""``dougong rules`` and ``dougong feel``: rules, decisions and expressions at a prompt, without a workspace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from engines import feel
from engines.core import SYSTEM, DefinitionError, DefinitionSource, Diagnostic, Severity
from engines.feel.builtins import BUILTINS
from engines.rules import (
    CompiledDecisions,
    compile_decision,
    compile_rules,
    explain_condition,
    load_decision,
    load_rules,
    read_xml,
)
from engines.rules import write_xml as to_xml
from engines.rules.decisions.analysis import analyse
from engines.rules.decisions.graph import compile_model
from engines.rules.language import format_rules

KEYWORDS = tuple("and between else every false for if in null or return satisfies some then true".split())
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("rules")
def rules_group() -> None:
    """Work with rule files (*.rules) and decisions (*.decision.json, *.dmn)."""


@rules_group.command("check")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.pass_context
def check_command(context: click.Context, files: tuple[Path, ...]) -> None:
    """Say everything that is wrong with FILES alone; references to an app's other definitions are not looked at."""
    found = [diagnostic for file in files for diagnostic in _problems(file)]
    for diagnostic in found:
        click.echo(diagnostic.render())
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in found)
    click.echo(f"{len(files)} files, {errors} errors, {len(found) - errors} warnings")
    context.exit(1 if errors else 0)


@rules_group.command("format")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--language", type=click.Choice(["en", "zh"]), help="Keywords to write; else those of the file.")
@click.option("--write", is_flag=True, help="Change the files instead of printing them.")
def format_command(files: tuple[Path, ...], language: str | None, write: bool) -> None:
    """Lay rule FILES out anew, comments kept."""
    for file in files:
        text = format_rules(_source(file), language)
        if write:
            file.write_text(text, "utf-8")
        else:
            click.echo(text, nl=False)


@rules_group.command("eval")
@click.argument("file", type=FILE)
@click.argument("inputs", nargs=-1, metavar="[NAME=FEEL]...")
@click.option("--decision", default="", help="Which decision; else the one called like the file.")
def eval_command(file: Path, inputs: tuple[str, ...], decision: str) -> None:
    """Decide FILE for inputs such as `amount=1200 level='"gold"'`, and show how the value came about."""
    values = {name: _value(text) for name, _, text in (item.partition("=") for item in inputs)}
    result = _decisions(file).decide(values, _context(), decision=decision, trace=True)
    for entry in result.trace:
        rows = f"  rows {', '.join(str(row + 1) for row in entry.matched)}" if entry.matched else ""
        seen = f"  from {_shown(dict(entry.inputs))}" if entry.inputs else ""
        click.echo(f"{entry.decision} = {_shown(entry.value)}{rows}{seen}")
    for failure in result.failures:
        click.echo(f"  {failure.code} {dict(failure.params)}")


@rules_group.command("explain")
@click.argument("condition")
@click.argument("values", nargs=-1, metavar="[NAME=FEEL]...")
def explain_command(condition: str, values: tuple[str, ...]) -> None:
    """Say why CONDITION holds or not for values such as `amount=90`, and what would have to change."""
    variables = {name: _value(text) for name, _, text in (item.partition("=") for item in values)}
    explanation = explain_condition(feel.compile(condition, feel.Scope(open=True)), variables, _context())
    click.echo(_shown(explanation.value))
    for term in explanation.term.terms or (explanation.term,):
        click.echo(f"  {_shown(term.value):<6} {term.text}   {_shown(dict(term.inputs))}")
    for change in explanation.changes:
        click.echo(f"  would hold with {change.path} = {_shown(change.needed)} instead of {_shown(change.found)}")


@rules_group.command("convert")
@click.argument("file", type=FILE)
def convert_command(file: Path) -> None:
    """Print a decision in the other form: DMN XML for *.decision.json, our JSON for *.dmn."""
    if file.suffix == ".dmn":
        from engines.rules.decisions.json_form import data_of

        click.echo(json.dumps(data_of(read_xml(_source(file))), ensure_ascii=False, indent=2))
    else:
        click.echo(to_xml(_decisions(file).model), nl=False)


@rules_group.command("backtest")
@click.argument("app")
@click.argument("file", type=FILE)
@click.option("--rule", "name", default="", help="Which rule of FILE; else its first.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day.")
@pass_surroundings
def backtest_command(
    surroundings: Surroundings, app: str, file: Path, name: str, start: datetime, end: datetime
) -> None:
    """Say for whom a draft rule in FILE would have fired, and how that differs from the rule in force in APP."""
    from builder.runtime.install import install
    from builder.runtime.rules.backtesting import backtest, titles
    from builder.runtime.rules.running import ruleset_of

    loaded = load_rules(_source(file))
    if loaded.definition is None or not loaded.ok:
        raise DefinitionError(loaded.diagnostics)
    with surroundings.workspace() as workspace:
        install(workspace)
        with workspace.read(SYSTEM) as work:
            around = work.service("around")
            compiled = compile_rules(loaded.definition, work.apps[app].definitions)
            draft = next((rule for rule in compiled.rules if name in ("", rule.name)), None)
            if draft is None:
                raise click.ClickException(f'there is no rule "{name}" in {file}')
            published = ruleset_of(around, work.apps[app]).rule(draft.name)
            found = backtest(around, app, draft, published, start.date(), end.date())
            shown = titles(around, app, draft.form, sorted({item.record for item in found.draft | found.published}))
    click.echo(f"draft {len(found.draft)}, in force {len(found.published)}")
    for sign, firings in (("+", found.gained), ("-", found.lost)):
        for item in firings:
            click.echo(f"{sign} {item.on}  {shown.get(item.record, '')}  {item.record}")


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
            names[name.strip()] = _value(text, names)
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
        result = feel.compile(text, feel.Scope({name: feel.ANY for name in names})).evaluate(names, _context())
    except DefinitionError as error:
        return "\n".join(diagnostic.render() for diagnostic in error.diagnostics)
    return "\n".join(
        [_shown(result.value), *(f"  {failure.code} {dict(failure.params)}" for failure in result.failures)]
    )


def _value(text: str, names: dict[str, Any] | None = None) -> Any:
    known = names or {}
    return feel.compile(text.strip(), feel.Scope({name: feel.ANY for name in known})).evaluate(known, _context()).value


def _shown(value: Any) -> str:
    """A value as FEEL writes it."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(feel.compile("string(v)", feel.Scope({"v": feel.ANY})).evaluate({"v": value}).value)


def _context() -> feel.EvaluationContext:
    return feel.EvaluationContext(now=datetime.now(UTC))


def _source(file: Path) -> DefinitionSource:
    return DefinitionSource(file=str(file), text=file.read_text("utf-8"))


def _decisions(file: Path) -> CompiledDecisions:
    """The compiled decision of a file; ``DefinitionError`` with all that is wrong."""
    if file.suffix == ".dmn":
        return compile_model(read_xml(_source(file)))
    loaded = load_decision(_source(file))
    if loaded.definition is None or not loaded.ok:
        raise DefinitionError(loaded.diagnostics)
    return compile_decision(loaded.definition)


def _problems(file: Path) -> list[Diagnostic]:
    if file.suffix == ".rules":
        return list(load_rules(_source(file)).diagnostics)
    try:
        compiled = _decisions(file)
    except DefinitionError as error:
        return list(error.diagnostics)
    failed = [check for check in compiled.check_examples(_context()) if not check.passed]
    return [
        *analyse(compiled),
        *(
            Diagnostic(
                code="rules.example_failed",
                file=str(file),
                found=_shown(c.found),
                expected=_shown(c.expected),
                hint=c.name,
            )
            for c in failed
        ),
    ]

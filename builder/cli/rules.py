"""``dougong rules``: rule files and decisions at a prompt, without a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import click

from builder.cli.rules_proof import FILE, backtest_command, explain_command
from builder.cli.values import context_now, decisions_of, shown, source_of, value_of
from engines.core import DefinitionError, Diagnostic, Severity
from engines.rules import load_rules, read_xml
from engines.rules import write_xml as to_xml
from engines.rules.decisions.analysis import analyse
from engines.rules.language import format_rules


@click.group("rules")
def rules_group() -> None:
    """Work with rule files (*.rules) and decisions (*.decision.json, *.dmn)."""


rules_group.add_command(explain_command)
rules_group.add_command(backtest_command)


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
        text = format_rules(source_of(file), language)
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
    values = {name: value_of(text) for name, _, text in (item.partition("=") for item in inputs)}
    result = decisions_of(file).decide(values, context_now(), decision=decision, trace=True)
    for entry in result.trace:
        rows = f"  rows {', '.join(str(row + 1) for row in entry.matched)}" if entry.matched else ""
        seen = f"  from {shown(dict(entry.inputs))}" if entry.inputs else ""
        click.echo(f"{entry.decision} = {shown(entry.value)}{rows}{seen}")
    for failure in result.failures:
        click.echo(f"  {failure.code} {dict(failure.params)}")


@rules_group.command("convert")
@click.argument("file", type=FILE)
def convert_command(file: Path) -> None:
    """Print a decision in the other form: DMN XML for *.decision.json, our JSON for *.dmn."""
    if file.suffix == ".dmn":
        from engines.rules.decisions.json_form import data_of

        click.echo(json.dumps(data_of(read_xml(source_of(file))), ensure_ascii=False, indent=2))
    else:
        click.echo(to_xml(decisions_of(file).model), nl=False)


def _problems(file: Path) -> list[Diagnostic]:
    if file.suffix == ".rules":
        return list(load_rules(source_of(file)).diagnostics)
    try:
        compiled = decisions_of(file)
    except DefinitionError as error:
        return list(error.diagnostics)
    failed = [check for check in compiled.check_examples(context_now()) if not check.passed]
    return [
        *analyse(compiled),
        *(
            Diagnostic(
                code="rules.example_failed",
                file=str(file),
                found=shown(c.found),
                expected=shown(c.expected),
                hint=c.name,
            )
            for c in failed
        ),
    ]

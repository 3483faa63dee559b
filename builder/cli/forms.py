"""``dougong form``: forms of other systems into ours."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engines.form.importing import KINDS, Outcome, convert


@click.group("form")
def form_group() -> None:
    """Work with form definitions."""


@form_group.command("convert")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "kind", type=click.Choice(KINDS), help="What FILE is; found out unless given.")
@click.option("--report", type=click.Choice(["json", "text"]), default="text", help="How the report is written.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The definition; else beside FILE as *.form.json."
)
def convert_command(file: Path, kind: str | None, report: str, output: Path | None) -> None:
    """Write FILE (JSON Schema, XLSForm, Frappe DocType, SurveyJS) as a form definition.

    The report on standard output tells of every property of FILE whether it is represented, approximated or dropped,
    and why.
    """
    name = file.name.split(".")[0]
    found = convert(file.read_bytes(), name, kind or "")
    target = output or file.with_name(f"{name}.form.json")
    target.write_text(json.dumps(found.definition, ensure_ascii=False, indent=2) + "\n", "utf-8")
    if report == "json":
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
        return
    click.echo(f"{target}")
    for outcome in Outcome:
        entries = [entry for entry in found.entries if entry.outcome is outcome]
        click.echo(f"{outcome.value:<13} {len(entries):>5}  {found.share(outcome):.0%}")
        for entry in entries if outcome is not Outcome.REPRESENTED else ():
            click.echo(f"  {entry.pointer}  {entry.reason}")

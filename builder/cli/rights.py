"""``dougong rights``: what somebody may see and do, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.identity import find_person
from builder.rights.explaining import FormRights, RecordAnswer, explain_form, explain_forms, explain_record, looked_at
from builder.workspace import Work
from engines.core import SYSTEM, Principal


@click.command("rights")
@click.argument("login")
@click.option("--form", "form", metavar="APP.FORM", help="One form, with its operations and fields.")
@click.option("--record", type=click.UUID, help="One record of that form: what decides about it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_surroundings
def rights_command(
    surroundings: Surroundings, login: str, form: str | None, record: UUID | None, as_json: bool
) -> None:
    """Show what the person LOGIN may see and do, and which role gives it.

    Without --form: every form with its operations and how many records they see.
    """
    if record is not None and form is None:
        raise click.UsageError("--record needs --form")
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        who = _person(work, login)
        if record is not None and form is not None:
            answer = explain_record(work, who, form, record, "en")
            if answer is None:
                raise click.ClickException(f"{form} has no record {record}")
            click.echo(_json(answer) if as_json else _record_text(answer))
            return
        found = [explain_form(work, who, form, "en")] if form else explain_forms(work, who, "en")
    click.echo(_json(found) if as_json else "\n".join(_form_text(item, whole=bool(form)) for item in found))


def _person(work: Work, login: str) -> Principal:
    person = find_person(work.connection, login)
    if person is None:
        raise click.ClickException(f'nobody signs in as "{login}"')
    return looked_at(work, person.id)


def _json(found: Any) -> str:
    plain = [asdict(item) for item in found] if isinstance(found, list) else asdict(found)
    return json.dumps(plain, ensure_ascii=False, indent=2, default=str)


def _form_text(item: FormRights, *, whole: bool) -> str:
    seen = f"{item.seen.value}{'+' if item.seen.capped else ''} of {item.total.value}{'+' if item.total.capped else ''}"
    lines = [f"{item.form}: {', '.join(item.allowed) or 'nothing'}; sees {seen}"]
    for operation in item.operations if whole else ():
        for grant in operation.grants:
            lines.append(f"  {operation.operation}: {grant.role}, {grant.words}")
        if not operation.grants:
            given = f"; given by {', '.join(operation.others)}" if operation.others else ""
            lines.append(f"  {operation.operation}: no{given}")
    for field in item.fields if whole else ():
        lines.append(f"  {field.name}: {field.access}" + " in some records" * field.varies)
    return "\n".join(lines)


def _record_text(answer: RecordAnswer) -> str:
    lines = [("in the recycle bin; " if answer.deleted else "") + "may: " + (", ".join(answer.allowed) or "nothing")]
    for grant, operations, holds in answer.entries:
        lines.append(f"  {'yes' if holds else 'no '}  {grant.role}, {grant.words} ({', '.join(operations)})")
    lines += [f"  {name}: {access}" for name, access in answer.access.items()]
    return "\n".join(lines)

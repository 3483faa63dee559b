"""The verbs of approval that a task's page offers besides its outcomes, and who is offered which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.rights import may_build
from builder.runtime.process import limits
from builder.storage.runtime_tables import process_history, process_instance
from builder.web.context import _, site
from builder.web.forms import Cell
from builder.web.people_picker import people_cell, people_named
from builder.web.task_files import files_named
from builder.web.tasks import process_definition
from builder.workspace import Work
from engines.core import InputError, InputProblem
from engines.process.definition import ProcessDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a verb's dialog says."""

    comment: str = ""
    people: Sequence[UUID] = ()
    # One of the choices of the verb.
    choice: str = ""
    # Whether whoever gets it back returns straight to me.
    back_to_me: bool = False
    # Files uploaded for a comment, and people that it names.
    attachments: Sequence[UUID] = ()
    mentions: Sequence[UUID] = ()

    @property
    def person(self) -> UUID:
        """The only person meant."""
        return self.people[0]


Call = Callable[[Any, sa.Row[Any], Given], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb: how it is called on ``work.processes``, and what its dialog asks."""

    call: Call
    icon: str
    # Who has to be named: "" nobody, "one" person, "several".
    people: str = ""
    # Whether the page stays on the task afterwards.
    stays: bool = False
    danger: bool = False


VERBS: Mapping[str, Verb] = {
    "claim": Verb(icon="check", stays=True, call=lambda p, row, given: p.claim(row.id)),
    "release": Verb(icon="undo", call=lambda p, row, given: p.release(row.id)),
    "transfer": Verb(
        icon="send", people="one", call=lambda p, row, given: p.transfer(row.id, given.person, given.comment)
    ),
    "delegate": Verb(
        icon="person", people="one", call=lambda p, row, given: p.delegate(row.id, given.person, given.comment)
    ),
    "resolve": Verb(icon="check", call=lambda p, row, given: p.resolve(row.id, given.comment)),
    "add": Verb(
        icon="plus",
        people="several",
        stays=True,
        call=lambda p, row, given: p.add_approvers(
            row.id, given.people, where=given.choice or "before", comment=given.comment
        ),
    ),
    "return": Verb(
        icon="undo",
        call=lambda p, row, given: p.send_back(
            row.id, given.choice or "previous", back_to_me=given.back_to_me, comment=given.comment
        ),
    ),
    "remind": Verb(icon="bell", stays=True, call=lambda p, row, given: p.remind(row.id, given.comment)),
    "copy": Verb(
        icon="copy",
        people="several",
        stays=True,
        call=lambda p, row, given: p.copy(row.id, given.people, given.comment),
    ),
    "comment": Verb(
        icon="comment",
        stays=True,
        call=lambda p, row, given: p.comment(
            row.id, given.comment, mentions=given.mentions, attachments=given.attachments
        ),
    ),
    "pause_clock": Verb(icon="pause", stays=True, call=lambda p, row, given: p.pause_clock(row.id, given.comment)),
    "resume_clock": Verb(icon="play", stays=True, call=lambda p, row, given: p.resume_clock(row.id, given.comment)),
    "take_back": Verb(icon="undo", call=lambda p, row, given: p.take_back(row.instance_id, row.node, given.comment)),
    "withdraw": Verb(icon="x", danger=True, call=lambda p, row, given: p.withdraw(row.instance_id, given.comment)),
    "assign": Verb(
        icon="person", people="one", call=lambda p, row, given: p.assign(row.id, given.person, given.comment)
    ),
    "void": Verb(icon="trash", danger=True, call=lambda p, row, given: p.cancel(row.instance_id, given.comment)),
}


def _labels() -> dict[str, str]:
    return {
        "claim": _("Take it"),
        "release": _("Give it back"),
        "transfer": _("Hand over"),
        "delegate": _("Delegate"),
        "resolve": _("Give back to who delegated"),
        "add": _("Add approvers"),
        "return": _("Send back"),
        "remind": _("Ask to hurry"),
        "copy": _("Send a copy"),
        "comment": _("Comment without deciding"),
        "pause_clock": _("Pause the time limit"),
        "resume_clock": _("Let the time limit run"),
        "take_back": _("Take my step back"),
        "withdraw": _("Withdraw"),
        "assign": _("Assign"),
        "void": _("Void the process"),
    }


def _explained() -> dict[str, str]:
    return {
        "delegate": _("Somebody else works on it; it comes back to you to decide."),
        "transfer": _("The other person has it for good."),
        "pause_clock": _("The clock stands until somebody lets it run. Say why."),
        "resume_clock": _("The clock goes on with the time that was left."),
        "take_back": _("Possible as long as nobody has acted after you."),
        "withdraw": _("Ends the process. Possible as long as nobody else has acted."),
        "void": _("Ends the process for everybody; its open tasks close."),
    }


def verbs_of(work: Work, row: sa.Row[Any], *, mine: bool) -> list[dict[str, Any]]:
    """What the acting person may try with a task, as menu entries with their dialogs' fields.

    ``mine``: whether it is open and theirs. The engine has the last word: it knows whether somebody has acted since.
    """
    labels, explained = _labels(), _explained()
    return [
        {
            "name": name,
            "label": labels[name],
            "icon": VERBS[name].icon,
            "danger": VERBS[name].danger,
            "explained": explained.get(name, ""),
            "cells": [_person(name, several=VERBS[name].people == "several")] if VERBS[name].people else [],
            "mentions": name == "comment",
            "choices": _choices(work, row, name),
            "back_to_me": name == "return",
        }
        for name in _fitting(work, row, mine)
    ]


def given_by(verb: Verb, form: Any) -> Given:
    """What a dialog sent. ``InputError`` where nobody is named who must be."""
    people = people_named(form.getlist("person"))
    if verb.people and not people:
        raise InputError([InputProblem(pointer="/person", code="required")])
    return Given(
        comment=form.get("_comment", "").strip(),
        people=people,
        choice=form.get("_choice", ""),
        back_to_me=bool(form.get("_back_to_me")),
        attachments=files_named(form.getlist("_attachment")),
        mentions=people_named(form.getlist("mention")),
    )


def _fitting(work: Work, row: sa.Row[Any], mine: bool) -> list[str]:
    if row.instance_id is None:
        return _of_assignee(row, None) if mine else []
    table = process_instance
    columns = (table.c.status, table.c.started_by, table.c.process)
    instance = work.connection.execute(sa.select(*columns).where(table.c.id == row.instance_id)).one()
    names = _of_assignee(row, process_definition(row.app, instance.process)) if mine else []
    if instance.status != "running":
        return names
    me = work.principal.id
    if row.status == "completed" and row.closed_by == me:
        names.append("take_back")
    if instance.started_by == me:
        names += ["remind", "comment", "withdraw"] if row.status == "open" else ["withdraw"]
    if row.status == "open" and row.sla:
        names += _clock_verbs(work, row)
    if may_build(work.principal, row.app):
        names += ["assign", "void"] if row.status == "open" else ["void"]
    return names


def _clock_verbs(work: Work, row: sa.Row[Any]) -> list[str]:
    """Stopping the clocks of the task's time limits and letting them run, for who may."""
    if not work.service("around").may_stop_clock(row):
        return []
    stands = ["person" in clock.held for clock in limits.open_of(work.connection, row.instance_id)]
    return [name for name, fits in (("pause_clock", not all(stands)), ("resume_clock", any(stands))) if fits]


def _of_assignee(row: sa.Row[Any], process: ProcessDefinition | None) -> list[str]:
    names = ["claim"] if row.assignee is None else ["release"] if row.claimed_at else []
    names.append("transfer")
    if row.instance_id is not None:
        names += ["resolve"] if row.delegated_by else ["delegate"]
        names += ["add", "return", "copy", "comment"]
    node = next((n for n in process.all_nodes() if n.name == row.node), None) if process else None
    allowed = node.user_task.verbs if node and node.user_task else None
    own = {"add": "add_approvers"}
    return [name for name in names if allowed is None or name == "resolve" or own.get(name, name) in allowed]


def _choices(work: Work, row: sa.Row[Any], verb: str) -> list[tuple[str, str]]:
    """What a verb's dialog lets one choose."""
    if verb == "add":
        return [("before", _("before me")), ("after", _("after me")), ("beside", _("beside me, to decide together"))]
    if verb == "return":
        return [
            ("previous", _("the step before")),
            ("initiator", _("whoever started it")),
            *_passed_steps(work, row),
        ]
    return []


def _passed_steps(work: Work, row: sa.Row[Any]) -> list[tuple[str, str]]:
    """User tasks that the process has been through, by name."""
    table = process_history
    query = sa.select(table.c.node).where(
        table.c.instance_id == row.instance_id, table.c.kind == "task.completed", table.c.node != row.node
    )
    names = dict.fromkeys(work.connection.execute(query.order_by(table.c.number)).scalars())
    process = sa.select(process_instance.c.process).where(process_instance.c.id == row.instance_id)
    definition = process_definition(row.app, work.connection.execute(process).scalar_one())
    return [(name, _step_label(definition, name)) for name in names if name]


def _step_label(definition: ProcessDefinition | None, name: str) -> str:
    nodes = definition.all_nodes() if definition else ()
    return next((site().text(node.label) or name for node in nodes if node.name == name), name)


def _person(verb: str, *, several: bool) -> Cell:
    return people_cell("person", _("People") if several else _("Person"), several=several, suffix=f"-{verb}")

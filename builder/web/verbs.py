"""The verbs of approval that a task's page offers besides its outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import url_for

from builder.web.context import _
from builder.web.forms import Cell
from builder.web.forms.model import Choice
from engines.core import LocalizedText
from engines.form import FieldDefinition

Call = Callable[[Any, UUID, UUID | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb: how it is called on ``work.processes``."""

    call: Call
    icon: str
    needs_person: bool = False


VERBS: Mapping[str, Verb] = {
    "claim": Verb(icon="check", call=lambda p, task, _to, _why: p.claim(task)),
    "release": Verb(icon="undo", call=lambda p, task, _to, _why: p.release(task)),
    "transfer": Verb(icon="send", needs_person=True, call=lambda p, task, to, why: p.transfer(task, to, why)),
    "delegate": Verb(icon="person", needs_person=True, call=lambda p, task, to, why: p.delegate(task, to, why)),
    "resolve": Verb(icon="check", call=lambda p, task, _to, why: p.resolve(task, why)),
    "add": Verb(icon="plus", needs_person=True, call=lambda p, task, to, why: p.add_approvers(task, [to], comment=why)),
    "return": Verb(icon="undo", call=lambda p, task, _to, why: p.send_back(task, "previous", comment=why)),
    "remind": Verb(icon="bell", call=lambda p, task, _to, why: p.remind(task, why)),
    "copy": Verb(icon="copy", needs_person=True, call=lambda p, task, to, why: p.copy(task, [to], why)),
}


def _labels() -> dict[str, str]:
    return {
        "claim": _("Take it"),
        "release": _("Give it back"),
        "transfer": _("Hand over"),
        "delegate": _("Delegate"),
        "resolve": _("Give back to who delegated"),
        "add": _("Add an approver before me"),
        "return": _("Return to the step before"),
        "remind": _("Ask to hurry"),
        "copy": _("Send a copy"),
    }


def verbs_of(row: sa.Row[Any]) -> list[dict[str, Any]]:
    """What may be done with an open task of the acting person, as menu entries with their dialogs' fields."""
    labels = _labels()
    return [
        {
            "name": name,
            "label": labels[name],
            "icon": VERBS[name].icon,
            "cell": _person(name) if VERBS[name].needs_person else None,
        }
        for name in _fitting(row)
    ]


def _fitting(row: sa.Row[Any]) -> list[str]:
    names = ["claim"] if row.assignee is None else ["release"] if row.claimed_at else []
    names.append("transfer")
    if row.instance_id is not None:
        names += ["resolve"] if row.delegated_by else ["delegate"]
        names += ["add", "return", "copy"]
    return names


def _person(verb: str) -> Cell:
    definition = FieldDefinition(name="person", type="person", label=LocalizedText.of(_("Person")))
    return Cell(
        definition=definition,
        name="person",
        label=_("Person"),
        widget="picker",
        choices=(Choice(value="", label=""),),
        required=True,
        source=url_for("people.choices"),
        id_suffix=f"-{verb}",
    )

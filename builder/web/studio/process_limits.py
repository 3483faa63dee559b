"""Time limits in the process designer's panel: their properties, their actions, and adding both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.definitions import join_path
from builder.releases import Draft
from builder.web.context import _
from builder.web.studio.drafting import DraftView
from builder.web.studio.process_parts import (
    Group,
    Part,
    choice,
    feel,
    flag,
    names_of,
    number,
    of_kind,
    set_property,
    text,
)
from builder.web.studio.properties import Property, text_properties
from engines.process.kinds import ACTIVITIES


def has_limits(part: Part) -> bool:
    """Whether time limits may stand on a part."""
    return not part.flow and part.data.get("type") in ACTIVITIES


def limit_groups(found: DraftView, part: Part, languages: tuple[str, ...]) -> Iterator[Group]:
    """The time limits of an activity, each followed by its actions."""
    for sla in part.data.get("sla", ()):
        own = Part(path=join_path(part.path, "sla", sla["name"]), data=sla)
        yield Group(
            title=_("Time limit %(name)s", name=sla["name"]),
            path=own.path,
            properties=_limit(found, own, languages),
            removable=True,
            adds=("limit_action", _("Add action")),
        )
        for action in sla.get("actions", ()):
            done = Part(path=join_path(own.path, "actions", action["name"]), data=action)
            title = _("Time limit %(name)s: %(action)s", name=sla["name"], action=action["name"])
            properties = _action(part.data, done, languages)
            yield Group(title=title, path=done.path, properties=properties, removable=True)


def _limit(found: DraftView, own: Part, languages: tuple[str, ...]) -> Sequence[Property]:
    return [
        *text_properties(own.data, "label", _("Label"), languages),
        feel(own, "target", _("Time allowed")),
        choice(own, "until", _("Until"), (("completed", _("it is done")), ("claimed", _("somebody has it")))),
        choice(own, "calendar", _("Working calendar"), of_kind(found, "calendar")),
        feel(own, "department", _("Department whose hours count")),
        feel(own, "pause_when", _("Stands while")),
        names_of(own, "pause_roles", _("Roles that may pause it")),
        flag(own, "pause_by_assignee", _("Whoever has the task may pause it")),
        choice(
            own, "after_return", _("After it was sent back"), (("resume", _("goes on")), ("restart", _("begins anew")))
        ),
    ]


def _action(node: Mapping[str, Any], own: Part, languages: tuple[str, ...]) -> Sequence[Property]:
    outcomes = tuple((item["name"], item["name"]) for item in node.get("outcomes", ()))
    return [
        choice(own, "do", _("What is done"), _kinds()),
        feel(own, "before", _("Before the limit")),
        feel(own, "after", _("After the limit")),
        feel(own, "every", _("Again every")),
        number(own, "times", _("At most so often")),
        names_of(own, "to/roles", _("Roles")),
        feel(own, "to/person", _("Person")),
        feel(own, "to/manager_of", _("Manager of")),
        choice(own, "outcome", _("Outcome"), outcomes),
        text(own, "code", _("Escalation event")),
        *text_properties(own.data, "message", _("Notice"), languages),
    ]


def _kinds() -> tuple[tuple[str, str], ...]:
    return (
        ("warn", _("Warn")),
        ("remind", _("Remind")),
        ("escalate", _("Escalate")),
        ("transfer", _("Hand over")),
        ("complete", _("Decide by itself")),
    )


def add_limit(draft: Draft, part: Part) -> None:
    """A new time limit of a day."""
    before = part.data.get("sla", [])
    fresh = {"name": _free("limit", before), "label": {"zh": "时限", "en": "Time limit"}, "target": 'duration("P1D")'}
    set_property(draft, join_path(part.path, "sla"), [*before, fresh])


def add_action(draft: Draft, path: str) -> None:
    """A new action of a limit: a reminder when it is passed."""
    before = draft.value(path).get("actions", [])
    set_property(draft, join_path(path, "actions"), [*before, {"name": _free("action", before), "do": "remind"}])


def _free(word: str, taken: Sequence[Mapping[str, Any]]) -> str:
    names = {item["name"] for item in taken}
    return next(name for name in (f"{word}_{n}" for n in range(1, 1000)) if name not in names)

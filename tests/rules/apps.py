"""A small app of the tests: shelves hold boxes, boxes have moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from engines import feel
from engines.core import DefinitionSource
from engines.rules import EventKind, RuleData, RuleEvent, RuleSet, compile_rules, load_rules
from engines.rules.actions import Action, RecordRef
from engines.rules.firing import carry_out
from engines.rules.ruleset import run

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PERSON = feel.ContextType({"id": feel.IDENTIFIER, "name": feel.STRING}, name="person")


def uid(name: str) -> UUID:
    """A stable id."""
    return uuid5(UUID(int=7), name)


SHELF = feel.ContextType(
    lambda: {
        "id": feel.IDENTIFIER,
        "name": feel.STRING,
        "level": feel.STRING,
        "load": feel.NUMBER,
        "owner": PERSON,
        "tags": feel.ListType(feel.STRING),
        "boxes": feel.ListType(BOX),
        "created_at": feel.DATE_TIME,
    },
    name="shelf",
)
BOX = feel.ContextType(
    lambda: {
        "id": feel.IDENTIFIER,
        "name": feel.STRING,
        "kind": feel.STRING,
        "state": feel.STRING,
        "weight": feel.NUMBER,
        "due": feel.DATE,
        "shelf": SHELF,
        "taker": PERSON,
        "owner": PERSON,
        "mail": feel.STRING,
        "tags": feel.ListType(feel.STRING),
        "moves": feel.ListType(MOVE),
        "created_at": feel.DATE_TIME,
    },
    name="box",
)
MOVE = feel.ContextType(
    lambda: {
        "id": feel.IDENTIFIER,
        "box": BOX,
        "day": feel.DATE,
        "kind": feel.STRING,
        "amount": feel.NUMBER,
        "created_at": feel.DATE_TIME,
    },
    name="move",
)


@dataclass
class Shape:
    """A form's names."""

    names: Mapping[str, feel.FeelType]


@dataclass
class Process:
    """A process of which only the subject matters here."""

    subject: str


@dataclass
class App:
    """The definitions of the small app."""

    known: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {
            "form": ["shelf", "box", "move"],
            "process": ["packing"],
            "decision": ["size"],
            "scores": ["rank"],
            "template": ["heavy"],
            "role": ["boss", "packer"],
            "calendar": ["office"],
        }
    )

    def get(self, kind: str, name: str) -> Any | None:
        """A definition by name."""
        if name not in self.known.get(kind, ()):
            return None
        return Process("box") if kind == "process" else name

    def names(self, kind: str) -> Sequence[str]:
        """All names of a kind."""
        return self.known.get(kind, ())

    def shape(self, form: str) -> Shape | None:
        """A form's names."""
        kinds = {"shelf": SHELF, "box": BOX, "move": MOVE}
        return Shape({**kinds[form].fields, "me": PERSON}) if form in kinds else None

    def settings(self) -> Mapping[str, feel.FeelType]:
        """The app's settings."""
        return {"limit": feel.NUMBER, "dry_days": feel.NUMBER}


def source(text: str) -> DefinitionSource:
    """A rule file."""
    return DefinitionSource(file="store.rules", text=text)


def ruleset(text: str, app: App | None = None) -> RuleSet:
    """The compiled rules of a text."""
    loaded = load_rules(source(text))
    assert loaded.ok, loaded.diagnostics[0].render()
    return RuleSet([compile_rules(loaded.definition, app or App())])


def context(**more: Any) -> feel.EvaluationContext:
    """A command at noon of 2026-03-02 in Shanghai."""
    return feel.EvaluationContext(**{"now": NOW, "zone": SHANGHAI, **more})


def event(kind: EventKind, form: str = "box", **more: Any) -> RuleEvent:
    """An event about a record."""
    return RuleEvent(**{"kind": kind, "at": NOW, "record": RecordRef(form=form, id=uid(form)), **more})


def data(record: Mapping[str, Any], previous: Mapping[str, Any] | None = None, **more: Any) -> RuleData:
    """A run's data."""
    settings = {"limit": 80, "dry_days": 30}
    variables = {"settings": settings, "me": {"id": uid("me"), "name": "Me"}}
    return RuleData(**{"record": record, "previous": previous, "context": context(), "variables": variables, **more})


def actions(
    rules: RuleSet, happened: RuleEvent, with_: RuleData, replies: Mapping[type, Any] | None = None
) -> list[Action]:
    """All actions that an event leads to, in order; ``replies`` answers them by type."""
    done: list[Action] = []

    def execute(action: Action) -> Any:
        done.append(action)
        reply = (replies or {}).get(type(action))
        return reply(action) if callable(reply) else reply

    for firing in run(rules, happened, with_).firings:
        carry_out(firing, execute)
    return done

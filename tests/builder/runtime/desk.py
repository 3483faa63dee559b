"""A small app for the runtime's tests, its people, and a workspace in which it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from builder.definitions import source_of
from builder.identity import create_person
from builder.releases import publish
from builder.runtime.install import install
from builder.workspace import Work, Workspace
from engines.core import SYSTEM, FixedClock, Principal, PrincipalKind

Json = Mapping[str, Any]


def node(name: str, type: str, **more: Any) -> dict[str, Any]:
    """A node of a process."""
    return {"name": name, "type": type, **more}


def process(name: str, nodes: list[dict[str, Any]], flows: list[Any], **more: Any) -> tuple[str, Json]:
    """A process file; flows are ("from", "to") or ("from", "to", condition), or "a > b > c"."""
    listed: list[dict[str, Any]] = []
    for flow in flows:
        parts = [tuple(pair) for pair in _pairs(flow)] if isinstance(flow, str) else [flow]
        for source, target, *condition in parts:
            entry = {"name": f"f{len(listed) + 1}", "from": source, "to": target}
            listed.append(entry | ({"condition": condition[0]} if condition else {}))
    return f"{name}.process.json", {"name": name, "nodes": nodes, "flows": listed, **more}


def _pairs(text: str) -> list[tuple[str, str]]:
    names = [part.strip() for part in text.split(">")]
    return list(pairwise(names))


ANSWERS = [{"name": "approve", "meaning": "approve"}, {"name": "reject", "meaning": "reject", "comment": "required"}]
REVIEW = process(
    "review",
    [
        node("start", "startEvent"),
        node("fork", "parallelGateway"),
        node("left", "userTask", assignment={"role": "reviewer"}, outcomes=ANSWERS),
        node("right", "userTask", assignment={"role": "editor"}, outcomes=ANSWERS),
        node("join", "parallelGateway"),
        node("end", "endEvent"),
    ],
    ["start > fork > left > join > end", "fork > right > join"],
)
ESCALATION = process(
    "escalation",
    [
        node("start", "startEvent"),
        node("answer", "userTask", label={"en": "Answer"}, assignment={"role": "reviewer"}, due='duration("PT15M")'),
        node(
            "late",
            "boundaryEvent",
            attached_to="answer",
            interrupting=False,
            event={"timer": {"duration": 'duration("PT15M")'}},
        ),
        node(
            "tell", "serviceTask", service="notify", input={"roles": '["editor"]', "title": '"late"', "level": '"high"'}
        ),
        node("told", "endEvent"),
        node("end", "endEvent"),
    ],
    ["start > answer > end", "late > tell > told"],
)
CHAIN = process(
    "chain",
    [
        node("start", "startEvent"),
        node("one", "userTask", assignment={"person": "who"}),
        node("two", "userTask", assignment={"person": "who"}),
        node("three", "userTask", assignment={"person": "who"}),
        node("end", "endEvent"),
    ],
    ["start > one > two > three > end"],
    variables=[{"name": "who", "type": "any"}],
)
FIFTY = process(
    "fifty",
    [
        node("start", "startEvent"),
        node("vote", "userTask", assignment={"person": "who"}, multi_instance={"mode": "parallel", "count": "50"}),
        node("end", "endEvent"),
    ],
    ["start > vote > end"],
    variables=[{"name": "who", "type": "any"}],
)
WAITING = process(
    "waiting",
    [
        node("start", "startEvent"),
        node("wait", "intermediateCatchEvent", event={"message": "paid", "correlation": "number"}),
        node("end", "endEvent"),
    ],
    ["start > wait > end"],
    variables=[{"name": "number", "type": "text"}, {"name": "amount", "type": "number"}],
)
ROLES = ("desk.roles.json", {"roles": [{"name": name, "label": name} for name in ("reviewer", "editor", "clerk")]})
APP = ("app.json", {"name": "desk", "version": "1.0.0", "label": "Desk"})
FILES: tuple[tuple[str, Json], ...] = (APP, ROLES, REVIEW, ESCALATION, CHAIN, FIFTY, WAITING)


def put_app(workspace: Workspace, files: Mapping[str, Json | str]) -> int:
    """The number of the release of the app "desk" that is now in force."""
    texts = {
        path: data if isinstance(data, str) else json.dumps(data, ensure_ascii=False) for path, data in files.items()
    }
    return publish(workspace, "desk", source_of(texts), SYSTEM).number


@dataclass(frozen=True)
class Desk:
    """A workspace with the app and its people: ann reviews, bob edits, cleo does both, dan nothing."""

    workspace: Workspace
    people: Mapping[str, UUID]
    roles: Mapping[str, frozenset[str]]

    def as_(self, login: str) -> Principal:
        """A person as principal."""
        return Principal(kind=PrincipalKind.PERSON, id=self.people[login], roles=self.roles[login], locale="en")

    @contextmanager
    def work(self, login: str | None = None, command: str = "test") -> Iterator[Work]:
        """A command of a person, or of the system."""
        with self.workspace.work(self.as_(login) if login else SYSTEM, command=command) as work:
            yield work

    @contextmanager
    def read(self, login: str) -> Iterator[Work]:
        """What a person sees."""
        with self.workspace.read(self.as_(login)) as work:
            yield work

    def advance(self, **by: float) -> None:
        """Moves the clock."""
        base = self.workspace.clock.base
        assert isinstance(base, FixedClock)
        base.advance(timedelta(**by))

    def start(self, name: str, **variables: Any) -> UUID:
        """The id of a new instance, started by the system."""
        with self.work() as work:
            return work.service("processes").start(f"desk.{name}", variables=variables)

    def todo(self, login: str) -> list[tuple[str, UUID]]:
        """Node and id of what a person has to do."""
        with self.read(login) as work:
            return [(item.node, item.id) for item in work.service("inbox").page().items]

    def complete(self, login: str, task_id: UUID, outcome: str = "", **more: Any) -> None:
        """Completes a task as a person."""
        with self.work(login) as work:
            work.service("processes").complete(task_id, outcome, **more)


PEOPLE: Mapping[str, tuple[str, ...]] = {
    "ann": ("desk.reviewer",),
    "bob": ("desk.editor",),
    "cleo": ("desk.reviewer", "desk.editor"),
    "dan": (),
    "root": ("sys.admin",),
}


def open_desk(workspace: Workspace, files: tuple[tuple[str, Json], ...] = FILES) -> Desk:
    """The app in force in ``workspace``, with its people."""
    install(workspace)
    put_app(workspace, dict(files))
    with workspace.work(SYSTEM, command="test.people") as work:
        people = {
            login: create_person(work, login=login, name=login.title(), email=f"{login}@example.com", roles=roles)
            for login, roles in PEOPLE.items()
        }
    return Desk(workspace=workspace, people=people, roles={n: frozenset(r) for n, r in PEOPLE.items()})

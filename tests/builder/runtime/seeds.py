"""The app of the seed rules in a workspace, and what its rules have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.definitions import load_folder, source_of
from builder.identity import create_person
from builder.identity.departments import create_department
from builder.jobs import queue
from builder.jobs.ports import Patience
from builder.releases import publish
from builder.runtime.install import host, install
from builder.runtime.rules.pools import members
from builder.storage.runtime_tables import (
    effect,
    notification,
    process_instance,
    rule_firing,
    task,
    task_candidate,
)
from builder.workspace import Workspace
from engines.core import SYSTEM, DefinitionSource, FixedClock
from engines.form import ListQuery
from engines.rules.language import format_rules

FOLDER = Path(__file__).parents[2] / "apps" / "seeds"
ROLES = ("clerk", "sales_director", "executive", "ceo", "senior_manager", "development", "management")
# Due rows that one passage of time may set off.
MOST = 5_000
# Before them the server is taken to stand still, as absences are looked for every hour.
LAST_HOURS = timedelta(minutes=90)


@dataclass
class Seeds:
    """The workspace, its people by role, and a department with a head."""

    workspace: Workspace
    people: Mapping[str, UUID]
    department: UUID
    runner: Any

    # What people do

    def create(self, form: str, **values: Any) -> UUID:
        """The id of a new record of the clerk's department."""
        with self.workspace.work(SYSTEM, command="test") as work:
            values = {"owner": self.people["clerk"], "department": self.department, **values}
            found: UUID = work.records.create(f"seeds.{form}", values).record.id
        self.settle()
        return found

    def update(self, form: str, record: UUID, **values: Any) -> None:
        """Changes a record."""
        with self.workspace.work(SYSTEM, command="test") as work:
            work.records.update(f"seeds.{form}", record, values)
        self.settle()

    def account(self, **values: Any) -> UUID:
        """A new account."""
        return self.create("account", **{"name": "A", **values})

    def see(self, form: str, record: UUID) -> Mapping[str, Any]:
        """The values of a record."""
        with self.workspace.read(SYSTEM) as work:
            found = work.records.get(f"seeds.{form}", record)
            assert found is not None
            return found.to_dict()

    def about(self, form: str, account: UUID) -> list[Mapping[str, Any]]:
        """The records of a form that refer to an account."""
        with self.workspace.read(SYSTEM) as work:
            query = ListQuery(filter=f'account = identifier("{account}")')
            return [record.values for record in work.records.page(f"seeds.{form}", query).records]

    # Time

    @property
    def now(self) -> datetime:
        """The local instant."""
        return self.workspace.clock.now().astimezone(self.workspace.clock.zone())

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.date()

    def move_to(self, instant: datetime) -> None:
        """Time passes; in its last hours from one due row to the next, so that each happens at its own instant."""
        clock = self.workspace.clock.base
        assert isinstance(clock, FixedClock)
        if instant - clock.now() > LAST_HOURS:
            clock.instant = instant - LAST_HOURS
            self.settle()
        for _ in range(MOST):
            with self.workspace.database.read() as connection:
                due = queue.next_due(connection)
            if due is None or due > instant:
                clock.instant = instant
                return
            clock.instant = max(due, clock.now())
            self.settle()
        raise AssertionError("time does not pass")

    def move(self, **by: float) -> None:
        """Time passes."""
        self.move_to(self.workspace.clock.now() + timedelta(**by))

    def jump(self, **by: float) -> None:
        """The server stands still meanwhile: what fell due happens at the end."""
        clock = self.workspace.clock.base
        assert isinstance(clock, FixedClock)
        clock.advance(timedelta(**by))
        self.settle()

    def settle(self) -> None:
        """Does what is due now."""
        self.runner.catch_up()
        for _ in range(MOST):
            with self.runner.begin() as connection:
                due = queue.claim(connection, now=self.workspace.clock.now(), holder="test", patience=Patience())
            if not due:
                return
            for job in due:
                self.runner.perform(job)
        raise AssertionError("no end of what is due")

    # What rules have done

    def _rows(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[Any]:
        with self.workspace.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*conditions).order_by(table.c.id)).all())

    def processes(self, record: UUID) -> list[str]:
        """The processes started about a record."""
        return [row.process for row in self._rows(process_instance, process_instance.c.subject_id == record)]

    def tasks(self, record: UUID) -> list[tuple[str, str, date | None]]:
        """Title, who it is for and due day of the tasks that rules have given about a record."""
        zone, names = self.workspace.clock.zone(), {key: name for name, key in self.people.items()}
        found = []
        for row in self._rows(task, task.c.subject_id == record, task.c.instance_id.is_(None)):
            with self.workspace.database.read() as connection:
                mine = sa.select(task_candidate.c.value).where(task_candidate.c.task_id == row.id)
                roles = [value for value in connection.execute(mine).scalars() if value.startswith("seeds.")]
            whom = names[row.assignee] if row.assignee else roles[0]
            found.append((row.title["en"], whom, row.due_at.astimezone(zone).date() if row.due_at else None))
        return found

    def told(self, role: str, record: UUID) -> list[tuple[str, str]]:
        """Title and severity of the notices of rules that a person got about a record."""
        mine = (notification.c.person == self.people[role], notification.c.kind == "rule")
        return [
            (row.title["en"], row.severity)
            for row in self._rows(notification, *mine, notification.c.subject_id == record)
        ]

    def mails(self) -> list[tuple[str, str]]:
        """Receiver and subject of all mails."""
        return [(e.payload["to"][0], e.payload["subject"]) for e in self._rows(effect, effect.c.channel == "mail")]

    def fired(self, rule: str, record: UUID) -> int:
        """How often a rule has fired for a record."""
        return len(self._rows(rule_firing, rule_firing.c.rule == rule, rule_firing.c.record_id == record))

    def pool(self, name: str) -> set[UUID]:
        """The records in a pool."""
        with self.workspace.database.read() as connection:
            return {record for _, record in members(connection, "seeds", name)}


def open_seeds(workspace: Workspace, *, language: str) -> Seeds:
    """The seed rules in force, written with the keywords of ``language``."""
    install(workspace)
    texts = load_folder(FOLDER).texts()
    rules = DefinitionSource(file="seeds.rules", text=texts["seeds.rules"])
    publish(workspace, "seeds", source_of({**texts, "seeds.rules": format_rules(rules, language)}), SYSTEM)
    with workspace.work(SYSTEM, command="test.people") as work:
        people = {
            role: create_person(work, login=role, name=role, email=f"{role}@example.com", roles=[f"seeds.{role}"])
            for role in (*ROLES, "head")
            if role != "head"
        }
        people["head"] = create_person(work, login="head", name="Head", email="head@example.com", roles=[])
        department = create_department(work, code="sales", name={"en": "Sales"}, head=people["head"])
    found = Seeds(workspace=workspace, people=people, department=department, runner=host(workspace))
    found.settle()
    return found

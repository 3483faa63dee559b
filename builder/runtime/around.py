"""What the runtime needs of a command around it: apps, records of the acting app, people, settings, one instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from builder.identity.directory import DatabaseDirectory
from builder.identity.rights import ADMIN, BUILDER, builder_role
from builder.runtime import loading, rights
from builder.runtime.calendars import Calendar
from builder.runtime.graphs import Graphs
from builder.runtime.messenger import Messenger
from builder.runtime.notifications import Notifications
from builder.runtime.process.services import Service, ServiceCall
from builder.runtime.rules.decisions import OfApp
from builder.runtime.rules.running import ruleset_of
from builder.runtime.texts import Texts
from builder.runtime.writer import RecordWriter
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import process_instance
from engines.core import Event, Principal, Registry, new_id
from engines.core.ports import WorkingCalendar
from engines.feel import Budget, EvaluationContext
from engines.process.graph import CompiledProcess
from engines.rules import EventKind, calendar_functions

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.answers import Answers
    from builder.runtime.process.instances import Instance
    from builder.runtime.process.processes import Processes
    from builder.runtime.rounds import Listener, Rounds
    from builder.runtime.rules.scoring import Scoring
    from builder.workspace.work import Work
    from engines.form import LayoutDefinition, Records


# Events that nobody but rules of the same app, by name, and listeners can follow.
OF_PROCESSES = {kind.value: kind for kind in EventKind if kind.value.startswith(("process.", "task."))}
# Paths for which the name of whoever started a process is looked up.
INITIATOR = frozenset({("initiator",), ("initiator", "name")})


@dataclass(frozen=True, slots=True)
class AppDirectory:
    """The directory as one app's definitions speak of it: roles without their app's name are the app's own."""

    directory: DatabaseDirectory
    app: str
    # Holders of roles as they stood when first asked for in this command.
    _holders: dict[str, Sequence[UUID]] = field(default_factory=dict)

    def people_with_role(self, role: str) -> Sequence[UUID]:
        """Active people who hold the role."""
        name = role if "." in role else f"{self.app}.{role}"
        if name not in self._holders:
            self._holders[name] = self.directory.people_with_role(name)
        return self._holders[name]

    def manager_of(self, person: UUID, level: int = 1) -> UUID | None:
        """The person ``level`` steps up the reporting line."""
        return self.directory.manager_of(person, level)

    def department_of(self, person: UUID) -> UUID | None:
        """The person's main department."""
        return self.directory.department_of(person)

    def head_of(self, department: UUID) -> UUID | None:
        """Who leads a department."""
        return self.directory.head_of(department)

    def members_of(self, department: UUID) -> Sequence[UUID]:
        """Active people in a department and those below it."""
        return self.directory.members_of(department)

    def stand_in(self, person: UUID, at: Any) -> UUID | None:
        """Who does a person's work at that instant."""
        return self.directory.stand_in(person, at)


class Around:
    """The surroundings of one command; ``work.service("around")``."""

    def __init__(self, work: Work, services: Registry[Service], listeners: Sequence[Listener] = ()) -> None:
        self.work = work
        self.services = services
        # Called with every event after rules and processes: whoever keeps figures.
        self.listeners = tuple(listeners)
        self.directory = DatabaseDirectory(work.connection)
        self.notifications = Notifications(work)
        self.messenger = Messenger(work)
        self._directories: dict[str, AppDirectory] = {}
        self._records: dict[str, Records] = {}
        self._writers: dict[str, RecordWriter] = {}
        self._feel: dict[str, EvaluationContext] = {}

    # -- the other parts of the runtime

    @property
    def processes(self) -> Processes:
        """The processes of this command."""
        return self.work.service("processes")  # type: ignore[no-any-return]

    @property
    def rounds(self) -> Rounds:
        """The events of this command."""
        return self.work.service("rounds")  # type: ignore[no-any-return]

    @property
    def scoring(self) -> Scoring:
        """The score models of this command."""
        return self.work.service("scoring")  # type: ignore[no-any-return]

    @property
    def answers(self) -> Answers:
        """Questions to people outside."""
        return self.work.service("answers")  # type: ignore[no-any-return]

    # -- apps

    def app(self, name: str) -> CompiledApp:
        """An app in force."""
        return self.work.apps[name]

    def settings(self, app: str) -> Mapping[str, Any]:
        """The settings of an app as its expressions read them."""
        return self.work.settings(app) if app in self.work.apps else {}

    def form_name(self, app: str, name: str) -> str:
        """A form's qualified name; without an app's name it is the app's own."""
        return name if "." in name else f"{app}.{name}"

    @cached_property
    def _graphs(self) -> Graphs:
        return Graphs(self.work)

    def process(self, app: str, name: str) -> Graphs.Found:
        """The graph in force with its hash and release; ``KeyError`` for an unknown process."""
        return self._graphs.current(app, name)

    def has_process(self, name: str) -> bool:
        """Whether "app.process" is in force."""
        app, _, process = name.partition(".")
        return app in self.work.apps and process in self.work.apps[app].processes

    def graph(self, app: str, name: str, release: int, hash: str) -> CompiledProcess:
        """The graph with this hash, from the app in force or from the release that held it."""
        return self._graphs.kept(app, name, release, hash)

    def step_layout(self, row: sa.Row[Any]) -> LayoutDefinition | None:
        """The layout that a task's step names, as the release has it that its instance was started with."""
        return self._graphs.layout(row.app, row.subject_form, row.layout, row.release) if row.layout else None

    def starts(self, app: str, kind: str, name: str) -> Iterator[tuple[str, str]]:
        """(process, start event) for each process that such a message or signal starts."""
        return self._graphs.starts(app, kind, name)

    def variables(self, app: str) -> Mapping[str, Any]:
        """What rules read besides records: who acts, and the settings."""
        return {**self.records(app).world.around, **self._acting(), "settings": dict(self.settings(app))}

    def _acting(self) -> dict[str, Any]:
        """Who set the command off; rules act as the app, but speak of the person."""
        who = self.work.principal
        return {
            "me": {"id": who.id, "name": who.attributes.get("name") or self.name_of(who.id)} if who.id else None,
            "my_department": {"id": who.department, "name": None} if who.department else None,
            "my_departments": [{"id": found, "name": None} for found in sorted(who.departments)],
            "my_roles": sorted(who.roles),
            "my": dict(who.attributes),
        }

    # -- one instant, one budget

    @property
    def budget(self) -> Budget:
        """What all expressions of this command share."""
        return self.work.budget

    @cached_property
    def feel(self) -> EvaluationContext:
        """The context of expressions in this command."""
        return EvaluationContext(now=self.work.instant, zone=self.work.zone, budget=self.budget)

    def feel_of(self, app: str) -> EvaluationContext:
        """The same with the functions that an app's rules have: its working calendars."""
        if app not in self._feel:
            functions = calendar_functions(lambda name: self.calendar(app, name))
            self._feel[app] = replace(self.feel, functions=functions)
        return self._feel[app]

    def calendar(self, app: str, name: str) -> WorkingCalendar | None:
        """A working calendar of an app, or None."""
        return self.calendars(app).get(name)

    def calendars(self, app: str) -> Mapping[str, WorkingCalendar]:
        """The working calendars of an app, in their own zone, else the workspace's."""
        known = self.work.apps.get(app)
        found = known.calendars if known else {}
        if not found:
            return found
        zone, lineage = self.work.zone, self.directory.lineage
        return {name: Calendar(c, ZoneInfo(c.zone) if c.zone else zone, lineage) for name, c in found.items()}

    # -- records

    def records(self, app: str) -> Records:
        """Records as the app itself may see and change them; never more."""
        if app not in self._records:
            self._records[app] = self.work.records_as(self.work.as_app(app), app)
        return self._records[app]

    def write(self, app: str) -> RecordWriter:
        """Writes records as the app; remembers what wrote which field."""
        if app not in self._writers:
            self._writers[app] = RecordWriter(self, self.records(app), app)
        return self._writers[app]

    def load(self, app: str, form: str, record_id: UUID, paths: Any) -> dict[str, Any] | None:
        """A record with exactly these paths, as the app may see it."""
        return loading.load(self.records(app), form, record_id, paths)

    def may_see(self, form: str, record_id: UUID) -> bool:
        """Whether the acting person may see a record."""
        return self.work.records.may(form, "see", record_id)

    def title_of(self, subject: tuple[str, UUID] | None) -> str:
        """How a record is called; empty where it is gone."""
        if subject is None:
            return ""
        form, record_id = subject
        app = form.split(".", 1)[0]
        title = self.records(app).world.form(form).compiled.title
        found = self.load(app, form, record_id, {(title,)}) if title else None
        value = found.get(title) if found else None
        return "" if value is None else str(value.get("name", "") if isinstance(value, Mapping) else value)

    # -- processes

    def process_values(self, instance: Instance, graph: CompiledProcess) -> Mapping[str, Any]:
        """What the expressions of a graph read besides variables."""
        values: dict[str, Any] = {"settings": self.settings(instance.app)}
        if instance.subject is not None:
            paths = {path[1:] for path in graph.reads if path[0] == "subject" and len(path) > 1}
            values["subject"] = self._subject(instance.app, instance.subject, paths)
        initiator = instance.state.initiator or instance.started_by
        if initiator is not None:
            asked = not graph.reads.isdisjoint(INITIATOR)
            values["initiator"] = {"id": initiator, "name": self.name_of(initiator) if asked else None}
        return values

    def version_of(self, subject: tuple[str, UUID]) -> int:
        """The version of a record; 0 where it is gone."""
        found = self.load(subject[0].partition(".")[0], *subject, {("version",)})
        return int(found["version"]) if found else 0

    def _subject(self, app: str, subject: tuple[str, UUID], paths: set[tuple[str, ...]]) -> dict[str, Any] | None:
        return self.load(app, *subject, paths) if paths else {"id": subject[1]}

    def subject_values(self, given: ServiceCall) -> dict[str, Any] | None:
        """The record a service's text is about, with what its template reads."""
        if given.subject is None:
            return None
        template = given.input.get("template")
        reads = self.app(given.app).templates[template].reads if template else frozenset()
        return self._subject(
            given.app, given.subject, {path[1:] for path in reads if path[0] == "subject" and path[1:]}
        )

    def directory_of(self, app: str) -> AppDirectory:
        """The directory as the app's definitions speak of it."""
        if app not in self._directories:
            self._directories[app] = AppDirectory(self.directory, app)
        return self._directories[app]

    def decisions_of(self, app: str) -> OfApp:
        """The decisions of an app, as a process calls them."""
        return OfApp(self, app)

    def decide(self, app: str, name: str, inputs: Mapping[str, Any]) -> Any:
        """The output of a decision."""
        return OfApp(self, app).decide(name, inputs)

    def with_local_roles(self, principal: Principal, app: str) -> Principal:
        """The principal with the roles of ``app`` also by the names that its graphs write."""
        short = {role.removeprefix(f"{app}.") for role in principal.roles if role.startswith(f"{app}.")}
        return replace(principal, roles=principal.roles | short)

    def concerns(self, row: sa.Row[Any]) -> bool:
        """Whether the acting person may see a task."""
        return rights.concerns(self.work.principal, row, self)

    def is_shown(self, row: sa.Row[Any]) -> bool:
        """Whether a task shows the acting person what its step shows of the record."""
        return rights.is_shown(self.work.principal, row, self)

    def may_act(self, row: sa.Row[Any]) -> bool:
        """Whether the acting person may complete a task."""
        return rights.may_act(self.work.principal, row, self)

    def may_stop_clock(self, row: sa.Row[Any]) -> bool:
        """Whether the acting person may stop the clock of one of a task's time limits."""
        if not row.sla or row.instance_id is None:
            return False
        if rights.is_process_admin(self.work.principal, row.app):
            return True
        table = process_instance
        columns = (table.c.process, table.c.release, table.c.definition_hash)
        of = self.work.connection.execute(sa.select(*columns).where(table.c.id == row.instance_id)).one()
        graph = self.graph(row.app, of.process, of.release, of.definition_hash)
        roles = self.with_local_roles(self.work.principal, row.app).roles
        node = graph.nodes.get(row.node)
        while node is not None:
            own = row.assignee is not None and row.assignee == self.work.principal.id
            if any(roles.intersection(s.pause_roles) or (own and s.pause_by_assignee) for s in node.definition.sla):
                return True
            node = node.body.node
        return False

    def save_step_form(self, row: sa.Row[Any], values: Mapping[str, Any], base_version: int | None) -> None:
        """Saves what a step's form says about its subject: only fields that the step opens, checked like any edit."""
        # The person acts and stands in the history; what may be written is what the app lends for this step.
        lent = replace(self.work.principal, roles=self.work.as_app(row.app).roles)
        writer = RecordWriter(self, self.work.records_as(lent, row.app), row.app)
        root = self.processes.shell.hold(row.instance_id).root_id if row.instance_id else None
        with self.work.locks.within(root):
            writer.save_step(row, values, base_version)

    # -- people and texts

    def name_of(self, person_id: UUID | None) -> str:
        """The name of a person; empty for the system."""
        if person_id is None:
            return ""
        found = self.work.connection.execute(sa.select(person.c.name).where(person.c.id == person_id))
        return found.scalar_one_or_none() or ""

    def render(self, app: str, template: str, values: Mapping[str, Any]) -> tuple[Texts, Texts, str]:
        """Subject and body by language, and severity, of a template; ``KeyError`` for an unknown one."""
        found = self.app(app).templates[template]
        names = {"settings": dict(self.settings(app)), **values}
        return (*found.render(names, self.feel), found.severity)

    def tell_admins(self, *, title: Texts, body: Texts, app: str, subject: tuple[str, UUID] | None, key: str) -> None:
        """Tells everybody who may mend the app's processes."""
        roles = (ADMIN, BUILDER, builder_role(app))
        people = [found for role in roles for found in self.directory.people_with_role(role)]
        self.notifications.send(
            people, title=title, body=body, app=app, kind="process", severity="critical", subject=subject, key=key
        )

    # -- events, savepoints

    def raise_event(self, type: str, *, app: str, subject: tuple[str, UUID] | None, **payload: Any) -> None:
        """Raises an event of this command. One of a process or task that no rule waits for is not made at all."""
        self.work.set_off[type] += 1
        found = self.work.apps.get(app)
        kind = OF_PROCESSES.get(type)
        if kind is not None and not self.listeners and not self._hears(found, kind, payload["name"]):
            return
        event = Event(
            id=new_id(),
            type=type,
            at=self.work.instant,
            app=app,
            release=found.release if found else 0,
            actor=self.work.principal.id,
            subject=subject,
            payload=payload,
            correlation_id=self.work.command_id,
        )
        self.work.emit([event])

    def _hears(self, app: CompiledApp | None, kind: EventKind, name: str) -> bool:
        return app is not None and bool(app.rulesets) and ruleset_of(self, app).hears(kind, name)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block writes and raises is taken back where it fails."""
        with ExitStack() as undo:
            undo.callback(self.rounds.forget_after, self.rounds.mark())
            with self.work.connection.begin_nested():
                yield
            undo.pop_all()

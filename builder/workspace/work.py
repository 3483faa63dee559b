"""A unit of work: one command, one instant, one database transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from builder.workspace.app_settings import read_settings
from builder.workspace.audit import record_audit
from builder.workspace.catalogue import Apps, AppSet
from builder.workspace.records import WorkRecords, records_of
from engines.core import Event, Principal, PrincipalKind
from engines.feel import Budget, EvaluationContext
from engines.form import Records

if TYPE_CHECKING:
    from builder.identity.directory import DatabaseDirectory
    from builder.runtime.history.timeline import Timeline
    from builder.runtime.history.why import Why
    from builder.runtime.inbox import Inbox
    from builder.runtime.notifications import Notifications
    from builder.runtime.process.locks import RecordLocks
    from builder.runtime.process.processes import Processes
    from builder.workspace.workspace import Workspace

Hook = Callable[[], None]


class Work:
    """What a command may use while its transaction is open. Made by ``Workspace.work`` and ``Workspace.read`` only."""

    def __init__(
        self,
        *,
        workspace: Workspace,
        connection: Connection,
        principal: Principal,
        command_id: UUID,
        command: str,
        reason: str,
        instant: datetime,
        generation: int,
        read_only: bool,
    ) -> None:
        self.workspace = workspace
        self.connection = connection
        self.principal = principal
        self.command_id = command_id
        self.command = command
        # Why, in the words of the person; stands in the history.
        self.reason = reason
        # The one instant of the command, aware UTC.
        self.instant = instant
        # Number of the set of releases in force, read inside this transaction.
        self.generation = generation
        self.read_only = read_only
        # What a repeated call with the same idempotency key is answered with; JSON data.
        self.result: Any = None
        # Rules ("app.rule") whose question the person has answered with yes; True: all. Until then they refuse.
        self.confirmed: bool | frozenset[str] = False
        # Score models ("app.model") whose full run follows this command: rules of a batch need not score by them.
        self.scored_later: frozenset[str] = frozenset()
        # Whether values are computed but nobody is told and nothing is started: rules that would are passed over.
        self.silent = False
        # What this command has set off: by type of event ("task.created"), and "message" for notices and mails.
        self.set_off: Counter[str] = Counter()
        # Events raised in this command, in the order raised.
        self.events: list[Event] = []
        self._services: dict[str, Any] = {}
        self._before_commit: list[Hook] = []
        self._after_commit: list[Hook] = []

    @cached_property
    def app_set(self) -> AppSet:
        """The apps of the set of releases that this transaction sees."""
        return self.workspace.catalogue.at(self.connection, self.generation)

    @property
    def apps(self) -> Apps:
        """The apps in force, by name."""
        return self.app_set.apps

    def settings(self, app: str) -> Mapping[str, Any]:
        """The settings of an app as its expressions read them; empty where the app is not installed."""
        kept = self.app_set.settings
        if app not in kept:
            kept[app] = read_settings(self.connection, self.apps[app]) if app in self.apps else {}
        return kept[app]

    @cached_property
    def budget(self) -> Budget:
        """What all expressions of this command share."""
        return Budget()

    @cached_property
    def context(self) -> EvaluationContext:
        """The context of expressions in this command: its one instant, the workspace's zone, the budget."""
        return EvaluationContext(now=self.instant, zone=self.zone, budget=self.budget)

    @cached_property
    def directory(self) -> DatabaseDirectory:
        """People, roles and departments as this transaction sees them."""
        from builder.identity.directory import DatabaseDirectory

        return DatabaseDirectory(self.connection)

    @cached_property
    def records(self) -> WorkRecords:
        """The records of all apps, as the acting principal may see and change them."""
        return WorkRecords(self)

    @cached_property
    def locks(self) -> RecordLocks:
        """What processes keep from being changed."""
        from builder.runtime.process.locks import RecordLocks

        return RecordLocks(self.connection)

    def records_as(self, principal: Principal, app: str) -> Records:
        """Records as somebody else may see and change them, with the settings of ``app``; raises no events."""
        return records_of(self, principal, app)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the workspace: the one in which days are counted."""
        return self.workspace.clock.zone()

    def service(self, name: str) -> Any:
        """The service registered as ``name`` in ``workspace.services``, made once for this work."""
        if name not in self._services:
            self._services[name] = self.workspace.services[name](self)
        return self._services[name]

    @property
    def processes(self) -> Processes:
        """Process instances and tasks, as the acting principal may start and complete them."""
        return self.service("processes")  # type: ignore[no-any-return]

    @property
    def inbox(self) -> Inbox:
        """The tasks of the acting principal."""
        return self.service("inbox")  # type: ignore[no-any-return]

    @property
    def notifications(self) -> Notifications:
        """The notices of the acting principal."""
        return self.service("notifications")  # type: ignore[no-any-return]

    @property
    def timeline(self) -> Timeline:
        """``work.timeline(form, id)``: what has happened to a record."""
        return self.service("timeline")  # type: ignore[no-any-return]

    @property
    def why(self) -> Why:
        """``work.why(form, id, field)``: what set a value."""
        return self.service("why")  # type: ignore[no-any-return]

    def decide(self, name: str, inputs: Mapping[str, Any]) -> Any:
        """The output of a decision by its qualified name ("library.fine")."""
        app, _, local = name.partition(".")
        return self.service("around").decide(app, local, inputs)

    def emit(self, events: Sequence[Event]) -> None:
        """Takes what just happened and hands it to the service "rounds", which carries out what follows from it."""
        self.events.extend(events)
        rounds = self._services.get("rounds")
        if rounds is None and "rounds" in self.workspace.services:
            rounds = self.service("rounds")
        if rounds is not None:
            rounds.emit(events)

    def as_app(self, app: str) -> Principal:
        """The principal with which the rules and processes of ``app`` act."""
        return Principal(kind=PrincipalKind.APP, roles=frozenset({f"{app}.app"}), locale=self.principal.locale)

    def audit(self, action: str, subject: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """Writes a line of the audit trail, committed with this command."""
        record_audit(
            self.connection,
            at=self.instant,
            principal=self.principal,
            action=action,
            subject=subject,
            detail=detail,
            command=self.command_id,
        )

    def before_commit(self, hook: Hook) -> None:
        """Calls ``hook`` at the end of the block, inside the transaction; hooks may add hooks."""
        self._before_commit.append(hook)

    def after_commit(self, hook: Hook) -> None:
        """Calls ``hook`` once the transaction is committed; never where it was rolled back."""
        self._after_commit.append(hook)

    def finish(self) -> None:
        """Runs the hooks that belong into the transaction. Called by the workspace."""
        while self._before_commit:
            self._before_commit.pop(0)()

    def committed(self) -> None:
        """Runs the hooks that wait for the commit. Called by the workspace."""
        for hook in self._after_commit:
            hook()

"""Playing scenarios: each in a workspace of its own, with real transactions, rules, processes and a moved clock."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from builder.definitions import AppSource
from builder.identity import create_person, principal_of
from builder.jobs import queue
from builder.jobs.ports import Patience
from builder.releases.preparing import app_name
from builder.releases.publishing import install
from builder.runtime.install import host
from builder.scenarios.definition import Scenario, action_of, load_scenario
from builder.storage import open_database
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM, AccessDenied, DougongError, FixedClock, InputError, Principal, StateConflict
from engines.form import ListQuery

_PART = re.compile(r"(\d+)([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
# Due rows that one passage of time may set off: a schedule that never ends is a failure, not a hang.
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a scenario went."""

    name: str
    # Empty where everything held.
    failure: str = ""
    # 1-based step and line of its file, where it failed.
    step: int = 0
    line: int = 0

    @property
    def passed(self) -> bool:
        """Whether every step did what it says."""
        return not self.failure


class StepFailed(DougongError):
    """A step did not do what it says."""

    code = "scenario.failed"


def run_scenarios(source: AppSource, *, only: str = "") -> Iterator[Outcome]:
    """Plays every scenario of an app (or the one named ``only``), in order of files.

    ``DefinitionError`` where the app or a scenario is broken.
    """
    scenarios = [load_scenario(file.source) for key, file in source.files.items() if key.startswith("test:")]
    for scenario in (s for s in scenarios if only in ("", s.name)):
        with tempfile.TemporaryDirectory(prefix="dougong-scenario-") as folder:
            yield _play(source, scenario, Path(folder))


def _play(source: AppSource, scenario: Scenario, folder: Path) -> Outcome:
    settings = Settings(database=f"sqlite:///{folder / 'scenario.db'}", files=folder / "files", argon2_memory_kib=64)
    database = open_database(settings.database)
    initialise(database, settings, sandbox=True)
    database.close()
    start = datetime.fromisoformat(scenario.at).replace(tzinfo=ZoneInfo(settings.zone))
    clock = FixedClock(instant=start, zone_name=settings.zone)
    workspace = Workspace.open(settings, clock=clock)
    try:
        install(workspace, source, SYSTEM)
        return _Stage(workspace, clock, app_name(source), scenario).play()
    finally:
        workspace.close()


class _Stage:
    """One scenario while it is played."""

    def __init__(self, workspace: Workspace, clock: FixedClock, app: str, scenario: Scenario) -> None:
        self._workspace = workspace
        self._clock = clock
        self._app = app
        self._scenario = scenario
        self._host = host(workspace)
        # Form and id of kept records, by name.
        self._kept: dict[str, tuple[str, UUID]] = {}
        with workspace.work(SYSTEM, command="scenario.people") as work:
            self._people = {
                login: create_person(work, login=login, name=login, roles=[f"{app}.{role}" for role in roles])
                for login, roles in scenario.people.items()
            }

    def play(self) -> Outcome:
        """Every step in order, up to the first that fails."""
        for number, step in enumerate(self._scenario.steps, 1):
            try:
                self._do(step)
                self._settle()
            except (StepFailed, InputError, StateConflict, AccessDenied) as error:
                line = self._scenario.source.place(f"/steps/{number - 1}").line
                return Outcome(name=self._scenario.name, failure=str(error), step=number, line=line)
        return Outcome(name=self._scenario.name)

    def _do(self, step: Mapping[str, Any]) -> None:
        wanted = step.get("refused")
        try:
            getattr(self, f"_{action_of(step)}")(step)
        except (InputError, StateConflict, AccessDenied) as error:
            found = [p.code for p in error.problems] if isinstance(error, InputError) else [error.code]
            if wanted not in found:
                raise
            return
        if wanted:
            raise StepFailed(f"expected to be refused with {wanted}, but it was done")

    def _create(self, step: Mapping[str, Any]) -> None:
        form = self._form(step["create"])
        with self._work(step) as work:
            made = work.records.create(form, self._values(step))
        if "keep" in step:
            self._kept[step["keep"]] = (form, made.record.id)

    def _update(self, step: Mapping[str, Any]) -> None:
        form, id = self._record(step["update"])
        with self._work(step) as work:
            work.records.update(form, id, self._values(step))

    def _delete(self, step: Mapping[str, Any]) -> None:
        form, id = self._record(step["delete"])
        with self._work(step) as work:
            work.records.delete(form, id)

    def _complete(self, step: Mapping[str, Any]) -> None:
        with self._workspace.read(self._principal(step)) as work:
            tasks = [item.id for item in work.inbox.page().items if item.node == step["complete"]]
        if not tasks:
            raise StepFailed(f'the task "{step["complete"]}" is not in the inbox of {step.get("as", "the system")}')
        with self._work(step) as work:
            work.processes.complete(
                tasks[0], step.get("outcome", ""), values=self._values(step), comment=step.get("comment", "")
            )

    def _advance(self, step: Mapping[str, Any]) -> None:
        """Time passes from one due row to the next, so that each happens at its own instant."""
        target = self._clock.now() + _duration(step["advance"])
        for _ in range(_MOST_ROUNDS):
            with self._workspace.database.read() as connection:
                due = queue.next_due(connection)
            if due is None or due > target:
                self._clock.instant = target
                return
            self._clock.instant = max(due, self._clock.now())
            self._settle()
        raise StepFailed(f"more than {_MOST_ROUNDS} things fell due")

    def _expect(self, step: Mapping[str, Any]) -> None:
        with self._workspace.read(self._principal(step)) as work:
            if "count" in step:
                found = work.records.count(self._form(step["expect"]), ListQuery(filter=step.get("filter"))).value
                if found != step["count"]:
                    raise StepFailed(f"expected {step['count']} records of {step['expect']}, found {found}")
                return
            form, id = self._record(step["expect"])
            record = work.records.get(form, id)
        if record is None:
            raise StepFailed(f"{step['expect']} cannot be seen by {step.get('as', 'the system')}")
        for name, value in self._values(step).items():
            if not _same(record[name], value):
                raise StepFailed(f"{step['expect']}.{name}: expected {value}, found {record[name]}")

    def _settle(self) -> None:
        """Does what is due now: timers, schedules, services."""
        with self._host.read():
            pass
        for _ in range(_MOST_ROUNDS):
            with self._host.begin() as connection:
                due = queue.claim(connection, now=self._clock.now(), holder="scenario", patience=Patience())
            if not due:
                return
            for job in due:
                self._host.perform(job)
        raise StepFailed(f"more than {_MOST_ROUNDS} things fell due at one instant")

    def _work(self, step: Mapping[str, Any]) -> Any:
        return self._workspace.work(self._principal(step), command=f"scenario.{action_of(step)}")

    def _principal(self, step: Mapping[str, Any]) -> Principal:
        if "as" not in step:
            return SYSTEM
        if step["as"] not in self._people:
            raise StepFailed(f'nobody is called "{step["as"]}"')
        with self._workspace.database.read() as connection:
            found = principal_of(connection, self._people[step["as"]])
        assert found is not None  # noqa: S101  (made above, never shut out)
        return found

    def _values(self, step: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._value(value) for name, value in step.get("values", {}).items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str() if value.startswith("@"):
                name = value[1:]
                return self._people[name] if name in self._people else self._record(name)[1]
            case list():
                return [self._value(item) for item in value]
            case dict():
                return {name: self._value(item) for name, item in value.items()}
            case int() if not isinstance(value, bool):
                return Decimal(value)
        return value

    def _record(self, name: str) -> tuple[str, UUID]:
        if name not in self._kept:
            raise StepFailed(f'no step has kept a record as "{name}"')
        return self._kept[name]

    def _form(self, name: str) -> str:
        return name if "." in name else f"{self._app}.{name}"


def _same(found: Any, wanted: Any) -> bool:
    """Whether a record holds what was written in JSON: dates and instants are compared as their text."""
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(_same(f, w) for f, w in zip(found, wanted, strict=True))
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(_same(found.get(name), value) for name, value in wanted.items())
    return bool(found == wanted) or (isinstance(wanted, str) and str(found) == wanted)


def _duration(text: str) -> timedelta:
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise StepFailed(f'"{text}" is no duration; write for example 15m, 2h30m or 30d')
    return timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})

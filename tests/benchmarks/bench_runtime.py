"""Durable processes on SQLite (WAL, synchronous FULL) against SpiffWorkflow saving its JSON; a page of a full inbox.

Ours is the whole command: rights, instance and task rows, history, notices, one commit for each step. The reference
writes its serialised workflow into one row, one commit for each step, and keeps no tasks, history or inbox. ``floor``
is the limit of this way of storing: the very statements that ours made, with their values, by hand with ``sqlite3``.
Instances per second of the processor.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.process.shell import Shell
from builder.storage import SqliteDatabase
from builder.storage.runtime_tables import task, task_candidate
from builder.workspace import Workspace
from engines.core import SYSTEM, new_id
from engines.process import events
from tests.benchmarks.bench_process import exclusive, linear, parallel, their_script
from tests.benchmarks.harness import REPEATS, Measurement, duration, rate
from tests.builder.runtime.desk import APP, ROLES, Desk, Json, node, open_desk, process
from tests.builder.workspaces import open_workspace

TASKS = 10_000
LINEAR = process(
    "linear",
    [node("s", "startEvent"), *(node(f"t{i}", "userTask") for i in range(3)), node("e", "endEvent")],
    ["s > t0 > t1 > t2 > e"],
)
PARALLEL = process(
    "parallel",
    [
        node("s", "startEvent"),
        node("g", "parallelGateway"),
        *(node(f"t{i}", "userTask") for i in range(5)),
        node("j", "parallelGateway"),
        node("e", "endEvent"),
    ],
    ["s > g", *(f"g > t{i} > j" for i in range(5)), "j > e"],
)
SCRIPT = [{"set": "x", "value": "x + 1"}]
EXCLUSIVE = process(
    "exclusive",
    [
        node("s", "startEvent"),
        node("a", "scriptTask", script=SCRIPT),
        node("g", "exclusiveGateway", default="f4"),
        node("b", "scriptTask", script=SCRIPT),
        node("c", "scriptTask", script=SCRIPT),
        node("e", "endEvent"),
    ],
    ["s > a > g", ("g", "b", "x > 5"), ("g", "c"), "b > e", "c > e"],
    variables=[{"name": "x", "type": "number"}],
)
FILES: tuple[tuple[str, Json], ...] = (APP, ROLES, LINEAR, PARALLEL, EXCLUSIVE)


@contextmanager
def desk() -> Iterator[Desk]:
    """A workspace on disk with the three processes."""
    with TemporaryDirectory() as folder, open_workspace(f"sqlite:///{folder}/bench.db", Path(folder)) as workspace:
        yield open_desk(workspace, FILES)


def ours(workspace: Workspace, name: str, variables: dict[str, Any]) -> Callable[[], None]:
    """Runs one instance, each step a command of its own."""

    def begin() -> UUID:
        with workspace.work(SYSTEM, command="bench.start") as work:
            shell: Shell = work.service("processes").shell
            return shell.begin(f"desk.{name}", variables=variables).id

    def go_on(instance_id: UUID) -> bool:
        with workspace.work(SYSTEM, command="bench.step") as work:
            shell: Shell = work.service("processes").shell
            instance = shell.hold(instance_id)
            shell.step(instance, events.CompleteTask(task=next(iter(instance.state.tasks))))
            return not instance.state.ended

    def run() -> None:
        instance_id = begin()
        while name != "exclusive" and go_on(instance_id):
            pass

    return run


def theirs(xml: str, variables: dict[str, Any], folder: Path) -> Callable[[], None]:
    """Runs one instance, its JSON saved and read again for each step."""
    from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
    from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
    from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
    from SpiffWorkflow.util.task import TaskState

    parser = BpmnParser()
    parser.add_bpmn_io(BytesIO(xml.encode()), "p.bpmn")
    spec = parser.get_spec("p")
    serializer = BpmnWorkflowSerializer()
    database = sqlite3.connect(folder / f"{new_id()}.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE instance (id TEXT PRIMARY KEY, content TEXT)")

    def save(key: str, workflow: BpmnWorkflow) -> None:
        content = serializer.serialize_json(workflow)
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT OR REPLACE INTO instance VALUES (?, ?)", (key, content))
        database.execute("COMMIT")

    def run() -> None:
        key = str(new_id())
        workflow = BpmnWorkflow(spec)
        workflow.task_tree.data.update(variables)
        workflow.do_engine_steps()
        save(key, workflow)
        while not workflow.is_completed():
            (content,) = database.execute("SELECT content FROM instance WHERE id = ?", (key,)).fetchone()
            workflow = serializer.deserialize_json(content)
            workflow.get_next_task(state=TaskState.READY, manual=True).run()
            workflow.do_engine_steps()
            save(key, workflow)

    return run


Statement = tuple[str, Any, bool]


class Recorder:
    """Writes down the statements of a workspace's writer, to be made again by hand on a copy of its database."""

    def __init__(self, workspace: Workspace, copy: Path) -> None:
        database = workspace.database
        assert isinstance(database, SqliteDatabase)
        self._copy = copy
        self._source = database.path
        self.log: list[Statement] = []
        log = self.log

        class Cursor(sqlite3.Cursor):
            def execute(self, text: str, values: Any = ()) -> sqlite3.Cursor:
                log.append((text, values, False))
                return super().execute(text, values)

            def executemany(self, text: str, rows: Any) -> sqlite3.Cursor:
                log.append((text, list(rows), True))
                return super().executemany(text, log[-1][1])

        class Driver(sqlite3.Connection):
            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def execute(self, text: str, values: Any = ()) -> sqlite3.Cursor:
                return self.cursor().execute(text, values)

            def commit(self) -> None:
                log.append(("COMMIT", (), False))
                super().commit()

        @sa.event.listens_for(database._writer, "do_connect")
        def _connect(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
            options["factory"] = Driver

        database.close()

    def record(self, run: Callable[[], None], times: int) -> Callable[[], None]:
        """A function that makes the statements of one call of ``run`` by hand, as often as ``times``."""
        run()
        with closing(sqlite3.connect(self._source)) as source, closing(sqlite3.connect(self._copy)) as copy:
            source.backup(copy)
        calls = []
        for _ in range(times):
            self.log.clear()
            run()
            calls.append(list(self.log))
        driver = sqlite3.connect(self._copy, isolation_level=None, cached_statements=512)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            driver.execute(f"PRAGMA {pragma}")
        left = iter(calls)

        def again() -> None:
            for text, values, many in next(left):
                if many:
                    driver.executemany(text, values)
                else:
                    driver.execute(text, values).fetchall()

        return again


def floor(name: str, variables: dict[str, Any]) -> Measurement:
    """Our instances over those of the bare statements: how much of what storing costs at least is used well."""
    with desk() as recorded, desk() as found, TemporaryDirectory() as folder:
        recorder = Recorder(recorded.workspace, Path(folder) / "copy.db")
        again = recorder.record(ours(recorded.workspace, name, variables), 10 * (REPEATS + 1))
        return rate(
            f"process.{name}_durable/floor",
            ours(found.workspace, name, variables),
            again,
            number=10,
            clock=process_time,
        )


def fill_inbox(found: Desk) -> None:
    """Ten thousand open tasks for a role."""
    with found.work() as work:
        common = {"app": "desk", "node": "n", "release": 1, "title": {"": "T"}, "status": "open", "priority": 0}
        ids = [new_id() for _ in range(TASKS)]
        at = work.instant
        rows = [
            {"id": own, "details": {}, "created_at": at, "sort_at": at, "version": 0, "subject_title": "x", **common}
            for own in ids
        ]
        offers = [
            {"task_id": own, "kind": "role", "value": "desk.reviewer", "offered": True, "sort_at": at} for own in ids
        ]
        work.connection.execute(task.insert(), rows)
        work.connection.execute(task_candidate.insert(), offers)


def page(found: Desk) -> Callable[[], None]:
    """Reads the first page of an inbox with ten thousand tasks."""

    def read() -> None:
        with found.read("ann") as work:
            assert len(work.service("inbox").page().items) == 50

    return read


def bare_page(found: Desk) -> Callable[[], None]:
    """The same fifty rows by a hand-written statement."""
    text = sa.text(
        "SELECT t.* FROM sys_task t JOIN sys_task_candidate c ON c.task_id = t.id "
        "WHERE c.value = 'desk.reviewer' AND c.kind = 'role' AND c.offered ORDER BY c.sort_at, c.task_id LIMIT 50"
    )

    def read() -> None:
        with found.workspace.database.read() as connection:
            rows = connection.execute(text).all()
            assert len([json.loads(row.title) for row in rows]) == 50

    return read


def measure() -> Iterable[Measurement]:
    """Instances a second, and milliseconds of an inbox page."""
    graphs = (
        ("linear", linear(), {}, {}),
        ("parallel", parallel(), {}, {}),
        ("exclusive", exclusive(their_script), {"x": 7}, {"x": 7}),
    )
    with desk() as found, TemporaryDirectory() as folder:
        for name, xml, mine, reference in graphs:
            yield rate(
                f"process.{name}_durable/spiff",
                ours(found.workspace, name, mine),
                theirs(xml, reference, Path(folder)),
                number=10,
                clock=process_time,
            )
            yield floor(name, mine)
        fill_inbox(found)
        yield duration("inbox.page/hand", page(found), bare_page(found), number=5)

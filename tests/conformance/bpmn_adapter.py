"""Answers the BPMN conformance runner with the process engine: a JSON object a line in, one out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engines.core import DefinitionError, DougongError
from engines.process import events as e
from engines.process.codec import from_plain, to_plain
from engines.process.compiling import compile
from engines.process.context import StepContext
from engines.process.effects import HistoryEntry
from engines.process.kinds import EventKind
from engines.process.loading import read
from engines.process.memory import MemoryInstance, MemoryShell
from engines.process.state import InstanceState
from engines.process.xml import import_bpmn

ZONE = ZoneInfo("UTC")


class Refused(Exception):
    """The request cannot be carried out."""


class Adapter:
    """One engine with its virtual clock."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.shell = MemoryShell([], StepContext(now=datetime(2030, 1, 7, 9, tzinfo=ZONE), zone=ZONE))

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request."""
        operation = getattr(self, "do_" + request["op"], None)
        if operation is None:
            return {"ok": False, "error": "unsupported", "message": request["op"]}
        try:
            return {"ok": True, **(operation(request) or {})}
        except DefinitionError as error:
            return {"ok": False, "error": "refused", "message": "; ".join(d.render() for d in error.diagnostics)[:2000]}
        except (DougongError, Refused) as error:
            return {"ok": False, "error": "refused", "message": str(error)}

    def do_hello(self, request: Mapping[str, Any]) -> None:
        pass

    def do_reset(self, request: Mapping[str, Any]) -> None:
        now = datetime.fromisoformat(request["now"])
        self.files = []
        self.shell = MemoryShell([], StepContext(now=now, zone=ZONE))

    def do_deploy(self, request: Mapping[str, Any]) -> None:
        for file in request["files"]:
            self.deploy(file["xml"])

    def deploy(self, xml: str) -> None:
        imported = import_bpmn(xml)
        errors = [d for d in imported.diagnostics if d.severity == "error"]
        if errors:
            raise DefinitionError(errors)
        for data in imported.processes:
            process = compile(read(data))
            taken = {
                n.event.name
                for p in self.shell.processes.values()
                for n in p.start_events(EventKind.MESSAGE)
                if n.event
            }
            if process.name in self.shell.processes:
                raise Refused(f"process {process.name} is there already")
            for node in process.start_events(EventKind.MESSAGE):
                if node.event and node.event.name in taken:
                    raise Refused(f"message {node.event.name} starts another process already")
            self.shell.processes[process.name] = process
        self.files.append(xml)

    def do_start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance": str(self.shell.start(request["process"], plain(request.get("variables"))))}

    def do_tasks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self.shell.tasks(int(request["instance"]))
        return {"tasks": [{"id": f"{i}.{t.id}", "instance": str(i), "activity": t.node} for i, t in found]}

    def do_complete(self, request: Mapping[str, Any]) -> None:
        instance, task = task_of(request["task"])
        self.shell.apply(instance, e.CompleteTask(task=task, variables=plain(request.get("variables"))))

    def do_message(self, request: Mapping[str, Any]) -> dict[str, Any]:
        variables = plain(request.get("variables"))
        if "instance" not in request:
            return {"started": list(map(str, self.shell.message(request["name"], variables)))}
        for member in self.shell.family(int(request["instance"])):
            if any(s.name == request["name"] for s in member.state.subscriptions.values()):
                return {"started": list(map(str, self.shell.message(request["name"], variables, to=member.id)))}
        raise Refused("nobody waits for the message")

    def do_signal(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"started": list(map(str, self.shell.signal(request["name"], plain(request.get("variables")))))}

    def do_set_variables(self, request: Mapping[str, Any]) -> None:
        self.shell.apply(int(request["instance"]), e.VariablesSet(variables=plain(request["variables"])))

    def do_advance(self, request: Mapping[str, Any]) -> None:
        self.shell.advance(timedelta(seconds=request["seconds"]))

    def do_throw_error(self, request: Mapping[str, Any]) -> None:
        instance, task = task_of(request["task"])
        self.shell.apply(instance, e.ErrorThrown(task=task, code=request["code"]))

    def do_activate(self, request: Mapping[str, Any]) -> None:
        self.shell.apply(int(request["instance"]), e.ActivityStarted(activity=request["activity"]))

    def do_state(self, request: Mapping[str, Any]) -> dict[str, Any]:
        number = int(request["instance"])
        state = self.shell.instances[number].state
        incidents = [i for member in self.shell.family(number) for i in member.state.incidents.values()]
        status = "completed" if state.ended else "incident" if incidents else "running"
        return {
            "state": status,
            "completed": [entry.node for entry in self.shell.history(number) if entry.kind == "completed"],
            "variables": {name: shown(value) for name, value in state.process_variables.items()},
            "message": "; ".join(i.message for i in incidents),
        }

    def do_restart(self, request: Mapping[str, Any]) -> None:
        saved = json.dumps(self.save())
        self.__init__()  # type: ignore[misc]
        self.load(json.loads(saved))

    def save(self) -> dict[str, Any]:
        instances = [
            {"id": i.id, "process": i.process, "caller": i.caller, "state": i.state.to_json()}
            for i in self.shell.instances.values()
        ]
        log = [[number, to_plain(entry)] for number, entry in self.shell.log]
        return {"files": self.files, "now": self.shell.context.now.isoformat(), "instances": instances, "log": log}

    def load(self, data: Mapping[str, Any]) -> None:
        self.do_reset(data)
        for xml in data["files"]:
            self.deploy(xml)
        for row in data["instances"]:
            caller = tuple(row["caller"]) if row["caller"] else None
            self.shell.instances[row["id"]] = MemoryInstance(
                id=row["id"], process=row["process"], state=InstanceState.from_json(row["state"]), caller=caller
            )
        self.shell.log = [(number, from_plain(HistoryEntry, entry)) for number, entry in data["log"]]


def task_of(text: str) -> tuple[int, int]:
    """Instance and task of the id that ``tasks`` gave."""
    instance, task = text.split(".")
    return int(instance), int(task)


def plain(value: Any) -> Any:
    """JSON values as the engine wants them: numbers are Decimal."""
    if value is None:
        return {}
    return {name: _number(part) for name, part in value.items()}


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, dict):
        return {name: _number(item) for name, item in value.items()}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def shown(value: Any) -> Any:
    """A variable as JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(part) for part in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def main() -> None:
    """Answers line by line until the input ends."""
    adapter = Adapter()
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **adapter.answer(request)}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

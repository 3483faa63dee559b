"""The process engine: BPMN process graphs, checked before use and executed one pure step at a time."""

from engines.core.kinds import Kind
from engines.process import effects, events
from engines.process.compiling import compile
from engines.process.context import StepContext, Workload
from engines.process.definition import ProcessDefinition
from engines.process.effects import HistoryEntry
from engines.process.graph import CompiledProcess
from engines.process.loading import SCHEMA, load
from engines.process.memory import MemoryShell
from engines.process.state import InstanceState, InstanceStatus
from engines.process.stepping import StepResult, step
from engines.process.validation import validate
from engines.process.xml import Imported, export_bpmn, import_bpmn

KINDS: dict[str, Kind] = {
    "process": Kind(
        name="process", suffix=".process.json", schema=SCHEMA, load=load, validate=validate, compile=compile
    )
}

__all__ = [
    "KINDS",
    "SCHEMA",
    "CompiledProcess",
    "HistoryEntry",
    "Imported",
    "InstanceState",
    "InstanceStatus",
    "MemoryShell",
    "ProcessDefinition",
    "StepContext",
    "StepResult",
    "Workload",
    "compile",
    "effects",
    "events",
    "export_bpmn",
    "import_bpmn",
    "load",
    "step",
    "validate",
]

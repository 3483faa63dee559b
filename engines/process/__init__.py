"""The process engine: BPMN process graphs, checked before use and executed one pure step at a time."""

from engines.process.loading import SCHEMA, load
from engines.process.state import InstanceState, InstanceStatus

__all__ = ["SCHEMA", "InstanceState", "InstanceStatus", "load"]

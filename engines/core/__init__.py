"""What every engine shares: definitions with source positions, diagnostics, texts, events, ports, clock and ids."""

from engines.core.clock import Clock, FixedClock, SystemClock
from engines.core.diagnostics import Diagnostic, MessageCatalogue, Place, Severity
from engines.core.errors import (
    AccessDenied,
    BudgetExceeded,
    DefinitionError,
    DougongError,
    ExternalError,
    InputError,
    InputProblem,
    StateConflict,
)
from engines.core.events import Event, EventType
from engines.core.ids import new_id
from engines.core.kinds import Kind, Loaded
from engines.core.principal import SYSTEM, Principal, PrincipalKind
from engines.core.registry import Registry
from engines.core.schema import check_schema
from engines.core.source import DefinitionSource, load_json
from engines.core.text import LocalizedText

__all__ = [
    "SYSTEM",
    "AccessDenied",
    "BudgetExceeded",
    "Clock",
    "DefinitionError",
    "DefinitionSource",
    "Diagnostic",
    "DougongError",
    "Event",
    "EventType",
    "ExternalError",
    "FixedClock",
    "InputError",
    "InputProblem",
    "Kind",
    "Loaded",
    "LocalizedText",
    "MessageCatalogue",
    "Place",
    "Principal",
    "PrincipalKind",
    "Registry",
    "Severity",
    "StateConflict",
    "SystemClock",
    "check_schema",
    "load_json",
    "new_id",
]

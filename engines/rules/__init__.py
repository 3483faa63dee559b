"""Rules and decisions: a language that reads as sentences, decision tables and graphs, scores, sweeps in SQL."""

from engines.rules.events import EventKind, RuleData, RuleEvent, RuleResult, RuleState, TimerRequest, TraceEntry
from engines.rules.firing import Firing, carry_out

__all__ = [
    "EventKind",
    "Firing",
    "RuleData",
    "RuleEvent",
    "RuleResult",
    "RuleState",
    "TimerRequest",
    "TraceEntry",
    "carry_out",
]

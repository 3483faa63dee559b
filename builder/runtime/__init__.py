"""The runtime: what follows from a change: rounds of events, rules, processes, tasks, timers, notices, scores."""

from builder.runtime.kinds import KINDS

__all__ = ["KINDS"]

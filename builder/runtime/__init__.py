"""The runtime: what follows from a change: rounds of events, rules, processes, tasks, timers, notices, scores."""

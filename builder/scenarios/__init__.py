"""Scenarios: what an app's ``tests/*.test.json`` say must happen, played in a scratch workspace."""

from builder.scenarios.definition import Scenario, load_scenario
from builder.scenarios.running import Outcome, run_scenarios

__all__ = ["Outcome", "Scenario", "load_scenario", "run_scenarios"]

"""Sample data of an app: people, departments and records from its ``data`` folder, as ``data/demo.json`` says."""

from builder.demo.definition import DemoDefinition, load_demo
from builder.demo.people import DemoPerson, create_people
from builder.demo.records import load_records, run_scores

__all__ = ["DemoDefinition", "DemoPerson", "create_people", "load_demo", "load_records", "run_scores"]

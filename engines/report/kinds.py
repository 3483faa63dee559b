"""The kinds of definitions that reports are made of, and the verbs over both."""

from __future__ import annotations

from collections.abc import Mapping

from engines.core.diagnostics import Diagnostic
from engines.core.kinds import Kind
from engines.report.compiled import CompiledDashboard, CompiledDataset
from engines.report.dashboards import compile_dashboard, validate_dashboard
from engines.report.datasets import compile_dataset, validate_dataset
from engines.report.definitions import DashboardDefinition, DatasetDefinition
from engines.report.loading import load_dashboard, load_dataset, schema
from engines.report.ports import ReportDefinitions

KINDS: Mapping[str, Kind] = {
    "dataset": Kind(
        name="dataset",
        suffix=".dataset.json",
        schema=schema("dataset"),
        load=load_dataset,
        validate=validate_dataset,
        compile=compile_dataset,
    ),
    "dashboard": Kind(
        name="dashboard",
        suffix=".dashboard.json",
        schema=schema("dashboard"),
        load=load_dashboard,
        validate=validate_dashboard,
        compile=compile_dashboard,
    ),
}


def validate(definition: DatasetDefinition | DashboardDefinition, definitions: ReportDefinitions) -> list[Diagnostic]:
    """All problems of a dataset or dashboard, with places; never raises for a bad definition."""
    if isinstance(definition, DatasetDefinition):
        return validate_dataset(definition, definitions)
    return validate_dashboard(definition, definitions)


def compile(
    definition: DatasetDefinition | DashboardDefinition, definitions: ReportDefinitions
) -> CompiledDataset | CompiledDashboard:
    """The definition ready to run; ``DefinitionError`` with everything that is wrong with it."""
    if isinstance(definition, DatasetDefinition):
        return compile_dataset(definition, definitions)
    return compile_dashboard(definition, definitions)

"""Reports: datasets say what can be counted, dashboards ask; one SQL statement a tile, exact, down to the records."""

from engines.report.charts import chart_options
from engines.report.columns import columns_of
from engines.report.compiled import CompiledDashboard, CompiledDataset, CompiledTile
from engines.report.dashboards import compile_tile
from engines.report.definitions import DashboardDefinition, DatasetDefinition, Tile
from engines.report.drill import Drill, drill
from engines.report.export import to_csv, to_xlsx
from engines.report.kinds import KINDS, compile, validate
from engines.report.loading import load
from engines.report.markers import marker_values
from engines.report.parameters import given_by, parameters_of
from engines.report.periods import DateRange
from engines.report.plain import PlainDefinitions, PlainForm, PlainRows
from engines.report.ports import FormShape, ReportDefinitions, RowSource
from engines.report.results import Column, ParetoSummary, Role, TileResult, ValueType
from engines.report.running import ReportContext, run
from engines.report.tables import PivotTable, TextTable, pivot_of, table_of

__all__ = [
    "KINDS",
    "Column",
    "CompiledDashboard",
    "CompiledDataset",
    "CompiledTile",
    "DashboardDefinition",
    "DatasetDefinition",
    "DateRange",
    "Drill",
    "FormShape",
    "ParetoSummary",
    "PivotTable",
    "PlainDefinitions",
    "PlainForm",
    "PlainRows",
    "ReportContext",
    "ReportDefinitions",
    "Role",
    "RowSource",
    "TextTable",
    "Tile",
    "TileResult",
    "ValueType",
    "chart_options",
    "columns_of",
    "compile",
    "compile_tile",
    "drill",
    "given_by",
    "load",
    "marker_values",
    "parameters_of",
    "pivot_of",
    "run",
    "table_of",
    "to_csv",
    "to_xlsx",
    "validate",
]

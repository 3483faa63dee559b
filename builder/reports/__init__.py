"""Dashboards of apps as people read them: who may open which, their figures under the reader's rights, drill-down."""

from builder.reports.drilling import Drilled, drill_query, drilled
from builder.reports.reader import DashboardReader, may_open

__all__ = ["DashboardReader", "Drilled", "drill_query", "drilled", "may_open"]

"""What the history of processes tells: figures, heat maps, event logs, and what a draft would have come to."""

from builder.insight.access import ProcessInsight
from builder.insight.attainment import Attainment, Kept, Line
from builder.insight.cases import Cases, Spread
from builder.insight.event_log import in_pieces, sheet, to_csv, to_xes
from builder.insight.figures import NodeFigures, PersonFigures, ProcessFigures

__all__ = [
    "Attainment",
    "Cases",
    "Kept",
    "Line",
    "NodeFigures",
    "PersonFigures",
    "ProcessFigures",
    "ProcessInsight",
    "Spread",
    "in_pieces",
    "sheet",
    "to_csv",
    "to_xes",
]

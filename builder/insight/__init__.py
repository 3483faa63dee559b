"""What the history of processes tells: figures, heat maps, event logs, and what a draft would have come to."""

from builder.insight.access import ProcessInsight
from builder.insight.cases import Cases, Spread
from builder.insight.event_log import to_csv, to_xes
from builder.insight.figures import NodeFigures, PersonFigures, ProcessFigures

__all__ = ["Cases", "NodeFigures", "PersonFigures", "ProcessFigures", "ProcessInsight", "Spread", "to_csv", "to_xes"]

"""Documents: records as PDF by their layout, and as Word and Excel files by templates edited in Office."""

from builder.documents.definition import KINDS

__all__ = ["KINDS"]

"""One form renderer for the desktop, the phone, public links, approvals and the designer's preview."""

from builder.web.forms.display import Display, is_numeric, shown_type
from builder.web.forms.model import Block, Cell, Choice, FormView, Names
from builder.web.forms.reading import read_values
from builder.web.forms.view import automatic_layout, form_view, help_text, layout_for, picker_source, upload_target

__all__ = [
    "Block",
    "Cell",
    "Choice",
    "Display",
    "FormView",
    "Names",
    "automatic_layout",
    "form_view",
    "help_text",
    "is_numeric",
    "layout_for",
    "picker_source",
    "read_values",
    "shown_type",
    "upload_target",
]

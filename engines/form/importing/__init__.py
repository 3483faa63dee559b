"""Other formats into ours: JSON Schema, XLSForm, Frappe DocType, SurveyJS; each with a report of what became of it."""

from engines.form.importing.convert import KINDS, convert, detect
from engines.form.importing.report import Conversion, Outcome, ReportEntry

__all__ = ["KINDS", "Conversion", "Outcome", "ReportEntry", "convert", "detect"]

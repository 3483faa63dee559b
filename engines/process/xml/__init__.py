"""BPMN 2.0 XML: reading models of other tools, and writing ours for them."""

from engines.process.xml.reading import Imported, import_bpmn
from engines.process.xml.writing import export_bpmn

__all__ = ["Imported", "export_bpmn", "import_bpmn"]

"""Data files in: what an import mapping says, staging, and the journalled run that writes the records."""

from builder.imports.definition import KIND, ImportDefinition, load, validate

__all__ = ["KIND", "ImportDefinition", "load", "validate"]

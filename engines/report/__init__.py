"""The report engine."""

"""The feel engine."""

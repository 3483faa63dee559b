"""Texts of our own pages: ``python -m builder.locales`` brings both catalogues up to date with the sources."""

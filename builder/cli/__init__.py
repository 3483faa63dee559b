"""``dougong``: everything that can be done with a workspace from the command line."""

from builder.cli.main import main

__all__ = ["main"]

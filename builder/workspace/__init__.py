"""Workspaces and units of work: one command, one transaction."""

from builder.workspace.commands import AlreadyDone
from builder.workspace.settings import Settings, SettingsError
from builder.workspace.setup import initialise
from builder.workspace.work import Work
from builder.workspace.workspace import Workspace, WorkspaceState

__all__ = ["AlreadyDone", "Settings", "SettingsError", "Work", "Workspace", "WorkspaceState", "initialise"]

"""Releases of apps: loading, drafts, checking, planning, publishing, rolling back."""

from builder.definitions import AppSource, check, load_folder
from builder.definitions.changes import Change, changes_between
from builder.releases.drafts import Draft, DraftEdit, find_draft, open_draft
from builder.releases.exporting import export_app, export_release
from builder.releases.following import finish
from builder.releases.followups import Followup, cancel_followup, followups_of, resume_followup
from builder.releases.planning import Plan, plan
from builder.releases.preparing import app_name
from builder.releases.publishing import install, publish, rollback
from builder.workspace.release_store import Activation, Release, activations_of, active_release, releases_of

__all__ = [
    "Activation",
    "AppSource",
    "Change",
    "Draft",
    "DraftEdit",
    "Followup",
    "Plan",
    "Release",
    "activations_of",
    "active_release",
    "app_name",
    "cancel_followup",
    "changes_between",
    "check",
    "export_app",
    "export_release",
    "find_draft",
    "finish",
    "followups_of",
    "install",
    "load_folder",
    "open_draft",
    "plan",
    "publish",
    "releases_of",
    "resume_followup",
    "rollback",
]

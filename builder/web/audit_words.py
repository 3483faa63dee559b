"""The audit trail and the jobs as sentences: what an action is called, whom it concerned, what it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.web.context import _, site
from builder.web.names import WorkNames


def action_words() -> dict[str, str]:
    """Each action that is recorded, by its code."""
    return {
        "bulk.delete": _("Deleted many records"),
        "bulk.edit": _("Changed many records"),
        "bulk.undo": _("Took back a change of many records"),
        "clock.moved": _("Moved the clock"),
        "identity.department_created": _("Made a department"),
        "identity.department_moved": _("Moved a department"),
        "identity.department_updated": _("Changed a department"),
        "identity.departments_set": _("Set the departments of a person"),
        "identity.password_set": _("Set a password"),
        "identity.person_activated": _("Let a person in again"),
        "identity.person_created": _("Added a person"),
        "identity.person_deactivated": _("Deactivated a person"),
        "identity.person_updated": _("Changed a person"),
        "identity.roles_set": _("Set the roles of a person"),
        "identity.sign_in_refused": _("Sign-in refused"),
        "identity.signed_in": _("Signed in"),
        "identity.signed_out": _("Signed out"),
        "identity.token_created": _("Made an access token"),
        "identity.token_revoked": _("Revoked an access token"),
        "import.run": _("Imported records"),
        "import.undo": _("Undid an import"),
        "identity.departments_headed": _("Changed who leads departments"),
        "people.move": _("Began to hand over what a person has"),
        "people.moved": _("Handed over what a person had"),
        "process.assign": _("Assigned a task"),
        "process.cancel": _("Voided a process"),
        "process.clock": _("Stopped or resumed a time limit"),
        "process.hand_over": _("Handed over open work"),
        "index.made": _("Made an index"),
        "process.migrate": _("Moved a process to another version"),
        "process.migration_undo": _("Took back a move to another version"),
        "process.move_token": _("Moved a process to another step"),
        "process.resume": _("Resumed a process"),
        "process.retry": _("Retried a failed step"),
        "process.set_variables": _("Changed the variables of a process"),
        "process.suspend": _("Suspended a process"),
        "public_link.created": _("Made a public link"),
        "record.document": _("Made a document of a record"),
        "record.erased": _("Erased personal data"),
        "record.export": _("Exported records"),
        "record.personal": _("Exported personal data"),
        "record.print": _("Printed a record"),
        "record.shared": _("Shared a record"),
        "record.unshared": _("Stopped sharing a record"),
        "release.followup_cancelled": _("Cancelled what follows a release"),
        "release.followup_resumed": _("Resumed what follows a release"),
        "release.published": _("Published an app"),
        "release.rolled_back": _("Rolled an app back"),
        "rights.look_begun": _("Began to look as somebody else"),
        "rights.look_ended": _("Stopped looking as somebody else"),
        "setting.written": _("Changed a setting"),
    }


def job_words() -> dict[str, str]:
    """Each kind of job, by its code."""
    return {
        "bulk.step": _("Change of many records, a portion"),
        "import.step": _("Import, a portion"),
        "people.move": _("Handing over what a person has"),
        "process.service": _("Service step of a process"),
        "process.timer": _("Timer of a process"),
        "release.follow": _("What follows a release, a portion"),
        "rule.fire": _("Rule over many records"),
        "rule.schedule": _("Schedule of a rule"),
        "rule.timer": _("Deadline of a rule"),
        "scores.batch": _("Scores, a portion"),
        "scores.run": _("Scores, a full run"),
    }


def _detail_words() -> dict[str, str]:
    return {
        "address": _("Address"),
        "by": _("By"),
        "changed": _("Changed"),
        "code": _("Code"),
        "login": _("Login"),
        "name": _("Name"),
        "note": _("Note"),
        "person": _("Person"),
        "release": _("Release"),
        "roles": _("Roles"),
        "value": _("Value"),
    }


def audit_rows(rows: Sequence[sa.Row[Any]], names: WorkNames, role_label: Callable[[str], str]) -> list[dict[str, Any]]:
    """Rows of the audit trail, newest first as given, with people by their names."""
    names.learn_people({row.actor for row in rows if row.actor} | {id for row in rows if (id := _id(row.subject))})
    actions, keys = action_words(), _detail_words()
    return [
        {
            "at": row.at,
            "who": (names.person(row.actor) if row.actor else None) or _actor(row.actor_kind),
            "action": actions.get(row.action, row.action),
            "code": row.action,
            "subject": _subject(row, names),
            "details": [
                (keys.get(key, key), _value(key, value, names, role_label))
                for key, value in (row.detail or {}).items()
                if value not in (None, "", [])
            ],
        }
        for row in rows
    ]


def _actor(kind: str) -> str:
    return {"system": _("The system"), "app": _("The app"), "public": _("Visitor")}.get(kind, kind)


def _subject(row: sa.Row[Any], names: WorkNames) -> str:
    id = _id(row.subject)
    if id is None:
        return str(row.subject)
    if row.action.startswith("identity.department_"):
        return names.department(id) or str(id)
    return names.person(id) or str(id)


def _value(key: str, value: Any, names: WorkNames, role_label: Callable[[str], str]) -> str:
    match value:
        case list():
            said = [role_label(str(item)) if "role" in key else str(item) for item in value]
            return site().formats.plain(said)
        case Mapping():
            return site().formats.plain([f"{inner}: {item}" for inner, item in value.items()])
        case str() if (id := _id(value)) is not None:
            return names.person(id) or value
    return site().formats.plain(value)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None

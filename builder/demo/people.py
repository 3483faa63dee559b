"""The people of a demo, with passwords made at random for this workspace."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from builder.demo.definition import DemoDefinition, text_in
from builder.identity import (
    SYSTEM_ROLES,
    Passwords,
    create_department,
    create_person,
    random_password,
    update_department,
    update_person,
)
from builder.storage.identity_tables import department, person
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import Work, Workspace
from engines.core import SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """Somebody to sign in as."""

    login: str
    password: str
    name: str
    # Who this is, by language: {"zh": …, "en": …}
    role: object


def create_people(workspace: Workspace, app: str, demo: DemoDefinition, passwords: Passwords) -> list[DemoPerson]:
    """Makes departments and people that are missing; those who got a password, which is shown once."""
    # Outside the transaction: hashing takes long on purpose.
    made = {entry["name"]: random_password() for entry in demo.people if "demo" in entry}
    hashes = {login: passwords.hash(password) for login, password in made.items()}
    with workspace.work(SYSTEM, command="demo.people") as work:
        units = _departments(work, demo)
        known = _ids(work, person.c.login, person.c.id)
        new = [entry for entry in demo.people if entry["name"] not in known]
        for entry in new:
            known[entry["name"]] = create_person(
                work,
                login=entry["name"],
                name=text_in(entry["label"], workspace.settings.locale),
                password_hash=hashes.get(entry["name"], ""),
                email=entry.get("email", ""),
                phone=entry.get("phone", ""),
                # None chosen: the browser's language decides until they switch.
                locale="",
                departments=[units[entry["department"]]] if "department" in entry else [],
                roles=[*(f"{app}.{r}" for r in entry.get("roles", ())), *(SYSTEM_ROLES if entry.get("admin") else ())],
            )
        for entry in new:
            if "manager" in entry:
                update_person(work, known[entry["name"]], manager=known[entry["manager"]])
        for unit in demo.departments:
            if "head" in unit:
                update_department(work, units[unit["name"]], head=known[unit["head"]])
        if any(entry.get("admin") for entry in demo.people):
            # There is an admin now, so that nobody may become one with the set-up token.
            work.connection.execute(sa.update(workspace_table).values(setup_hash=""))
    return [
        DemoPerson(
            login=entry["name"],
            password=made[entry["name"]],
            name=text_in(entry["label"], workspace.settings.locale),
            role=entry["demo"],
        )
        for entry in new
        if "demo" in entry
    ]


def _departments(work: Work, demo: DemoDefinition) -> dict[str, UUID]:
    known = _ids(work, department.c.code, department.c.id)
    for position, unit in enumerate(demo.departments):
        if unit["name"] not in known:
            label = unit["label"] if isinstance(unit["label"], dict) else {"": unit["label"]}
            parent = known[unit["parent"]] if "parent" in unit else None
            known[unit["name"]] = create_department(
                work, code=unit["name"], name=label, parent=parent, position=position
            )
    return known


def _ids(work: Work, key: sa.Column[str], id: sa.Column[UUID]) -> dict[str, UUID]:
    return {row[0]: row[1] for row in work.connection.execute(sa.select(key, id))}

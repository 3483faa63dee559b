"""Departments as a tree, and the directory that assignments ask."""

from datetime import timedelta
from uuid import UUID

import pytest

from builder.identity import (
    DatabaseDirectory,
    create_department,
    create_person,
    departments_of,
    move_department,
    set_active,
    update_department,
    update_person,
)
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, InputError, Principal, PrincipalKind, new_id
from tests.builder.workspaces import START


def tree(workspace: Workspace) -> dict[str, UUID]:
    """company > (north > shop, south), with boss, chief (north), clerk (shop)."""
    with workspace.work(SYSTEM, command="test") as work:
        ids: dict[str, UUID] = {}
        for code, parent in (("company", ""), ("north", "company"), ("south", "company"), ("shop", "north")):
            ids[code] = create_department(work, code=code, name={"en": code}, parent=ids.get(parent))
        people = (("boss", "company", ""), ("chief", "north", "boss"), ("clerk", "shop", "chief"))
        for login, unit, manager in people:
            ids[login] = create_person(
                work, login=login, name=login, departments=[ids[unit]], manager=ids.get(manager), roles=["app.staff"]
            )
        update_department(work, ids["north"], head=ids["chief"])
    return ids


def test_a_person_is_in_their_departments_and_all_below(workspace: Workspace) -> None:
    ids = tree(workspace)
    with workspace.read(SYSTEM) as work:
        assert departments_of(work.connection, ids["chief"]) == (ids["north"], {ids["north"], ids["shop"]})


def test_a_moved_department_takes_what_is_below_along(workspace: Workspace) -> None:
    ids = tree(workspace)
    with workspace.work(SYSTEM, command="test") as work:
        move_department(work, ids["north"], ids["south"])
        _, below_south = departments_of(work.connection, ids["boss"])
        directory = DatabaseDirectory(work.connection)
        assert set(directory.members_of(ids["south"])) == {ids["chief"], ids["clerk"]}
        assert below_south == {ids[code] for code in ("company", "north", "south", "shop")}
        move_department(work, ids["north"], None)
        assert directory.members_of(ids["south"]) == []
        assert set(directory.members_of(ids["company"])) == {ids["boss"]}


def test_a_department_cannot_hang_below_itself(workspace: Workspace) -> None:
    ids = tree(workspace)
    with pytest.raises(InputError, match="department_loop"), workspace.work(SYSTEM, command="test") as work:
        move_department(work, ids["north"], ids["shop"])


def test_the_directory_knows_managers_heads_and_roles(workspace: Workspace) -> None:
    ids = tree(workspace)
    with workspace.work(SYSTEM, command="test") as work:
        set_active(work, ids["boss"], False)
    with workspace.read(SYSTEM) as work:
        directory = DatabaseDirectory(work.connection)
        assert [directory.manager_of(ids["clerk"], level) for level in (1, 2, 3)] == [ids["chief"], ids["boss"], None]
        assert directory.department_of(ids["clerk"]) == ids["shop"]
        assert (directory.head_of(ids["shop"]), directory.head_of(ids["south"])) == (ids["chief"], None)
        assert list(directory.people_with_role("app.staff")) == [ids["chief"], ids["clerk"]]
        assert directory.names([ids["clerk"]]) == {ids["clerk"]: "clerk"}
        assert directory.search("cle") == [(ids["clerk"], "clerk")]


def test_a_substitute_stands_in_only_during_the_absence(workspace: Workspace) -> None:
    ids = tree(workspace)
    clerk = Principal(kind=PrincipalKind.PERSON, id=ids["clerk"])
    absence = {"absent_from": START, "absent_until": START + timedelta(days=1)}
    with workspace.work(clerk, command="test") as work:
        update_person(work, ids["clerk"], substitute=ids["chief"], **absence)
    with workspace.read(SYSTEM) as work:
        directory = DatabaseDirectory(work.connection)
        times = [START - timedelta(seconds=1), START, START + timedelta(days=1)]
        assert [directory.stand_in(ids["clerk"], at) for at in times] == [ids["clerk"], ids["chief"], ids["clerk"]]


@pytest.mark.parametrize("operation", ["create", "update", "move"])
def test_only_admins_change_departments(workspace: Workspace, operation: str) -> None:
    ids = tree(workspace)
    anyone = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"sys.builder"}))
    calls = {
        "create": lambda work: create_department(work, code="x", name={}),
        "update": lambda work: update_department(work, ids["north"], head=ids["clerk"]),
        "move": lambda work: move_department(work, ids["north"], None),
    }
    with pytest.raises(AccessDenied), workspace.work(anyone, command="test") as work:
        calls[operation](work)

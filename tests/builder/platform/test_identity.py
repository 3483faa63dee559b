"""Signing in, sessions, set-up, tokens: what works, what is refused, and what ends them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from builder.identity import (
    ADMIN,
    Identity,
    SignedIn,
    SignInRefused,
    TooManyAttempts,
    allows,
    create_person,
    create_token,
    find_person,
    revoke_token,
    set_active,
    set_password,
    set_roles,
    tokens_of,
    update_person,
)
from builder.storage.identity_tables import session
from builder.storage.workspace_tables import audit
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, FixedClock, InputError, Principal, PrincipalKind, new_id

PASSWORD = "correct horse battery"


@pytest.fixture
def identity(workspace: Workspace) -> Identity:
    return Identity(workspace)


def add(workspace: Workspace, identity: Identity, login: str, *roles: str) -> object:
    with workspace.work(SYSTEM, command="test") as work:
        hashed = identity.passwords.hash(PASSWORD)
        return create_person(work, login=login, name="李娜", password_hash=hashed, roles=roles)


def enter(identity: Identity, login: str) -> SignedIn:
    signed_in = identity.authenticate(identity.sign_in(login, PASSWORD))
    assert signed_in is not None
    return signed_in


def advance(workspace: Workspace, by: timedelta) -> None:
    assert isinstance(workspace.clock.base, FixedClock)
    workspace.clock.base.advance(by)


def test_a_session_stands_for_the_person_with_their_roles(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "Li.Na", "library.reader")
    token = identity.sign_in(" li.na ", PASSWORD, address="1.2.3.4")
    signed_in = identity.authenticate(token)
    assert signed_in is not None
    assert (signed_in.principal.id, signed_in.principal.roles) == (id, {"library.reader"})
    with workspace.read(SYSTEM) as work:
        stored = work.connection.execute(sa.select(session.c.token_hash)).scalar_one()
    assert token not in stored


@pytest.mark.parametrize(("login", "password"), [("ann", "wrong password"), ("nobody", PASSWORD), ("ann", "")])
def test_a_wrong_login_or_password_is_refused_alike(
    workspace: Workspace, identity: Identity, login: str, password: str
) -> None:
    add(workspace, identity, "ann")
    with pytest.raises(SignInRefused) as refused:
        identity.sign_in(login, password)
    assert str(refused.value) == "not allowed: identity.sign_in"


def test_guessing_is_slowed_down_for_the_login_and_forgotten_after_success(
    workspace: Workspace, identity: Identity
) -> None:
    add(workspace, identity, "ann")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            identity.sign_in("ann", "wrong password")
    with pytest.raises(TooManyAttempts):
        identity.sign_in("ann", PASSWORD)
    advance(workspace, timedelta(seconds=31))
    assert identity.authenticate(identity.sign_in("ann", PASSWORD)) is not None
    with pytest.raises(SignInRefused):
        identity.sign_in("ann", "wrong password")


def test_one_address_cannot_try_many_logins(workspace: Workspace, identity: Identity) -> None:
    add(workspace, identity, "ann")
    for number in range(50):
        with pytest.raises(SignInRefused):
            identity.sign_in(f"guess{number}", "wrong password", address="6.6.6.6")
    with pytest.raises(TooManyAttempts):
        identity.sign_in("ann", PASSWORD, address="6.6.6.6")
    assert identity.sign_in("ann", PASSWORD, address="7.7.7.7")


def test_a_session_ends_when_idle_and_at_its_age(workspace: Workspace, identity: Identity) -> None:
    add(workspace, identity, "ann")
    token = identity.sign_in("ann", PASSWORD)
    advance(workspace, timedelta(hours=11))
    assert identity.authenticate(token) is not None
    advance(workspace, timedelta(hours=11))
    assert identity.authenticate(token) is not None
    advance(workspace, timedelta(hours=13))
    assert identity.authenticate(token) is None
    other = identity.sign_in("ann", PASSWORD)
    for _ in range(17):
        advance(workspace, timedelta(hours=10))
        identity.authenticate(other)
    assert identity.authenticate(other) is None


def test_a_moved_sandbox_clock_ends_no_session(workspace: Workspace, identity: Identity) -> None:
    add(workspace, identity, "ann")
    token = identity.sign_in("ann", PASSWORD)
    with workspace.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(clock_offset=90 * 86_400_000_000))
    with workspace.read(SYSTEM):
        assert identity.authenticate(token) is not None


def test_changed_roles_hold_at_the_next_request(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "ann", "library.reader")
    token = identity.sign_in("ann", PASSWORD)
    assert identity.authenticate(token).principal.roles == {"library.reader"}  # type: ignore[union-attr]
    with workspace.work(SYSTEM, command="test") as work:
        set_roles(work, id, ["library.librarian"])  # type: ignore[arg-type]
    assert identity.authenticate(token).principal.roles == {"library.librarian"}  # type: ignore[union-attr]


def test_a_new_password_ends_all_other_visits(workspace: Workspace, identity: Identity) -> None:
    add(workspace, identity, "ann")
    elsewhere, here = identity.sign_in("ann", PASSWORD), identity.sign_in("ann", PASSWORD)
    signed_in = identity.authenticate(here)
    assert signed_in is not None
    with pytest.raises(InputError, match="old_password"):
        identity.change_password(signed_in, "not it at all", "another long one")
    fresh = identity.change_password(signed_in, PASSWORD, "another long one")
    assert [identity.authenticate(token) is not None for token in (elsewhere, here, fresh)] == [False, False, True]


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "ann ann ann", "x" * 201])
def test_weak_passwords_are_refused(workspace: Workspace, identity: Identity, password: str) -> None:
    id = add(workspace, identity, "ann")
    with pytest.raises(InputError), workspace.work(SYSTEM, command="test") as work:
        set_password(work, id, password, identity.passwords)  # type: ignore[arg-type]


def test_who_is_shut_out_is_out_at_once(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "ann")
    token = identity.sign_in("ann", PASSWORD)
    with workspace.work(SYSTEM, command="test") as work:
        set_active(work, id, False)  # type: ignore[arg-type]
    assert identity.authenticate(token) is None
    with pytest.raises(SignInRefused):
        identity.sign_in("ann", PASSWORD)


def test_signing_out_ends_the_visit(workspace: Workspace, identity: Identity) -> None:
    add(workspace, identity, "ann")
    token = identity.sign_in("ann", PASSWORD)
    identity.sign_out(identity.authenticate(token))  # type: ignore[arg-type]
    assert identity.authenticate(token) is None


def test_the_setup_token_makes_one_admin_and_is_void_then(workspace: Workspace, identity: Identity) -> None:
    import hashlib

    with workspace.database.write() as connection:
        hashed = hashlib.sha256(b"once").hexdigest()
        connection.execute(sa.update(workspace_table).values(setup_hash=hashed))
    with pytest.raises(AccessDenied):
        identity.set_up("guess", login="root", name="Root", password=PASSWORD)
    identity.set_up("once", login="root", name="Root", password=PASSWORD)
    assert not identity.setup_open()
    with pytest.raises(AccessDenied):
        identity.set_up("once", login="two", name="Two", password=PASSWORD)
    assert ADMIN in enter(identity, "root").principal.roles


def test_the_last_admin_cannot_be_lost(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "root", ADMIN)
    with pytest.raises(InputError, match="last_admin"), workspace.work(SYSTEM, command="test") as work:
        set_roles(work, id, [])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="last_admin"), workspace.work(SYSTEM, command="test") as work:
        set_active(work, id, False)  # type: ignore[arg-type]


def test_api_tokens_act_within_their_scopes_until_revoked(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "ann", "library.reader")
    ann = enter(identity, "ann").principal
    with workspace.work(ann, command="test") as work:
        token = create_token(work, person_id=id, label="script", scopes=["write:library"])  # type: ignore[arg-type]
    signed_in = identity.authenticate_token(token)
    assert signed_in is not None
    assert signed_in.token is not None
    assert signed_in.principal.roles == {"library.reader"}
    scopes = signed_in.token.scopes
    wanted = [("read", "library"), ("write", "library"), ("write", "other"), ("admin", "library"), ("read", "")]
    assert [allows(scopes, what, app) for what, app in wanted] == [True, True, False, False, False]
    with workspace.work(ann, command="test") as work:
        revoke_token(work, tokens_of(work.connection, ann.id)[0].id)  # type: ignore[arg-type]
    assert identity.authenticate_token(token) is None


ANN = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"library.librarian", "sys.builder"}))
FORBIDDEN = {
    "create_person": lambda work, id: create_person(work, login="x", name="X"),
    "set_roles": lambda work, id: set_roles(work, id, ["sys.admin"]),
    "set_own_roles": lambda work, id: set_roles(work, ANN.id, ["sys.admin"]),
    "set_active": lambda work, id: set_active(work, id, False),
    "set_password": lambda work, id: set_password(work, id, PASSWORD, Identity(work.workspace).passwords),
    "rename": lambda work, id: update_person(work, id, name="Y"),
    "rename_self": lambda work, id: update_person(work, ANN.id, name="Y"),
    "token_for_others": lambda work, id: create_token(work, person_id=id, label="", scopes=["read"]),
    "revoke": lambda work, id: revoke_token(work, new_id()),
}


@pytest.mark.parametrize("operation", FORBIDDEN)
def test_only_admins_manage_people(workspace: Workspace, identity: Identity, operation: str) -> None:
    id = add(workspace, identity, "ben")
    with pytest.raises(AccessDenied), workspace.work(ANN, command="test") as work:
        FORBIDDEN[operation](work, id)


def test_each_change_of_people_is_audited(workspace: Workspace, identity: Identity) -> None:
    id = add(workspace, identity, "ann", "library.reader")
    with workspace.work(SYSTEM, command="test") as work:
        set_roles(work, id, ["library.librarian"])  # type: ignore[arg-type]
    identity.sign_in("ann", PASSWORD)
    with pytest.raises(SignInRefused):
        identity.sign_in("ann", "wrong password")
    with workspace.read(SYSTEM) as work:
        lines = work.connection.execute(sa.select(audit.c.action, audit.c.detail).order_by(audit.c.id)).all()
    assert [line.action for line in lines] == [
        "identity.person_created",
        "identity.roles_set",
        "identity.signed_in",
        "identity.sign_in_refused",
    ]
    assert lines[1].detail == {"added": ["library.librarian"], "removed": ["library.reader"]}


@pytest.mark.parametrize("login", ["ANN", "", "a b", "x" * 101])
def test_logins_are_unique_in_any_case_and_without_spaces(workspace: Workspace, identity: Identity, login: str) -> None:
    add(workspace, identity, "ann")
    with pytest.raises(InputError, match="login"):
        add(workspace, identity, login)


def test_people_are_found_by_pinyin(workspace: Workspace, identity: Identity) -> None:
    from builder.identity import list_people

    add(workspace, identity, "ann")
    with workspace.read(SYSTEM) as work:
        assert [[p.login for p in list_people(work.connection, search=s)] for s in ("lina", "ln", "李", "zz")] == [
            ["ann"],
            ["ann"],
            ["ann"],
            [],
        ]
        assert find_person(work.connection, " ANN ") is not None

"""Signing in and out: the few calls that web pages and the API make."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.identity import sessions, throttle, tokens
from builder.identity.passwords import Passwords, require_strong
from builder.identity.people import create_person, set_password
from builder.identity.principals import principal_of
from builder.identity.rights import SYSTEM_ROLES
from builder.storage.identity_tables import person
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import Workspace
from builder.workspace.audit import record_audit
from engines.core import SYSTEM, AccessDenied, InputError, InputProblem, Principal

_KEPT_PRINCIPALS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who a request acts as."""

    principal: Principal
    # None for API tokens.
    session: sessions.Session | None = None
    # None for sessions, which may do all that their person may.
    token: tokens.ApiToken | None = None
    # Number of the set of releases in force when they were looked up.
    generation: int


class SignInRefused(AccessDenied):
    """Login or password are wrong, or the person was shut out; which of them is not told."""

    code = "identity.sign_in_refused"

    def __init__(self) -> None:
        super().__init__("identity.sign_in")


class Identity:
    """Sign-in for one workspace, safe to share between threads. Sessions run on the machine's clock, unmoved."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.passwords = Passwords(workspace.settings.argon2_memory_kib)
        self._guard = threading.Lock()
        self._principals: OrderedDict[tuple[UUID, int], Principal] = OrderedDict()

    def sign_in(self, login: str, password: str, *, address: str = "", agent: str = "") -> str:
        """The session token for the cookie; ``SignInRefused`` or ``TooManyAttempts``."""
        login, now = login.strip().lower(), self._now()
        keys = throttle.keys_of(login, address)
        with self._workspace.database.read() as connection:
            throttle.require_allowed(connection, keys, now)
            row = connection.execute(sa.select(person).where(person.c.login == login)).one_or_none()
        # Outside any transaction: hashing takes long on purpose.
        right = self.passwords.matches(row.password_hash if row is not None else "", password)
        with self._workspace.database.write() as connection:
            if row is None or not right or not row.active:
                self._refuse(connection, keys, login, address, now)
            else:
                return self._start(connection, row.id, password, row.password_hash, login, address, agent, now)
        raise SignInRefused

    def authenticate(self, token: str) -> SignedIn | None:
        """Who a session token stands for; None where the session ended."""
        now = self._now()
        with self._workspace.database.read() as connection:
            found = sessions.find_session(connection, token, now=now, settings=self._workspace.settings)
            principal = self._principal(connection, found.person, found.person_version) if found else None
        if found is None or principal is None:
            return None
        if found.is_stale(now):
            with self._workspace.database.write() as connection:
                sessions.touch_session(connection, found.token_hash, now)
        return SignedIn(principal=principal, session=found, generation=found.generation)

    def authenticate_token(self, token: str) -> SignedIn | None:
        """Who an API token stands for; None where it is not good any more."""
        now = self._now()
        with self._workspace.database.read() as connection:
            found = tokens.find_token(connection, token, now)
            principal = self._principal(connection, found.token.person, found.person_version) if found else None
        if found is None or principal is None:
            return None
        used_at = found.token.used_at
        if used_at is None or (now - used_at).total_seconds() > 300:
            with self._workspace.database.write() as connection:
                tokens.touch_token(connection, found.token.id, now)
        return SignedIn(principal=principal, token=found.token, generation=found.generation)

    def sign_out(self, signed_in: SignedIn) -> None:
        """Ends the visit."""
        if signed_in.session is None:
            return
        with self._workspace.database.write() as connection:
            sessions.end_session(connection, signed_in.session.token_hash)
            record_audit(connection, at=self._now(), principal=signed_in.principal, action="identity.signed_out")

    def change_password(self, signed_in: SignedIn, old: str, new: str) -> str:
        """A new token for this visit; all other visits of the person end. ``InputError`` where ``old`` is wrong."""
        if signed_in.session is None:
            raise AccessDenied("identity.password_set")
        with self._workspace.database.read() as connection:
            query = sa.select(person.c.password_hash).where(person.c.id == signed_in.session.person)
            stored = connection.execute(query).scalar_one()
        if not self.passwords.matches(stored, old):
            raise InputError([InputProblem(pointer="/old_password", code="identity.password_wrong")])
        with self._workspace.work(signed_in.principal, command="identity.password_change") as work:
            set_password(work, signed_in.session.person, new, self.passwords)
            return sessions.start_session(
                work.connection, signed_in.session.person, now=self._now(), settings=self._workspace.settings
            )

    def setup_open(self) -> bool:
        """Whether the one-time set-up token was not used yet."""
        with self._workspace.database.read() as connection:
            return bool(connection.execute(sa.select(workspace_table.c.setup_hash)).scalar_one())

    def set_up(self, token: str, *, login: str, name: str, password: str) -> UUID:
        """The id of the first admin, made with the one-time token, which is void afterwards."""
        require_strong(password, login)
        hashed = self.passwords.hash(password)
        given = hashlib.sha256(token.encode()).hexdigest()
        with self._workspace.work(SYSTEM, command="identity.set_up") as work:
            stored = work.connection.execute(sa.select(workspace_table.c.setup_hash)).scalar_one()
            if not stored or not hmac.compare_digest(stored, given):
                raise AccessDenied("identity.set_up")
            work.connection.execute(sa.update(workspace_table).values(setup_hash=""))
            return create_person(work, login=login, name=name, password_hash=hashed, roles=SYSTEM_ROLES)

    def _start(
        self,
        connection: Connection,
        id: UUID,
        password: str,
        stored: str,
        login: str,
        address: str,
        agent: str,
        now: datetime,
    ) -> str:
        throttle.forget_failures(connection, login)
        if self.passwords.outdated(stored):
            hashed = self.passwords.hash(password)
            connection.execute(sa.update(person).where(person.c.id == id).values(password_hash=hashed))
        token = sessions.start_session(
            connection, id, now=now, settings=self._workspace.settings, address=address, agent=agent
        )
        principal = principal_of(connection, id)
        if principal is None:
            raise SignInRefused
        detail = {"address": address}
        record_audit(connection, at=now, principal=principal, action="identity.signed_in", subject=login, detail=detail)
        return token

    def _refuse(self, connection: Connection, keys: dict[str, int], login: str, address: str, now: datetime) -> None:
        """Counts the failure; the caller raises after the commit."""
        throttle.count_failure(connection, keys, now)
        detail = {"address": address}
        record_audit(
            connection, at=now, principal=SYSTEM, action="identity.sign_in_refused", subject=login[:100], detail=detail
        )

    def _principal(self, connection: Connection, id: UUID, version: int) -> Principal | None:
        """The person's principal, kept as long as the version of their row stays."""
        with self._guard:
            known = self._principals.get((id, version))
        if known is not None:
            return known
        principal = principal_of(connection, id)
        if principal is not None:
            with self._guard:
                self._principals[id, version] = principal
                while len(self._principals) > _KEPT_PRINCIPALS:
                    self._principals.popitem(last=False)
        return principal

    def _now(self) -> datetime:
        return self._workspace.clock.base.now()

"""Slowing down who guesses passwords: failures are counted per login and per address."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.identity_tables import attempt
from engines.core import StateConflict

_WINDOW = timedelta(minutes=15)
_LONGEST = timedelta(minutes=15)
# An office behind one address signs in as many people.
_FREE_PER_LOGIN, _FREE_PER_ADDRESS = 5, 50


class TooManyAttempts(StateConflict):
    """Signing in is blocked until ``until``; shown as HTTP 429."""

    def __init__(self, until: datetime) -> None:
        super().__init__("identity.too_many_attempts", until=until.isoformat())
        self.until = until


def keys_of(login: str, address: str) -> dict[str, int]:
    """The counters an attempt belongs to, with how many failures each allows."""
    keys = {f"login:{login}": _FREE_PER_LOGIN}
    if address:
        keys[f"address:{address}"] = _FREE_PER_ADDRESS
    return keys


def require_allowed(connection: Connection, keys: dict[str, int], now: datetime) -> None:
    """``TooManyAttempts`` while one of the counters is blocked."""
    query = sa.select(sa.func.max(attempt.c.blocked_until)).where(attempt.c.key.in_(list(keys)))
    until = connection.execute(query).scalar_one()
    if until is not None and until > now:
        raise TooManyAttempts(until)


def count_failure(connection: Connection, keys: dict[str, int], now: datetime) -> None:
    """Counts a failure; beyond what is free each further one doubles the wait, from 30 s to 15 min."""
    for key, free in keys.items():
        row = connection.execute(sa.select(attempt).where(attempt.c.key == key)).one_or_none()
        fresh = row is None or (now - row.first_at > _WINDOW and (row.blocked_until or now) <= now)
        failures = 1 if row is None or fresh else row.failures + 1
        values = {
            "failures": failures,
            "first_at": now if row is None or fresh else row.first_at,
            "blocked_until": now + _wait(failures - free) if failures >= free else None,
        }
        if row is None:
            connection.execute(sa.insert(attempt).values(key=key, **values))
        else:
            connection.execute(sa.update(attempt).where(attempt.c.key == key).values(**values))


def forget_failures(connection: Connection, login: str) -> None:
    """Clears a login's counter after it signed in."""
    connection.execute(sa.delete(attempt).where(attempt.c.key == f"login:{login}"))


def _wait(over: int) -> timedelta:
    return min(_LONGEST, timedelta(seconds=30 << min(over, 10)))

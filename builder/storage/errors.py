"""What a database can answer that a caller should handle, and how driver errors are told apart."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError

from engines.core import DougongError, ExternalError, StateConflict

# PostgreSQL, appendix A: serialization_failure, deadlock_detected.
_RETRIED = frozenset({"40001", "40P01"})
# lock_not_available, raised when lock_timeout has passed.
_LOCK_TIMEOUT = "55P03"


class ConcurrentChange(StateConflict):
    """Two transactions met in a way the database could not order; the same call may be made again."""

    def __init__(self) -> None:
        super().__init__("database.concurrent")


class DatabaseBusy(ExternalError):
    """The write lock did not come free in time; the same call may be made again."""

    code = "database.busy"


class DatabaseUnreachable(ExternalError):
    """The database does not answer, or refuses us."""

    code = "database.unreachable"


class BadDatabaseUrl(DougongError, ValueError):
    """The URL names no database that we can use."""

    code = "database.bad_url"


def translated() -> Translated:
    """A block that raises ``ConcurrentChange`` or ``DatabaseBusy`` for the driver errors that mean it, no others."""
    return _TRANSLATED


class Translated:
    """The block of ``translated``. A class because every transaction enters one: a generator costs four times that."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begins the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, DBAPIError):
            return
        state = getattr(error.orig, "sqlstate", None)
        if state in _RETRIED:
            raise ConcurrentChange from error
        if state == _LOCK_TIMEOUT or _is_sqlite_busy(error):
            raise DatabaseBusy(str(error.orig)) from error


_TRANSLATED = Translated()


def _is_sqlite_busy(error: DBAPIError) -> bool:
    name = getattr(error.orig, "sqlite_errorname", "") or ""
    return isinstance(error, OperationalError) and name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))

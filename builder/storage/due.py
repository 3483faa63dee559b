"""A note on a transaction that it left something to be done at once, for whoever commits it to wake the runner.

It spares a look at the table of jobs after every commit. Nothing depends on it: a runner looks by itself all the time.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

_NOTE = "dougong.due"


def note_due(connection: Connection) -> None:
    """Notes that rows of this transaction may be due already, or that it moved the clock."""
    connection.info[_NOTE] = True


def take_note(connection: Connection) -> bool:
    """Whether anything was noted since the last call; a note that a rollback left behind wakes once too often."""
    return bool(connection.info.pop(_NOTE, False))

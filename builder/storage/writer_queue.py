"""One writer at a time, in the order of asking: SQLite's own busy handler polls and lets writers starve."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from builder.storage.errors import DatabaseBusy

try:
    import fcntl
except ImportError:  # pragma: no cover  - Windows: between processes only SQLite's busy handler orders writers
    fcntl = None  # type: ignore[assignment]


class WriterQueue:
    """A lock that threads of this process, and processes with the same lock file, get first come, first served.

    Not re-entrant: a thread that asks while it holds the lock gets a ``RuntimeError`` instead of a deadlock.
    """

    def __init__(self, lock_file: Path, timeout_s: float) -> None:
        """``lock_file`` is made beside the database; the kernel frees its lock when a process dies."""
        self._timeout_s = timeout_s
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._holder: int | None = None
        self._path = lock_file
        # The lock file as opened by this process.
        self._file = -1
        self._pid = 0

    def turn(self) -> Turn:
        """Holds the lock for a block; ``DatabaseBusy`` when it did not come free in time."""
        return Turn(self)

    def _enter(self) -> Callable[[], object]:
        """Call what comes back, then ``_release``, to let the lock go."""
        deadline = time.monotonic() + self._timeout_s
        self._acquire()
        try:
            return self._lock_file(deadline)
        except BaseException:
            self._release()
            raise

    @property
    def waiting(self) -> int:
        """How many threads of this process stand in line."""
        return len(self._waiting)

    def _acquire(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder == me:
                raise RuntimeError("this thread has a write transaction open already")
            if self._holder is None and not self._waiting:
                self._holder = me
                return
            ticket = threading.Event()
            self._waiting.append(ticket)
        if not ticket.wait(self._timeout_s) and not self._withdraw(ticket):
            raise DatabaseBusy(f"no turn to write within {self._timeout_s:g} s")
        self._holder = me

    def _withdraw(self, ticket: threading.Event) -> bool:
        """Leaves the line; True where the turn came at the last moment after all."""
        with self._guard:
            if ticket.is_set():
                return True
            self._waiting.remove(ticket)
            return False

    def _release(self) -> None:
        with self._guard:
            if self._waiting:
                # Never None in between, so that nobody who just came overtakes the line.
                self._holder = -1
                self._waiting.popleft().set()
            else:
                self._holder = None

    def _lock_file(self, deadline: float) -> Callable[[], object]:
        """Locks the file against other processes; call what comes back to let it go."""
        if fcntl is None:  # pragma: no cover
            return lambda: None
        own = self._own_file()
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Whoever waits opens it anew: a thread that waits in vain must not touch a later turn's lock.
            file = self._path.open("ab")
            self._wait_for(file, deadline)
            return file.close
        return partial(fcntl.flock, own, fcntl.LOCK_UN)

    def _own_file(self) -> int:
        """The lock file as this process keeps it open; a forked child shares its parent's locks and needs its own."""
        if self._pid != os.getpid():
            self._file, self._pid = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666), os.getpid()
            weakref.finalize(self, os.close, self._file)
        return self._file

    def _wait_for(self, file: IO[bytes], deadline: float) -> None:
        """Waits in the kernel's queue, which is fair, from a thread of its own, because flock knows no timeout."""
        guard, done = threading.Lock(), threading.Event()
        given_up = False

        def wait() -> None:
            fcntl.flock(file, fcntl.LOCK_EX)
            with guard:
                done.set()
                if given_up:
                    file.close()

        threading.Thread(target=wait, daemon=True, name="dougong-writer-queue").start()
        if not done.wait(max(0.0, deadline - time.monotonic())):
            with guard:
                if not done.is_set():
                    given_up = True
                    raise DatabaseBusy("another process holds the write lock")


class Turn:
    """One turn of a queue. A class because every command takes one: a generator costs four times that."""

    __slots__ = ("_queue", "_unlock")

    def __init__(self, queue: WriterQueue) -> None:
        self._queue = queue

    def __enter__(self) -> None:
        self._unlock = self._queue._enter()

    def __exit__(self, *error: object) -> None:
        try:
            self._unlock()
        finally:
            self._queue._release()

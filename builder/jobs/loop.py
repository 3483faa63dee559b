"""A thread that claims due rows, hands them to workers and sleeps until the next is due or it is woken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from builder.storage.errors import ConcurrentChange
from engines.core import ExternalError

Row = TypeVar("Row")
log = structlog.get_logger(__name__)
BATCHES = 4
# What a database says that is busy, restarting or away; anything else is a fault of ours.
UNAVAILABLE = (DBAPIError, ExternalError, ConcurrentChange)
# Longest pause after faults in a row, so that they do not fill the log; a wake-up ends it.
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Generic[Row]):
    """What a loop works on."""

    name: str
    # limit -> rows claimed for this process
    claim: Callable[[int], Sequence[Row]]
    # acts on one row; handles its own failures
    act: Callable[[Row], None]
    # seconds until something may be due; None when nothing waits
    until_next: Callable[[], float | None]
    # whether this process may work at all just now
    allowed: Callable[[], bool] = lambda: True


class Loop(Generic[Row]):
    """Runs a duty in ``workers`` threads; never claims more than they can begin soon."""

    def __init__(self, duty: Duty[Row], *, workers: int, poll_s: float) -> None:
        self._duty = duty
        self._poll_s = poll_s
        self._capacity = workers * BATCHES
        self._busy = 0
        self._lock = threading.Lock()
        self._signal = threading.Event()
        self._stopping = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=duty.name)
        self._thread = threading.Thread(target=self._run, name=duty.name, daemon=True)

    def start(self) -> None:
        """Begins in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Waits for what was claimed; claims no more."""
        self._stopping = True
        self._signal.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True)

    def wake(self) -> None:
        """Looks at the table now."""
        self._signal.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._signal.clear()
            try:
                pause = self._round()
                failures = 0
            except UNAVAILABLE as error:
                # Its rows wait, and so does this loop.
                log.warning("jobs.database_unavailable", duty=self._duty.name, error=str(error))
                pause = self._poll_s
            except Exception:
                # The last edge of the thread: a fault of one look must not end all that come after it.
                log.exception("jobs.unexpected", duty=self._duty.name)
                failures += 1
                pause = min(self._poll_s * 2**failures, LONGEST_PAUSE_S)
            if pause > 0 and not self._stopping:
                self._signal.wait(pause)

    def _round(self) -> float:
        """Seconds to sleep: 0 when there may be more to claim at once."""
        free = self._capacity - self._busy
        if free <= 0 or not self._duty.allowed():
            return self._poll_s
        wait = self._duty.until_next()
        if wait is None or wait > 0:
            return self._poll_s if wait is None else min(wait, self._poll_s)
        rows = self._duty.claim(free)
        for row in rows:
            with self._lock:
                self._busy += 1
            self._pool.submit(self._act, row)
        # Due rows that could not be claimed belong to somebody else or wait for their next attempt.
        return 0 if rows else self._poll_s

    def _act(self, row: Row) -> None:
        try:
            self._duty.act(row)
        except UNAVAILABLE as error:
            # Nothing was committed; the row comes back when its lease runs out.
            log.warning("jobs.database_unavailable", duty=self._duty.name, error=str(error))
        except Exception:
            # The last edge of a thread: without this line the error would vanish in the pool.
            log.exception("jobs.unexpected", duty=self._duty.name)
        finally:
            with self._lock:
                self._busy -= 1
            self._signal.set()

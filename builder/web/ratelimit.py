"""A brake on what one address may do in a minute, per server process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import abort, request

_KEPT = 10_000


class Brake:
    """Lets each key through ``most`` times in ``seconds``, refilled evenly (a token bucket)."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._rate = most / seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str) -> bool:
        """Whether ``key`` may go on; counts the attempt when it may."""
        now = self._clock()
        with self._guard:
            left, seen = self._buckets.pop(key, (float(self._most), now))
            left = min(float(self._most), left + (now - seen) * self._rate)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now)
            while len(self._buckets) > _KEPT:
                self._buckets.popitem(last=False)
            return allowed

    def require(self) -> None:
        """429 for an address that is too fast."""
        if not self.allows(request.remote_addr or ""):
            abort(429)

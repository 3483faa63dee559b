"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that keys sort by creation time."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0
# Random bytes fetched from the system ahead of need, taken from the end.
_random = bytearray()
_FETCHED = 512


def _forget() -> None:
    """A forked child must not hand out the random bytes of its parent."""
    _random.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def new_id() -> UUID:
    """A UUIDv7, strictly greater than every one this process made before.

    The 12 bits after the version count within a millisecond (RFC 9562 §6.2, method 1); when they
    overflow, the time part runs ahead of the clock by a millisecond.
    """
    global _last
    with _lock:
        stamp = max((time.time_ns() // 1_000_000) << 12, _last + 1)
        _last = stamp
        if not _random:
            _random.extend(os.urandom(_FETCHED))
        tail = int.from_bytes(_random[-8:])
        del _random[-8:]
    head = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    return UUID(int=head << 64 | 0x8000_0000_0000_0000 | tail >> 2)

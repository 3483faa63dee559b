"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that keys sort by creation time."""

import os
import struct
import threading
import time
from uuid import UUID, SafeUUID

_lock = threading.Lock()
_last = 0
# Random numbers of 64 bits, fetched from the system ahead of need.
_random: list[int] = []
_FETCHED = 256
_UNPACK = struct.Struct(f"{_FETCHED}Q").unpack
# What the constructor of UUID does besides asking in which of six forms the value comes.
_SET_INT, _SET_SAFE = UUID.__dict__["int"].__set__, UUID.__dict__["is_safe"].__set__


def _forget() -> None:
    """A forked child must not hand out the random numbers of its parent."""
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
        stamp = (time.time_ns() // 1_000_000) << 12
        if stamp <= _last:
            stamp = _last + 1
        _last = stamp
        if not _random:
            _random.extend(_UNPACK(os.urandom(8 * _FETCHED)))
        tail = _random.pop()
    head = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    made = object.__new__(UUID)
    _SET_INT(made, head << 64 | 0x8000_0000_0000_0000 | tail >> 2)
    _SET_SAFE(made, SafeUUID.unknown)
    return made

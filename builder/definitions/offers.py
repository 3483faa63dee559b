"""What the product offers to definitions by name: channels of notices, kinds of answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points

# Packages plug further channels in: a function from ``Settings`` to a ``builder.jobs.ports.Channel``.
CHANNEL_GROUP = "dougong.channels"
CHANNELS = ("in_app", "mail", "webhook")
ANSWERS = ("yes_no", "score")


@cache
def plugged_channels() -> Sequence[EntryPoint]:
    """The channels of installed packages; one may not take a name that the product has."""
    return [found for found in entry_points(group=CHANNEL_GROUP) if found.name not in CHANNELS]


def channel_names() -> list[str]:
    """All channels that a rule or a process may name."""
    return [*CHANNELS, *(found.name for found in plugged_channels())]

"""Instances that this process has stepped lately, so that the next step need not read their live state again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from builder.runtime.process.instances import Instance

# Instances that a workspace keeps in memory.
MOST = 2_000


class KeptInstances:
    """Instances as they were committed; the longest unused go first.

    One command at a time has an instance: it is taken out, and put back when the command is committed, so that nothing
    of a command that was rolled back is ever seen. It is used only where its row, read and locked anew, still has the
    same version: whoever steps an instance, here or in another process, raises that.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, Instance] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, instance_id: UUID) -> Instance | None:
        """The instance as it was last committed here, or None."""
        with self._guard:
            return self._kept.pop(instance_id, None)

    def put(self, instance: Instance) -> None:
        """Keeps a committed instance; one that has ended is not stepped again."""
        if instance.state.ended:
            return
        with self._guard:
            self._kept[instance.id] = instance
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

"""The clock of a workspace: the machine's, moved by what a sandbox's admin set, in the workspace's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engines.core import Clock


@dataclass(slots=True, kw_only=True)
class WorkspaceClock:
    """Follows the workspace's row, which every transaction reads, so that all processes see a moved clock."""

    base: Clock
    offset: timedelta = timedelta(0)
    zone_name: str = ""

    def follow(self, zone_name: str, offset: timedelta) -> None:
        """Takes over what the workspace's row says."""
        self.zone_name = zone_name
        self.offset = offset

    def now(self) -> datetime:
        """The instant, aware UTC, moved by the offset."""
        return self.base.now() + self.offset

    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.zone_name) if self.zone_name else self.base.zone()

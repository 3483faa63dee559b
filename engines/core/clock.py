"""The clock port: nobody below ``builder`` asks the machine for the time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Gives the instant of a command and the zone in which its calendar days are counted."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC, to the microsecond."""

    def zone(self) -> ZoneInfo:
        """The time zone of the workspace."""


def local_date(clock: Clock) -> date:
    """The calendar day of ``clock.now()`` in the workspace's time zone."""
    return clock.now().astimezone(clock.zone()).date()


@dataclass(slots=True, kw_only=True)
class SystemClock:
    """The machine's clock, moved by an offset that a sandbox workspace may set."""

    zone_name: str = "Asia/Shanghai"
    # Read at every call, so that a clock moved in the database is seen by all processes.
    offset: Callable[[], timedelta] = field(default=lambda: timedelta(0))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


@dataclass(slots=True, kw_only=True)
class FixedClock:
    """A clock that stands still until it is told to move."""

    instant: datetime
    zone_name: str = "Asia/Shanghai"

    def now(self) -> datetime:
        return self.instant

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    def advance(self, by: timedelta) -> None:
        """Moves the clock forward by ``by``."""
        self.instant += by

"""What a runner is told about the workspace it works for, and what the product is told about a runner."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A due row as it was claimed."""

    id: UUID
    # Names the handler, for example "process.timer".
    kind: str
    # By the workspace's clock.
    due_at: datetime
    app: str
    payload: Mapping[str, Any]
    # The process instance it belongs to, locked before the row.
    instance_id: UUID | None = None
    key: str | None = None
    # The number of this claim: whoever has a smaller one comes too late.
    fence: int = 0
    # Claims so far, this one included.
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A queued effect as it was claimed for delivery."""

    id: UUID
    channel: str
    # Stable over all attempts; the receiver may use it to drop repetitions.
    key: str
    app: str
    payload: Mapping[str, Any]
    fence: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long rows are leased and how failures are spaced, in seconds of the machine's clock."""

    # How long a claimed row belongs to its holder.
    lease_s: float = 30.0
    # How long the runner's own lease lasts; renewed at a third of it.
    runner_lease_s: float = 9.0
    # Longest sleep between two looks at the table.
    poll_s: float = 0.5
    # Waits before attempts 2, 3, 4 …; after the last one the row is dead.
    backoff_s: tuple[float, ...] = field(default=(5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600))


class JobHost(Protocol):
    """A workspace as a runner sees it."""

    def begin(self) -> AbstractContextManager[Connection]:
        """A short write transaction on the workspace's database."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that only reads and locks nothing."""

    def catch_up(self) -> None:
        """Takes over what other processes changed: the workspace's clock, the releases in force."""

    def now(self) -> datetime:
        """The instant by the workspace's clock."""

    def perform(self, job: Job) -> None:
        """Acts on a claimed job in one transaction; does nothing where ``queue.hold`` says it comes too late."""

    def exhausted(self, job: Job, error: Exception) -> None:
        """Told after the last attempt has failed, for example to open an incident."""


class Channel(Protocol):
    """One way out of the database."""

    def ready(self) -> bool:
        """Whether anything can be sent; effects of a channel that is not ready are held, visibly."""

    def deliver(self, effect: Effect) -> None:
        """Sends it; ``ExternalError`` where it may be tried again, ``Undeliverable`` where that is useless."""


class JobRunner(Protocol):
    """Executes due rows until it is stopped."""

    def start(self) -> None:
        """Begins to work in the background."""

    def stop(self) -> None:
        """Finishes what is being done and returns."""

    def wake(self) -> None:
        """Tells that rows may be due now, or that the workspace's clock was moved; costs nothing by itself."""

"""Delivers queued effects through their channels: at least once, spaced by back-off, dead letters kept."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from builder.jobs import outbox
from builder.jobs.ports import Channel, Effect, JobHost, Patience
from builder.jobs.queue import machine_now
from engines.core import ExternalError

log = structlog.get_logger(__name__)


class Undeliverable(ExternalError):
    """The receiver refused it for good: trying again would change nothing."""

    code = "external.undeliverable"


class Delivery:
    """The outbox worker of one workspace; sends outside of any transaction."""

    def __init__(self, host: JobHost, channels: Mapping[str, Channel], patience: Patience) -> None:
        self._host = host
        self._channels = channels
        self._patience = patience

    def until_next(self) -> float | None:
        """Seconds until the next pending effect may be tried."""
        with self._host.read() as connection:
            at = outbox.next_at(connection)
            return None if at is None else (at - machine_now(connection)).total_seconds()

    def claim(self, limit: int) -> list[Effect]:
        """Pending effects, leased to this worker."""
        with self._host.begin() as connection:
            return outbox.claim(connection, self._patience, limit)

    def deliver(self, effect: Effect) -> None:
        """Sends one effect and notes what came of it."""
        channel = self._channels.get(effect.channel)
        if channel is None or not channel.ready():
            reason = "outbox.unknown_channel" if channel is None else "outbox.not_configured"
            with self._host.begin() as connection:
                outbox.held(connection, effect, reason)
            return
        try:
            channel.deliver(effect)
        except ExternalError as error:
            self._failed(effect, error, final=isinstance(error, Undeliverable))
        except Exception as error:
            # An edge: a fault of a channel must end on the row like a fault of the receiver.
            log.exception("outbox.fault", channel=effect.channel, effect=str(effect.id))
            self._failed(effect, error, final=False)
        else:
            with self._host.begin() as connection:
                outbox.sent(connection, effect)

    def _failed(self, effect: Effect, error: Exception, *, final: bool) -> None:
        log.warning("outbox.failed", channel=effect.channel, effect=str(effect.id), error=str(error))
        with self._host.begin() as connection:
            outbox.failed(connection, effect, error, self._patience, final=final)

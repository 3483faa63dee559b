"""Rounds: what follows from the events of a command, in its own transaction.

Round n+1 handles all events raised in round n, in the order raised. Within an event: rules by priority, then
processes, then whoever keeps figures. At most 16 rounds; a loop is an error that prints the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from builder.runtime.rules.running import RuleRunner
from engines.core import DougongError, Event

if TYPE_CHECKING:
    from builder.runtime.around import Around

MAX_ROUNDS = 16
# Events that one command may raise: what a runaway rule hits before memory does.
MAX_EVENTS = 10_000
Listener = Callable[["Around", Event], None]


class EventLoop(DougongError):
    """Rules and processes set each other off without end; ``chain`` is how it went."""

    code = "events.loop"

    def __init__(self, chain: Sequence[str]) -> None:
        self.chain = tuple(chain)
        super().__init__("events set each other off without end:\n  " + "\n  → ".join(chain))


@dataclass(frozen=True, slots=True)
class Raised:
    """An event, and what raised it: "rule x", "process y", or "" for the command itself."""

    event: Event
    by: str


class Rounds:
    """The events of one command. ``work.emit`` hands them here; the rounds run when the command's block ends."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._pending: list[Raised] = []
        # All events of the command, in the order raised.
        self._known: list[Raised] = []
        self._cause: UUID | None = None
        self._by = ""
        self._scheduled = False
        self._running = False
        self._rules = RuleRunner(around, self)

    def emit(self, events: Sequence[Event]) -> None:
        """Takes events to be handled in the next round."""
        for event in events:
            found = event if event.caused_by or not self._cause else replace(event, caused_by=self._cause)
            raised = Raised(found, self._by)
            self._pending.append(raised)
            self._known.append(raised)
        if len(self._known) > MAX_EVENTS:
            raise EventLoop(self._chain(self._pending[-1]))
        if not self._scheduled:
            self._scheduled = True
            self._around.work.before_commit(self.run)

    def run(self) -> None:
        """Handles everything that is pending, round by round. ``EventLoop`` after 16 rounds."""
        if self._running:
            return
        self._running = True
        try:
            for _ in range(MAX_ROUNDS):
                if not self._pending:
                    break
                current, self._pending = self._pending, []
                for raised in current:
                    self._handle(raised.event)
            if self._pending:
                raise EventLoop(self._chain(self._pending[0]))
        finally:
            self._running = self._scheduled = False

    @contextmanager
    def cause(self, by: str) -> Iterator[None]:
        """Events raised in the block were raised by ``by``, for the chain of a loop."""
        before, self._by = self._by, by
        try:
            yield
        finally:
            self._by = before

    def mark(self) -> int:
        """A place to go back to where what raised later events is rolled back."""
        return len(self._pending)

    def forget_after(self, mark: int) -> None:
        """Drops the events raised since ``mark``."""
        dropped = {raised.event.id for raised in self._pending[mark:]}
        self._known = [raised for raised in self._known if raised.event.id not in dropped]
        del self._pending[mark:]

    def is_last_word(self, event: Event) -> bool:
        """Whether no event raised after this one tells of another write to its record."""
        assert event.subject is not None  # noqa: S101  (callers ask about records)
        form, record_id = event.subject
        for raised in reversed(self._known):
            later = raised.event
            if later.id == event.id:
                return True
            if later.subject == event.subject or (
                later.payload.get("form") == form and record_id in later.payload.get("ids", ())
            ):
                return False
        return False

    def _handle(self, event: Event) -> None:
        self._cause = event.id
        self._rules.handle(event)
        if event.type.startswith("record.") and event.subject is not None and not self._around.work.silent:
            with self.cause("process"):
                self._around.processes.shell.data_changed(*event.subject)
        for listener in self._around.listeners:
            listener(self._around, event)
        self._cause = None

    def _chain(self, last: Raised) -> list[str]:
        chain: list[str] = []
        known = {raised.event.id: raised for raised in self._known}
        found: Raised | None = last
        while found is not None:
            event = found.event
            about = f" {event.subject[0]} {event.subject[1]}" if event.subject else ""
            chain.append(f"{event.type}{about}" + (f" (by {found.by})" if found.by else ""))
            found = known.get(event.caused_by) if event.caused_by else None
        return chain[::-1]

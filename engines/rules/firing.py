"""A rule that has fired: its actions one after the other, each computed when the one before has been carried out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from engines.rules.actions import Action, RecordRef
from engines.rules.events import RuleEvent

Steps = Generator[Action, Any, None]


class Firing(NamedTuple):
    """One rule that fired on one event."""

    # Name of the rule.
    rule: str
    # Visible name as written (FEEL text or context of languages); "" where the rule has none.
    label: str
    priority: int
    # The rule's stated reason, for "why".
    reason: str
    event: RuleEvent
    record: RecordRef | None
    # Starts the actions anew.
    program: Callable[[], Steps]

    def steps(self) -> Steps:
        """The actions in order. Send each one's reply into the generator to get the next."""
        return self.program()


def carry_out(firing: Firing, execute: Callable[[Action], Any]) -> None:
    """Runs all actions of a firing through ``execute``, which returns each action's reply."""
    steps = firing.steps()
    reply: Any = None
    while True:
        try:
            action = steps.send(reply)
        except StopIteration:
            return
        reply = execute(action)

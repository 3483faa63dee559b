"""Jobs of rules: timers after events, schedules, sweeps for absences and dates, full runs of score models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.jobs.ports import Job
from builder.runtime.host import Handler
from builder.runtime.rules.running import TIMER
from engines.core import Registry

if TYPE_CHECKING:
    from builder.workspace.work import Work


def register(handlers: Registry[Handler]) -> None:
    """Adds the handlers of rules."""
    handlers.register(TIMER, Handler(act=_due))


def follow_release(work: Work) -> None:
    """Brings schedules in line with the apps in force."""


def _due(work: Work, job: Job, _: Any) -> None:
    """A time after an event has passed: the rule is looked at again."""
    payload = job.payload
    subject = (payload["form"], payload["record"]) if payload["form"] else None
    work.service("around").raise_event(
        "rule.due",
        app=job.app,
        subject=subject,
        name=payload["rule"],
        trigger=int(payload["trigger"]),
        payload=payload["payload"],
    )

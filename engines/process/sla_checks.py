"""What is wrong with time limits, and with the working calendars that steps and timers name."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core import Diagnostic
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.process.checking import problem
from engines.process.definition import NodeDefinition, SlaActionDefinition, SlaDefinition
from engines.process.kinds import ACTIVITIES


def check(node: NodeDefinition) -> Iterator[Diagnostic]:
    """Limits that cannot work on this node, whatever else there is."""
    if node.sla and (node.type not in ACTIVITIES or node.event_triggered or node.for_compensation):
        yield problem(node, "process.sla_not_here", "sla", found=str(node.type), expected="an activity")
    yield from _repeated(node, "sla", [sla.name for sla in node.sla])
    for i, sla in enumerate(node.sla):
        yield from _repeated(node, f"sla/{i}/actions", [action.name for action in sla.actions])
        if sla.until == "claimed" and node.user_task is None:
            yield problem(node, "process.sla_needs_task", f"sla/{i}/until", found="claimed", expected="a user task")
        for j, action in enumerate(sla.actions):
            yield from _action(node, sla, action, f"sla/{i}/actions/{j}")


def _repeated(node: NodeDefinition, part: str, names: list[str]) -> Iterator[Diagnostic]:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield problem(node, "process.repeated_name", f"{part}/{i}/name", found=name, expected="another name")


def _action(node: NodeDefinition, sla: SlaDefinition, action: SlaActionDefinition, part: str) -> Iterator[Diagnostic]:
    if action.before and action.after:
        yield problem(node, "process.sla_unclear", part, found="before, after", expected="before or after")
    if action.do in ("transfer", "complete") and node.user_task is None:
        yield problem(node, "process.sla_needs_task", f"{part}/do", found=action.do, expected="a user task")
    if action.do == "complete" and node.user_task is not None:
        yield from _outcome(node, action, part)


def _outcome(node: NodeDefinition, action: SlaActionDefinition, part: str) -> Iterator[Diagnostic]:
    """The outcome must be one of the step, and must not go past what somebody has to tick or fill."""
    assert node.user_task is not None  # noqa: S101 - asked for user tasks only
    known = {outcome.name: outcome for outcome in node.user_task.outcomes}
    chosen = known.get(action.outcome)
    if chosen is None and (known or action.outcome):
        yield problem(
            node, "process.sla_unknown_outcome", f"{part}/outcome", found=action.outcome,
            expected="one of: " + ", ".join(known), hint=did_you_mean(action.outcome, list(known)),
        )  # fmt: skip
    task = node.user_task
    standard = task.checklist or task.requires or any(field.required for field in task.fields)
    if standard and (chosen is None or chosen.meaning != "reject"):
        yield problem(
            node, "process.sla_past_standard", f"{part}/outcome", found=action.outcome,
            expected="an outcome whose meaning is reject",
        )  # fmt: skip


def references(node: NodeDefinition, definitions: Definitions) -> Iterator[Diagnostic]:
    """Calendars and roles that do not exist."""
    for part, calendar in _calendars(node):
        if calendar and definitions.get("calendar", calendar) is None:
            hint = did_you_mean(calendar, list(definitions.names("calendar")))
            yield problem(node, "process.unknown_calendar", part, found=calendar, expected="a calendar", hint=hint)
    for part, role in _roles(node):
        if definitions.get("role", role) is None:
            hint = did_you_mean(role, list(definitions.names("role")))
            yield problem(node, "process.unknown_role", part, found=role, expected="a role", hint=hint)


def _calendars(node: NodeDefinition) -> Iterator[tuple[str, str]]:
    if node.event is not None and node.event.timer is not None:
        yield "event/timer/calendar", node.event.timer.calendar
    if node.user_task is not None:
        yield "calendar", node.user_task.calendar
    for i, sla in enumerate(node.sla):
        yield f"sla/{i}/calendar", sla.calendar


def _roles(node: NodeDefinition) -> Iterator[tuple[str, str]]:
    for i, sla in enumerate(node.sla):
        for j, role in enumerate(sla.pause_roles):
            yield f"sla/{i}/pause_roles/{j}", role
        for j, action in enumerate(sla.actions):
            for role in action.to.roles if action.to else ():
                yield f"sla/{i}/actions/{j}/to", role

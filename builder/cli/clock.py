"""``dougong clock``: the clock of a sandbox workspace."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.workspace.moving_clock import advance_clock
from engines.core import SYSTEM

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@click.group("clock")
def clock_group() -> None:
    """Show the workspace's clock; move that of a sandbox."""


@clock_group.command("show")
@pass_surroundings
def show_clock(surroundings: Surroundings) -> None:
    """The workspace's instant, in its time zone."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        click.echo(work.instant.astimezone(work.zone).isoformat(timespec="seconds"))


@clock_group.command("advance")
@click.argument("by")
@pass_surroundings
def move_clock(surroundings: Surroundings, by: str) -> None:
    """Move the clock of a sandbox forward BY a duration such as 15m, 2h30m or 30d."""
    with surroundings.workspace() as workspace, workspace.work(SYSTEM, command="clock.advance") as work:
        instant = advance_clock(work, duration(by))
        click.echo(instant.astimezone(work.zone).isoformat(timespec="seconds"))


def duration(text: str) -> timedelta:
    """The duration that "1d2h3m4s" says, any part of it."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise click.BadParameter(f'"{text}" is no duration; write for example 15m, 2h30m or 30d')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

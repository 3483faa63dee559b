"""``dougong db``: migrations, backups and the audit trail's chain."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.releases.index_advice import make_what_pays, measure
from builder.storage import migrate
from builder.storage.backup import back_up
from builder.workspace.audit_chain import seal, verify
from engines.core import SYSTEM


@click.group("db")
def db_group() -> None:
    """Migrate, back up and verify the database."""


@db_group.command("status")
@pass_surroundings
def status(surroundings: Surroundings) -> None:
    """Where the database stands, and what an upgrade would do."""
    with surroundings.database() as database:
        database.check()
        with database.read() as connection:
            found = migrate.current(connection)
    known = migrate.history()
    names = [revision for revision, _ in known]
    done = names.index(found) + 1 if found in names else 0
    click.echo(f"database: {database.url.render_as_string(hide_password=True)}")
    click.echo(f"revision: {found or 'none'} (newest: {migrate.newest()})")
    if found and found not in names:
        click.echo("This revision is unknown here: the database is newer than the program.")
        return
    for revision, text in known[done:]:
        click.echo(f"to do:    {revision} {text}")


@db_group.command("upgrade")
@click.argument("revision", default="head")
@pass_surroundings
def upgrade(surroundings: Surroundings, revision: str) -> None:
    """Bring the system tables up to REVISION (the newest where missing), all or nothing."""
    with surroundings.database() as database:
        database.create()
        migrate.upgrade(database, revision)
        with database.read() as connection:
            click.echo(f"The database stands at revision {migrate.current(connection)}.")


@db_group.command("downgrade")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_surroundings
def downgrade(surroundings: Surroundings, revision: str, yes: bool) -> None:
    """Take the system tables down to REVISION; what newer revisions stored is lost."""
    if not yes:
        click.confirm("Tables of newer revisions are dropped with their data. Go on?", abort=True)
    with surroundings.database() as database:
        database.check()
        migrate.downgrade(database, revision)
    click.echo(f"The database stands at revision {revision}.")


@db_group.command("backup")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@pass_surroundings
def backup(surroundings: Surroundings, target: Path) -> None:
    """Copy a SQLite workspace to TARGET while people work; PostgreSQL is backed up with pg_dump."""
    with surroundings.database() as database:
        database.check()
        size = back_up(database, target)
    click.echo(f"{target}: {size:,} bytes")


@db_group.command("verify")
@pass_surroundings
@click.pass_context
def verify_audit(context: click.Context, surroundings: Surroundings) -> None:
    """Seal the audit trail and follow its chain; exit code 1 where a line was changed or taken out."""
    with surroundings.workspace() as workspace:
        while seal(workspace.database):
            pass
        with workspace.database.read() as connection:
            state = verify(connection)
    click.echo(f"{state.sealed} lines sealed, {state.waiting} waiting")
    if state.broken_at is not None:
        click.echo(f"The chain is broken at line {state.broken_at}.", err=True)
        context.exit(1)


@db_group.command("indexes")
@click.option("--make", is_flag=True, help="Make those that pay.")
@pass_surroundings
def indexes(surroundings: Surroundings, make: bool) -> None:
    """Measure the indexes that reports would gain by; with --make, make those that pay."""
    with surroundings.workspace() as workspace:
        found = make_what_pays(workspace) if make else measure(workspace, SYSTEM)
    for item in found:
        what = f"{item.advice.form} ({', '.join(item.advice.fields)})"
        times = f"{item.before_ms:.1f} ms -> {item.after_ms:.1f} ms, {item.gain:.1f} times as fast"
        click.echo(f"{'made  ' if make else 'pays  ' if item.pays else 'idle  '}{what}: {times}")
    if not found:
        click.echo("there is nothing to gain")

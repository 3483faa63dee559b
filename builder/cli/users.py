"""``dougong user``: people from the command line, for the first admin and for emergencies."""

from __future__ import annotations

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.identity import (
    Passwords,
    Person,
    create_person,
    find_person,
    list_people,
    random_password,
    require_strong,
    set_active,
    set_password,
    set_roles,
)
from builder.runtime import moving
from builder.workspace import Work
from engines.core import SYSTEM


@click.group("user")
def user_group() -> None:
    """Add people, set their passwords and roles."""


@user_group.command("add")
@click.argument("login")
@click.option("--name", help="Name of the person; the login where missing.")
@click.option("--email", default="", help="E-mail address.")
@click.option(
    "--role", "roles", multiple=True, metavar="APP.ROLE", help="A role; sys.admin administers, sys.builder builds."
)
@click.option("--password", help="Asked for where missing.")
@click.option("--random", "at_random", is_flag=True, help="Make a password and print it.")
@pass_surroundings
def add_user(
    surroundings: Surroundings,
    login: str,
    name: str | None,
    email: str,
    roles: tuple[str, ...],
    password: str | None,
    at_random: bool,
) -> None:
    """Add the person LOGIN."""
    chosen = random_password() if at_random else _password(password)
    require_strong(chosen, login)
    hashed = Passwords(surroundings.settings.argon2_memory_kib).hash(chosen)
    with surroundings.workspace() as workspace, workspace.work(SYSTEM, command="user.add") as work:
        create_person(work, login=login, name=name or login, email=email, password_hash=hashed, roles=roles)
    click.echo(f"{login.lower()} may sign in now" + (f" with {chosen}" if at_random else ""))


@user_group.command("password")
@click.argument("login")
@click.option("--password", help="Asked for where missing.")
@click.option("--random", "at_random", is_flag=True, help="Make a password and print it.")
@pass_surroundings
def user_password(surroundings: Surroundings, login: str, password: str | None, at_random: bool) -> None:
    """Set the password of LOGIN and end all their visits."""
    chosen = random_password() if at_random else _password(password)
    with surroundings.workspace() as workspace, workspace.work(SYSTEM, command="user.password") as work:
        set_password(work, _person(work, login).id, chosen, Passwords(surroundings.settings.argon2_memory_kib))
    click.echo(f"The password of {login} is set" + (f": {chosen}" if at_random else ""))


@user_group.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1, metavar="[+APP.ROLE | -APP.ROLE]...")
@pass_surroundings
def user_roles(surroundings: Surroundings, login: str, roles: tuple[str, ...]) -> None:
    """Show the roles of LOGIN, or give (+) and take (-) some; put `--` in front of the first that is taken."""
    wrong = [role for role in roles if role[:1] not in "+-"]
    if wrong:
        raise click.UsageError(f'write "+{wrong[0]}" to give the role, "-{wrong[0]}" to take it')
    with surroundings.workspace() as workspace, workspace.work(SYSTEM, command="user.roles") as work:
        person = _person(work, login)
        given = {role[1:] for role in roles if role.startswith("+")}
        kept = (person.roles | given) - {role[1:] for role in roles if role.startswith("-")}
        if roles:
            set_roles(work, person.id, kept)
    for role in sorted(kept):
        click.echo(role)


@user_group.command("active")
@click.argument("login")
@click.argument("active", type=bool)
@pass_surroundings
def user_active(surroundings: Surroundings, login: str, active: bool) -> None:
    """Let LOGIN in (yes) or shut them out at once (no)."""
    with surroundings.workspace() as workspace, workspace.work(SYSTEM, command="user.active") as work:
        set_active(work, _person(work, login).id, active)
    click.echo(f"{login} {'may sign in' if active else 'is shut out'}")


@user_group.command("move")
@click.argument("login")
@click.option("--to", "successor", help="Login of whoever gets it.")
@click.option(
    "--part", "parts", multiple=True, help="What goes: a name that is shown without --part; `all` for everything."
)
@click.option("--leaves", is_flag=True, help="Shut LOGIN out at once.")
@pass_surroundings
def move_user(
    surroundings: Surroundings, login: str, successor: str | None, parts: tuple[str, ...], leaves: bool
) -> None:
    """Show what LOGIN has, or hand chosen parts of it over."""
    with surroundings.workspace() as workspace:
        with workspace.read(SYSTEM) as work:
            person = _person(work, login).id
            to = _person(work, successor).id if successor else None
            found = moving.having(work, person)
        if not parts and not leaves:
            for one in found:
                click.echo(f"{one.part}\t{one.count}")
            return
        wanted = [one.part for one in found] if "all" in parts else list(parts)
        with workspace.work(SYSTEM, command="people.move") as work:
            id = moving.begin_move(work, person, wanted, to=to, leaves=leaves)
        moving.carry_out(workspace, id)
        with workspace.read(SYSTEM) as work:
            done = moving.get_move(work, id).done
    for part, what in done.items():
        click.echo(f"{part}\t{what['count']} moved" + (f", {what['left']} had to stay" if what["left"] else ""))


@user_group.command("list")
@click.option("--search", default="", help="Part of login, name, pinyin or e-mail.")
@pass_surroundings
def list_users(surroundings: Surroundings, search: str) -> None:
    """People with their roles, up to 200."""
    with surroundings.workspace() as workspace, workspace.read(SYSTEM) as work:
        for person in list_people(work.connection, search=search, limit=200):
            state = "" if person.active else "\t(shut out)"
            click.echo(f"{person.login}\t{person.name}\t{', '.join(sorted(person.roles))}{state}")


def _person(work: Work, login: str) -> Person:
    found = find_person(work.connection, login)
    if found is None:
        raise click.UsageError(f'there is nobody with the login "{login}"; `dougong user list` shows all')
    return found


def _password(given: str | None) -> str:
    return given or str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
